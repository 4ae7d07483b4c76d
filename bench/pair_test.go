package bench

import (
	"cmp"
	"slices"
	"testing"
	"time"
)

// A contestant does the same work as the others of its benchmark, in its way.
type contestant struct {
	name string
	run  func() error
	// units is how many units of work one run is: calls, lines. 0 is 1.
	units int
	// slower says that it takes longer than the subject, which is what its
	// ratio then tells.
	slower bool
}

// compare runs the contestants in turn and reports the time of each for one
// unit of work, and its ratio to the first's, the subject's: x-NAME when the
// subject takes that many times as long, NAME-x when NAME does.
func compare(b *testing.B, contestants ...contestant) {
	b.Helper()
	took := make([][]time.Duration, len(contestants))
	for _, c := range contestants { // caches are warm in the first round too
		if err := c.run(); err != nil {
			b.Fatalf("%s: %v", c.name, err)
		}
	}
	for round := 0; b.Loop(); round++ {
		for i := range contestants {
			at := (i + round) % len(contestants)
			start := time.Now()
			if err := contestants[at].run(); err != nil {
				b.Fatalf("%s: %v", contestants[at].name, err)
			}
			took[at] = append(took[at], time.Since(start))
		}
	}
	b.ReportMetric(0, "ns/op") // of all contestants together: no use
	var subject float64
	for i, c := range contestants {
		each := microseconds(lowerQuartile(took[i])) / float64(max(c.units, 1))
		b.ReportMetric(each, c.name+"-µs")
		switch {
		case i == 0:
			subject = each
		case c.slower:
			b.ReportMetric(each/subject, c.name+"-x")
		default:
			b.ReportMetric(subject/each, "x-"+c.name)
		}
	}
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// lowerQuartile is the value below which a quarter of the values lie.
func lowerQuartile[T cmp.Ordered](values []T) T {
	slices.Sort(values)
	return values[len(values)/4]
}
