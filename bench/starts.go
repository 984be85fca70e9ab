package main

import (
	"context"
	"fmt"
	"time"
)

// starts measures how soon a new process answers, and what memory it has then.
func (y *yard) starts(ctx context.Context) error {
	b := y.goals
	names := []string{ours, naive}
	if b.Node {
		names = append(names, mercurius)
	}
	databases := map[string]string{}
	for _, name := range names {
		database, err := y.copy()
		if err != nil {
			return err
		}
		databases[name] = database
	}
	first, idle := map[string][]float64{}, map[string][]float64{}
	for range b.Rounds {
		for _, name := range names {
			took, memory, err := y.start(ctx, name, databases[name])
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			first[name] = append(first[name], took.Seconds()*1e3)
			idle[name] = append(idle[name], memory/1e6)
		}
	}
	for _, name := range names {
		_, _ = fmt.Fprintf(b.out, "%-30s  first answer %s ms, idle %s MB\n", name, short(median(first[name])), short(median(idle[name])))
	}
	_, _ = fmt.Fprintln(b.out)
	b.most("first answer, ms, "+y.engine, ratioOf(first[ours]), 60)
	b.most("idle memory, MB, "+y.engine, ratioOf(idle[ours]), 60)
	return nil
}

// settling is how long a server has after its first answer before its memory is looked at.
const settling = 500 * time.Millisecond

// start starts a server on a database of its own, asks it for one session, and stops it.
func (y *yard) start(ctx context.Context, name, database string) (took time.Duration, memory float64, err error) {
	line := y.line(name, database)
	environ := y.environ
	if name == ours {
		line = y.own(y.goals.under, append(serveFlags, "--start-window=24h")...)
		y.environ = append(environ[:len(environ):len(environ)], "GREENROOM_DATABASE="+database)
	}
	began := time.Now()
	one, err := y.launch(line)
	y.environ = environ
	if err != nil {
		return 0, 0, err
	}
	r := newRival(name, y.key, one)
	o := y.reads()[1]
	o.bodies = o.bodies[:1]
	if err := agree(ctx, o, []*rival{r}); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	if err := await(ctx, settling); err != nil {
		return 0, 0, err
	}
	memory = r.memory()
	return took, memory, y.end(one)
}
