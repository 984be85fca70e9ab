package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// A duel is what servers did at one operation, in rounds that take turns: one of each server, then
// again. A machine that is slower for a while is so for all of them.
type duel struct {
	operation *operation
	rounds    map[string][]round // by the rival's name
}

// A ratio is one server's figure as so many times another's: the median of all rounds, and the
// least and the most.
type ratio struct{ median, low, high float64 }

// compare has the servers agree on the answers, warms them up and measures.
func (b *goalsBench) compare(ctx context.Context, o *operation, rivals []*rival, connections int, span time.Duration) (*duel, error) {
	if err := agree(ctx, o, rivals); err != nil {
		return nil, err
	}
	d := &duel{operation: o, rounds: map[string][]round{}}
	for turn := range b.Rounds + 1 {
		for _, r := range rivals {
			l := &load{connections: connections, operation: o, rival: r}
			within := span
			if turn == 0 && slices.Contains(compiling, r.name) {
				within = max(span, b.WarmUp)
			}
			done, err := l.run(ctx, within)
			if err != nil {
				return nil, err
			}
			if turn > 0 { // the first is the warm-up
				d.rounds[r.name] = append(d.rounds[r.name], done)
			}
		}
		if !o.makes && !quarter().Equal(rivals[0].questions[o][0].quarter) {
			if err := agree(ctx, o, rivals); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// of gives one server's figures as ratios of another's, round by round.
func (d *duel) of(one, other string, figure func(round) float64) ratio {
	var all []float64
	for i, r := range d.rounds[one] {
		all = append(all, figure(r)/figure(d.rounds[other][i]))
	}
	return ratioOf(all)
}

func ratioOf(all []float64) ratio { return ratio{median(all), slices.Min(all), slices.Max(all)} }

func rate(r round) float64    { return r.rate }
func perCPU(r round) float64  { return 1 / r.cpu }
func slowest(r round) float64 { return r.p99.Seconds() }

// median is that of something.
func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// print shows a line for each server: the medians, and how many times as much this server does.
func (d *duel) print(out io.Writer, engine string, rivals []*rival) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(w, "%-40s\tanswers/s\tCPU µs\tp99 ms\tgreenroom × by rate\t(least - most)\tby CPU\t\n", d.operation.name+", "+engine)
	for _, r := range rivals {
		rounds := d.rounds[r.name]
		by, cpu := d.of(ours, r.name, rate), d.of(ours, r.name, perCPU)
		_, _ = fmt.Fprintf(w, "%-40s\t%.0f\t%.0f\t%.1f\t%s\t(%s - %s)\t%s\t\n", r.name,
			medianOf(rounds, rate), 1e6*medianOf(rounds, func(r round) float64 { return r.cpu }), 1e3*medianOf(rounds, slowest),
			short(by.median), short(by.low), short(by.high), short(cpu.median))
	}
	_, _ = fmt.Fprintln(w)
	return w.Flush()
}

func medianOf(rounds []round, figure func(round) float64) float64 {
	var all []float64
	for _, r := range rounds {
		all = append(all, figure(r))
	}
	return median(all)
}

// short writes three digits.
func short(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return "-"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(max(x, 1e-9)))))
	return fmt.Sprintf("%.*f", min(digits, 4), x)
}
