package cluster

import "crypto/rand"

// NewSecret draws a run's secret: 130 random bits as text.
func NewSecret() string { return rand.Text() }
