package scenarios

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/yamlfile"
)

// Limits of what a file can ask for, so that a typing error does not occupy a
// machine for a day.
const (
	maxSteps                = 64
	maxEpisodes             = 100
	maxFaults               = 1000      // steps of all episodes
	maxDuration             = time.Hour // of any one duration
	maxCombinationsOfMatrix = 64
	maxRegions              = 9
	maxNodes                = 45 // of all regions
	maxTimeline             = 3 * time.Hour
	maxRate                 = 20_000   // operations a second and region
	maxFile                 = 64 << 10 // bytes
	maxCount                = 1000     // nodes that a selector draws
)

// intLimits are the least and the greatest value of a field, by its path without indices.
var intLimits = map[string][2]int{
	"episodes":                  {1, maxEpisodes},
	"steps.repeat":              {1, maxEpisodes},
	"steps.on.count":            {1, maxCount},
	"steps.to.count":            {1, maxCount},
	"steps.on.percent":          {1, 100},
	"steps.to.percent":          {1, 100},
	"steps.on.randomMaxPercent": {1, 100},
	"steps.to.randomMaxPercent": {1, 100},
	"topology.regions.weight":   {0, 100},
	"topology.regions.nodes":    {1, 9},
	"blastRadius.nodes":         {1, maxCount},
	"blastRadius.regions":       {1, maxCount},
	"load.reads":                {1, maxRate},
	"load.writes":               {1, maxRate},
	"load.localReads":           {1, maxRate},
	"load.consumers":            {1, 16},
	"load.keys":                 {1, 100_000},
	"load.opsPerKey":            {1, 1000},
	"load.clients":              {1, 256},
	"load.maxInFlight":          {1, 100_000},
	"load.closedLoop.writers":   {1, 1000},
}

// durationLimits are intLimits for durations.
var durationLimits = map[string][2]time.Duration{
	"baseline":                     {time.Second, maxDuration},
	"startJitter":                  {time.Millisecond, time.Minute},
	"episodeGap":                   {time.Second, maxDuration},
	"observe":                      {minObservation, maxDuration},
	"steps.at":                     {0, maxDuration},
	"steps.ramp":                   {500 * time.Millisecond, maxDuration},
	"loadPhases.at":                {0, maxDuration},
	"loadPhases.for":               {time.Second, maxDuration},
	"loadPhases.ramp":              {time.Millisecond, maxDuration},
	"loadPhases.within":            {100 * time.Millisecond, maxDuration},
	"guards.goodputFor":            {time.Second, maxDuration},
	"guards.duration":              {time.Second, maxTimeline},
	"steps.every":                  {time.Millisecond, maxDuration},
	"steps.within":                 {100 * time.Millisecond, maxDuration},
	"topology.latency.oneWay":      {0, 10 * time.Second},
	"load.timeout":                 {time.Millisecond, time.Minute},
	"load.closedLoop.for":          {time.Second, time.Minute},
	"objectives.rto":               {time.Millisecond, maxDuration},
	"objectives.staleReads.maxAge": {time.Millisecond, maxDuration},
	"objectives.goodLatency":       {time.Millisecond, time.Minute},
	"objectives.bucket":            {10 * time.Millisecond, 10 * time.Second},
	"objectives.stable":            {time.Second, maxDuration},
}

// place is what a path has beyond the names of fields: indices, and the groups that a step is in.
var place = regexp.MustCompile(`\[\d+\]|\.serial\b|\.parallel\b`)

// limitInt reports a whole number that is outside the field's limits. Zero means the default,
// unless the file gives it.
func limitInt(src *yamlfile.Source, field string, n int) {
	l := intLimits[place.ReplaceAllString(field, "")]
	src.RequireInt(field, n, l[0], l[1])
}

// limitDuration is limitInt for durations.
func limitDuration(src *yamlfile.Source, field string, d time.Duration) {
	l := durationLimits[place.ReplaceAllString(field, "")]
	src.RequireDuration(field, d, l[0], l[1])
}

// writeDuration writes a duration as a file does: "1h" and not "1h0m0s".
func writeDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// rangeOf says between which values a field must lie; empty where nothing bounds it.
func rangeOf(path string) string {
	if l, ok := intLimits[path]; ok {
		return fmt.Sprintf("%d to %d", l[0], l[1])
	}
	if l, ok := durationLimits[path]; ok {
		return writeDuration(l[0]) + " to " + writeDuration(l[1])
	}
	return ""
}
