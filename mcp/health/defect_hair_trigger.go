package health

// HairTrigger returns timings with the defect hair-trigger: one strike makes a peer
// suspected, and no witness is asked.
func HairTrigger(t Timing) Timing {
	t.Strikes, t.noWitness = 1, true
	return t
}
