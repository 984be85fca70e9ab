package main

import (
	"context"
	"fmt"
	"strconv"

	"greenroom/bench/peer"
)

// compareWrites measures sessions that are created, within a process and over HTTP.
func (y *yard) compareWrites(ctx context.Context) error {
	b := y.goals
	within, err := y.compareWriters()
	if err != nil {
		return err
	}
	rivals := y.among(ours, naive)
	o := y.create()
	over, err := b.compare(ctx, o, rivals, b.Callers, b.WriteSpan)
	if err != nil {
		return err
	}
	if err := over.print(b.out, y.engine, rivals); err != nil {
		return err
	}
	alone, err := b.compare(ctx, o, rivals, 1, b.Span)
	if err != nil {
		return err
	}
	o.name = "create, one caller"
	if err := alone.print(b.out, y.engine, rivals); err != nil {
		return err
	}
	if y.engine == onPostgres {
		return nil // the goals are SQLite's: PostgreSQL gathers commits of whoever asks
	}
	b.least(fmt.Sprintf("durable creates in process, %d callers, vs %s, %s", b.Callers, naive, y.engine), within, 0, 30)
	b.least(fmt.Sprintf("durable creates over HTTP, %d callers, vs %s, %s", b.Callers, naive, y.engine), over.of(ours, naive, rate), over.of(ours, naive, perCPU).median, 10)
	b.most(fmt.Sprintf("the same, p99 / p99 of %s, %s", naive, y.engine), over.of(ours, naive, slowest), 1./20)
	return y.compareLives(ctx)
}

// A writer is a process that writes sessions without a server.
type writer struct {
	name, binary string
}

// writers are what is compared, ours first.
func (y *yard) writers() []writer {
	all := []writer{
		{"Store.Write", "writer"},
		{"GORM's transactions", "naive"},
	}
	if y.engine == onSQLite {
		all = append(all, writer{"the limit: one prepared INSERT", "handwritten"})
	}
	return all
}

// groups are how many callers write at once, beside those of the goal.
var groups = []int{1, 16, 256}

// compareWriters has a process of each kind write sessions, in turns, and answers the ratio of the
// goal. Nothing else runs meanwhile, so they have every core.
func (y *yard) compareWriters() (ratio, error) {
	b := y.goals
	writers := y.writers()
	databases := make([]string, len(writers))
	for i := range writers {
		database, err := y.copy()
		if err != nil {
			return ratio{}, err
		}
		databases[i] = database
	}
	r, err := y.raceWriters(writers, databases, b.Callers, b.Rounds)
	if err != nil {
		return r, err
	}
	for _, callers := range groups {
		if _, err := y.raceWriters(writers, databases, callers, min(b.Rounds, 3)); err != nil {
			return r, err
		}
	}
	_, err = fmt.Fprintln(b.out)
	return r, err
}

// raceWriters has each write with so many callers, in turns, and gives the first one's rate as so many
// times the second's.
func (y *yard) raceWriters(writers []writer, databases []string, callers, rounds int) (ratio, error) {
	b := y.goals
	done, all := make([][]peer.Count, len(writers)), []float64{}
	for turn := range rounds {
		for i, w := range writers {
			var count peer.Count
			line := append(b.both(), y.peer(w.binary, databases[i], "creates",
				"--avatar="+y.avatar, "--callers="+strconv.Itoa(callers), "--for="+b.WriteSpan.String())...)
			if err := y.decode(line, &count); err != nil {
				return ratio{}, err
			}
			done[i] = append(done[i], count)
		}
		all = append(all, done[0][turn].Rate/done[1][turn].Rate)
	}
	r := ratioOf(all)
	_, _ = fmt.Fprintf(b.out, "create in process, %d callers, %s: × %s (%s - %s)\n", callers, y.engine, short(r.median), short(r.low), short(r.high))
	for i, w := range writers {
		var rates, cpu []float64
		failed := 0
		for _, c := range done[i] {
			rates, cpu, failed = append(rates, c.Rate), append(cpu, c.CPU), failed+c.Failed
		}
		_, _ = fmt.Fprintf(b.out, "  %-32s %.0f/s, CPU %.0f µs, %d refused\n", w.name+":", median(rates), median(cpu), failed)
	}
	return r, nil
}
