package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"greenroom/auth"
	"greenroom/avatarserver"
	"greenroom/avatarserver/sandbox"
	"greenroom/db"
	"greenroom/models"
)

// watch subscribes until the test ends.
func (w *world) watch(ctx context.Context, id string) <-chan *models.Session {
	w.t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	w.t.Cleanup(cancel)
	states, err := w.service.Watch(ctx, id)
	if err != nil {
		w.t.Fatalf("watch: %v", err)
	}
	return states
}

// next is what a subscriber hears next.
func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-from:
		if !ok {
			t.Fatal("the subscription is over")
		}
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

// isOver waits until a subscription has completed by itself.
func isOver[T any](t *testing.T, from <-chan T) {
	t.Helper()
	select {
	case v, ok := <-from:
		if ok {
			t.Fatalf("after the end came %+v", v)
		}
	case <-time.After(patience):
		t.Fatal("the subscription goes on")
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	t.Run("TellsEveryStateOfAStory", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.create(nil).Session
		states := w.watch(w.token(s), s.ID)
		if first := next(t, states); first.Revision != s.Revision || first.AvatarState != models.AvatarWaiting {
			t.Fatalf("%+v", first)
		}
		// The avatar server takes its time, so that nobody can miss CONNECTING.
		readyNow := make(chan struct{})
		w.avatarServer(func(c *sandbox.Config) {
			c.Join = waitFor(readyNow)
		})
		done := make(chan *Started)
		go func() { done <- w.start(s) }()
		if connecting := next(t, states); connecting.AvatarState != models.AvatarConnecting || connecting.Status() != models.StatusCreated {
			t.Fatalf("%+v", connecting)
		}
		close(readyNow)
		ready := next(t, states)
		if ready.AvatarState != models.AvatarReady || ready.Status() != models.StatusStarted {
			t.Fatalf("%+v", ready)
		}
		<-done
		if _, err := w.service.End(w.key(), s.ID); err != nil {
			t.Fatal(err)
		}
		if ended := next(t, states); ended.Status() != models.StatusEnded || ended.Revision != ready.Revision+1 {
			t.Fatalf("%+v", ended)
		}
		isOver(t, states)
	})

	t.Run("OfAnEndedSessionIsOneState", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.create(nil).Session
		if _, err := w.service.End(w.key(), s.ID); err != nil {
			t.Fatal(err)
		}
		states := w.watch(w.key(), s.ID)
		if only := next(t, states); only.Status() != models.StatusEnded {
			t.Fatalf("%+v", only)
		}
		isOver(t, states)
	})

	t.Run("IsNotForStrangers", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		one, other := w.create(nil).Session, w.create(nil).Session
		for name, ctx := range map[string]context.Context{
			"another session's token": w.token(other),
			"another account's key":   w.otherAccount().ctx,
		} {
			if _, err := w.service.Watch(ctx, one.ID); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.service.Watch(context.Background(), one.ID); !errors.Is(err, models.ErrUnauthenticated) {
			t.Errorf("nobody: %v", err)
		}
	})

	t.Run("TellsADeadlineWithoutTheSweep", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(func(c *Timings) { c.Sweep = time.Hour }))
		s := w.create(nil).Session
		w.pass(10*time.Minute - 100*time.Millisecond)
		states := w.watch(w.key(), s.ID)
		if first := next(t, states); first.Status() != models.StatusCreated {
			t.Fatalf("%+v", first)
		}
		w.pass(100 * time.Millisecond)
		if ended := next(t, states); *ended.EndReason != models.EndNeverStarted || *ended.EndedAt != *s.Deadline {
			t.Fatalf("%+v", ended)
		}
		isOver(t, states)
	})

	t.Run("OfAnOperatorsEndIsTold", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.create(nil).Session
		states := w.watch(w.key(), s.ID)
		next(t, states)
		elsewhere := w.openElsewhere()
		if _, err := OperatorEnd(context.Background(), elsewhere, w.clock, s.ID); err != nil {
			t.Fatal(err)
		}
		if ended := next(t, states); *ended.EndReason != models.EndOperator {
			t.Fatalf("%+v", ended)
		}
		isOver(t, states)
	})
}

// Whoever subscribes at whatever moment while a session changes a thousand times ends on its
// last state, and never sees a revision twice or go backwards.
func TestWatchAtAnyMoment(t *testing.T) {
	t.Parallel()
	const changes, watchers = 1000, 24
	w := setup(t)
	s := w.create(nil).Session
	var all sync.WaitGroup
	for i := range watchers {
		all.Go(func() {
			// A random moment is a random state of the session to begin at.
			begin := s.Revision + rand.IntN(changes)
			w.eventually(fmt.Sprintf("revision %d", begin), func() bool { return w.read(s.ID).Revision >= begin })
			w.follow(s.ID, begin, i%3 == 0)
		})
	}
	for i := range changes {
		if _, err := w.service.UpdateMetadata(w.key(), s.ID, models.JSONObject{"n": int64(i)}); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.service.End(w.key(), s.ID); err != nil {
		t.Error(err)
	}
	all.Wait()
}

// follow watches a session to its end. A slow reader looks away between two states.
func (w *world) follow(id string, begin int, slow bool) {
	ctx, cancel := context.WithCancel(auth.WithCaller(context.Background(), callerOf(w)))
	defer cancel()
	states, err := w.service.Watch(ctx, id)
	if err != nil {
		w.t.Error(err)
		return
	}
	var last *models.Session
	for state := range states {
		if last == nil && state.Revision < begin {
			w.t.Errorf("began at revision %d, %d was there", state.Revision, begin)
		}
		if last != nil && state.Revision <= last.Revision {
			w.t.Errorf("revision %d after %d", state.Revision, last.Revision)
		}
		last = state
		if slow {
			present := w.read(id).Revision
			w.eventually("the session has moved on", func() bool {
				now := w.read(id)
				return now.Revision > present+10 || now.EndedAt != nil
			})
		}
	}
	if final := w.read(id); last == nil || last.EndedAt == nil || last.Revision != final.Revision || last.Metadata != final.Metadata {
		w.t.Errorf("ended on %+v, the last state is %+v", last, final)
	}
}

// waitFor is how an avatar joins its room that comes once ready is closed.
func waitFor(ready <-chan struct{}) func(context.Context, avatarserver.Avatar, avatarserver.Room) (sandbox.Participant, error) {
	return func(ctx context.Context, _ avatarserver.Avatar, _ avatarserver.Room) (sandbox.Participant, error) {
		select {
		case <-ready:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// openElsewhere opens the world's database as an operator's command does, which tells nobody of
// what it changes.
func (w *world) openElsewhere() *db.Store {
	w.t.Helper()
	store, err := db.Open(context.Background(), w.dsn, db.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = store.Close() })
	return store
}
