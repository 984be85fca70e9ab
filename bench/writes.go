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

// compareWriters has a process of each kind write sessions without a server, in turns. Nothing
// else runs meanwhile, so they have every core.
func (y *yard) compareWriters() (ratio, error) {
	b := y.goals
	writers := []string{"writer", "naive"}
	databases := map[string]string{}
	for _, name := range writers {
		database, err := y.copy()
		if err != nil {
			return ratio{}, err
		}
		databases[name] = database
	}
	done, all := map[string][]peer.Count{}, []float64{}
	for turn := range b.Rounds {
		for _, name := range writers {
			var count peer.Count
			line := append(b.both(), y.peer(name, databases[name], "creates",
				"--avatar="+y.avatar, "--callers="+strconv.Itoa(b.Callers), "--for="+b.WriteSpan.String())...)
			if err := y.decode(line, &count); err != nil {
				return ratio{}, err
			}
			done[name] = append(done[name], count)
		}
		all = append(all, done["writer"][turn].Rate/done["naive"][turn].Rate)
	}
	r := ratioOf(all)
	_, _ = fmt.Fprintf(b.out, "create in process, %d callers, %s: × %s (%s - %s)\n", b.Callers, y.engine, short(r.median), short(r.low), short(r.high))
	for _, name := range writers {
		var rates, cpu []float64
		failed := 0
		for _, c := range done[name] {
			rates, cpu, failed = append(rates, c.Rate), append(cpu, c.CPU), failed+c.Failed
		}
		_, _ = fmt.Fprintf(b.out, "  %s: %.0f/s, CPU %.0f µs, %d refused\n", kinds[name], median(rates), median(cpu), failed)
	}
	_, err := fmt.Fprintln(b.out)
	return r, err
}

// kinds are what the writers stand for.
var kinds = map[string]string{"writer": "Store.Write", "naive": "GORM's transactions"}
