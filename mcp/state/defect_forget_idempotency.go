package state

// ForgetIDs switches the defect forget-idempotency on: from now on the state does not
// remember the ids of mutations, so a retry is applied a second time. Call it before the first command.
func (s *State) ForgetIDs() { s.remember = func(string, outcome) {} }
