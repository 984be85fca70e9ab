package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

// A figure is one thing measured.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// table prints a line for each figure and a column for each run.
func table(out io.Writer, runs [][]figure) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for i, f := range runs[0] {
		_, _ = fmt.Fprintf(w, "%-46s\t", f.Name)
		for _, run := range runs {
			digits := 2
			if run[i].Value >= 100 {
				digits = 0
			}
			_, _ = fmt.Fprintf(w, "%.*f\t", digits, run[i].Value)
		}
		_, _ = fmt.Fprintf(w, "%s\t\n", f.Unit)
	}
	return w.Flush()
}

// samples are durations that many goroutines gather.
type samples struct {
	mu  sync.Mutex
	all []time.Duration
}

func (s *samples) add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, d)
}

func (s *samples) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// quantiles are the percentiles of what was gathered, which has to be something; 100 is the most.
func (s *samples) quantiles(name string, percentiles ...float64) []figure {
	var figures []figure
	for _, p := range percentiles {
		label := fmt.Sprintf("p%v", p)
		if p == 100 {
			label = "most"
		}
		figures = append(figures, figure{name + ", " + label, s.at(p).Seconds() * 1000, "ms"})
	}
	return figures
}

// at is a percentile of what was gathered, which has to be something.
func (s *samples) at(percentile float64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.all)
	return s.all[max(int(math.Ceil(percentile/100*float64(len(s.all)))), 1)-1]
}
