package node

import "slices"

// defective says whether the node was started with a defect.
func (c Config) defective(defect string) bool { return slices.Contains(c.Defects, defect) }
