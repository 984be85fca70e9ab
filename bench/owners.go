package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// An owner is one of many accounts, with a session of its own.
type owner struct{ Session, Token, Key string }

const (
	// ownersIdle is for how long nothing happens but that access tokens are looked up again.
	ownersIdle = 10 * time.Second
	// ownersChanged is how many sessions are changed, callers at a time.
	ownersChanged = 2000
)

// feedOwners measures as many sockets as compareFeeds does, each of another account, with the access
// token of the session that it watches.
func (y *yard) feedOwners(ctx context.Context) (err error) {
	r := y.among(ours)[0]
	n, err := sockets(len(y.owners), 1)
	if err != nil {
		return err
	}
	before, err := y.settled()
	if err != nil {
		return err
	}
	rss := r.memory()
	watchers := make([]*watcher, n)
	var listening sync.WaitGroup
	defer func() {
		for _, w := range watchers {
			if w != nil {
				err = errors.Join(err, w.net.Close())
			}
		}
		listening.Wait()
	}()
	err = each(ctx, n, func(ctx context.Context, i int) (err error) {
		watchers[i], err = watch(ctx, r.address, y.owners[i].Token, y.owners[i].Session)
		return err
	})
	if err != nil {
		return err
	}
	idle, err := y.settled()
	if err != nil {
		return err
	}
	rss = r.memory() - rss
	cpu, began := r.cpu(), time.Now()
	select {
	case <-time.After(ownersIdle):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	resting := (r.cpu() - cpu) / time.Since(began).Seconds()
	cpu = r.cpu()
	changes := min(n, ownersChanged)
	late, err := y.changeOwn(ctx, r, watchers[:changes], &listening)
	if err != nil {
		return err
	}
	cpu = r.cpu() - cpu
	per := func(before, after float64) float64 { return (after - before) / float64(n) / 1e3 }
	_, _ = fmt.Fprintf(y.goals.out, "feed, %d accounts with a socket each: idle %s kB (heap %s, stack %s; resident %s), goroutines %.1f, CPU at rest %s %% of a core; "+
		"a change with %d callers, sent to told: p50 %s ms, p99 %s ms, CPU %s µs\n\n",
		n, short(per(before.heap+before.stack, idle.heap+idle.stack)), short(per(before.heap, idle.heap)), short(per(before.stack, idle.stack)),
		short(rss/float64(n)/1e3), (idle.goroutines-before.goroutines)/float64(n), short(100*resting),
		callers, short(1e3*late.at(50).Seconds()), short(1e3*late.at(99).Seconds()), short(1e6*cpu/float64(changes)))
	return nil
}

// changeOwn changes the session of each watcher once.
func (y *yard) changeOwn(ctx context.Context, r *rival, watchers []*watcher, listening *sync.WaitGroup) (*samples, error) {
	told := make([]chan error, len(watchers))
	for i, w := range watchers {
		told[i] = make(chan error, 1)
		listening.Go(func() {
			_, err := w.read()
			told[i] <- err
		})
	}
	late := &samples{}
	return late, each(ctx, len(watchers), func(_ context.Context, i int) error {
		sent := time.Now()
		if err := y.touch(r, y.owners[i]); err != nil {
			return err
		}
		select {
		case err := <-told[i]:
			late.add(time.Since(sent))
			return err
		case <-time.After(time.Minute):
			return errors.New("a change was not told within a minute")
		}
	})
}

// touch changes a session's metadata.
func (y *yard) touch(r *rival, of owner) error {
	var made struct {
		UpdateSessionMetadata struct{ UserErrors refusals }
	}
	err := y.askAs(of.Key, "http://"+r.address, `mutation ($id: ID!) {
		updateSessionMetadata(input: {id: $id, metadata: {changed: true}}) { userErrors { code message } }
	}`, map[string]any{"id": of.Session}, &made)
	return errors.Join(err, made.UpdateSessionMetadata.UserErrors.err())
}
