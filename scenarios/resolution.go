package scenarios

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/workload"
)

// minPerBucket is how many operations of a class and region a bucket should hold. In a bucket with
// fewer, a single slow operation decides whether service counts as good.
const minPerBucket = 2

// classRate is how many operations of a class each region sends in a second.
type classRate struct {
	field, noun string
	perSecond   int
}

func classRates(l workload.Load) []classRate {
	l = l.Resolve()
	return []classRate{{"load.reads", "read", l.Reads}, {"load.writes", "write", l.Writes}}
}

// resolution is how exactly a recovery can be timed: a bucket, or the gap between two operations.
func (c classRate) resolution(bucket time.Duration) time.Duration {
	return max(bucket, time.Second/time.Duration(c.perSecond))
}

func (c classRate) String() string {
	if c.perSecond == 1 {
		return "1 " + c.noun + " a second"
	}
	return fmt.Sprintf("%d %ss a second", c.perSecond, c.noun)
}

// validateResolution reports an RTO objective that is finer than the load can show.
func validateResolution(src *yamlfile.Source, o record.Objectives, l workload.Load) {
	if o.RTO <= 0 || src.Reported("load") || src.Reported("objectives.bucket") {
		return
	}
	bucket := o.SLO(slo).Bucket
	if o.RTO < bucket {
		src.Report("objectives.rto", fmt.Sprintf("%v cannot be judged with buckets of %v: lower objectives.bucket, or allow %v", o.RTO, bucket, bucket), "")
		return
	}
	for _, c := range classRates(l) {
		if finest := c.resolution(bucket); o.RTO < finest {
			enough := int((time.Second + o.RTO - 1) / o.RTO)
			src.Report("objectives.rto", fmt.Sprintf("%v cannot be judged with %v from each region: raise %s to %d, or allow %v", o.RTO, c, c.field, enough, finest), "")
		}
	}
}

// Warnings says what makes the plan's findings weaker than they could be.
func (p Plan) Warnings() []string {
	out := p.blastRadiusWarnings()
	bucket := p.Objectives.SLO(slo).Bucket
	for _, c := range classRates(p.Load) {
		if time.Duration(c.perSecond)*bucket >= minPerBucket*time.Second {
			continue
		}
		enough := int((minPerBucket*time.Second + bucket - 1) / bucket)
		out = append(out, fmt.Sprintf("the load is thin: %v from each region is fewer than %d in a bucket of %s, so a recovery is timed to %s at best; raise %s to %d, or widen objectives.bucket",
			c, minPerBucket, duration.Format(bucket), duration.Format(c.resolution(bucket)), c.field, enough))
	}
	return out
}
