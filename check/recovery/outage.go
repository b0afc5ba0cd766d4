package recovery

import "github.com/mcp-resilience/holdfast/record"

// outages lists the maximal runs of bad buckets in [from, to), those that are
// less than Merge apart as one.
func (s *series) outages(from, to int) []record.Span {
	var out []record.Span
	for i := s.nextBad(from, to); i >= 0; i = s.nextBad(i, to) {
		end := i
		for end < min(to, len(s.due)) && s.bad[end+1] > s.bad[end] {
			end++
		}
		span := record.Span{From: s.start(i), To: s.start(end)}
		if n := len(out); n > 0 && span.From-out[n-1].To < s.slo.Merge {
			out[n-1].To = span.To
		} else {
			out = append(out, span)
		}
		i = end
	}
	return out
}

// brownOut counts the bad operations in [from, to) outside outages, and all that were due there.
func (s *series) brownOut(from, to int, outages []record.Span) (bad, due int64) {
	for i := max(from, 0); i < min(to, len(s.due)); i++ {
		for len(outages) > 0 && s.start(i) >= outages[0].To {
			outages = outages[1:]
		}
		if len(outages) > 0 && s.start(i) >= outages[0].From {
			continue
		}
		bad += int64(s.due[i] - s.good[i])
		due += int64(s.due[i])
	}
	return bad, due
}
