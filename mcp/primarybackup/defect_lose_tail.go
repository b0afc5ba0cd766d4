package primarybackup

// lostTailRecords is how many records the defect LoseTail removes at a start.
const lostTailRecords = 64

// Defects are faults that a node is started with on purpose, so that whoever tests
// the platform can check that the test notices. A sound node has none.
type Defects struct {
	// LoseTail makes a node lose its last records when it restarts.
	LoseTail bool
}

// afterOpen is called with a journal that has just been read from its file.
func (d Defects) afterOpen(j *Journal) error {
	if !d.LoseTail {
		return nil
	}
	last := j.file.Last().Index
	removed, err := j.file.Truncate(last - min(last, lostTailRecords))
	j.sets.undo(removed)
	return err
}
