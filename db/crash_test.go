package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

// A clerk creates sessions under keys, and asks again under the same key until it is told that
// one is made: what a client does whose call went unanswered.
type clerk struct {
	world *dbtest.World
	// made is which session was acknowledged, by key.
	made map[string]string
}

// An office is clerks at work on one database.
type office struct {
	clerks []*clerk
	// acknowledged counts sessions; failed calls that were answered with an error, ambiguous
	// those of them that had made the session all the same.
	acknowledged, failed, ambiguous atomic.Int64
	// runs counts how often a transaction was begun.
	runs atomic.Int64
}

// create makes one session under its key, or finds the one that an earlier call has made.
func (o *office) create(c *clerk, key string) {
	for try := 1; ; try++ {
		var id string
		var found bool
		err := c.world.Store.Write(context.Background(), func(tx *db.Tx) error {
			o.runs.Add(1)
			if _, err := tx.LockAccount(c.world.Account.ID); err != nil {
				return err
			}
			bound, err := tx.IdempotencyKey(c.world.Account.ID, key, dbtest.Now)
			if found = err == nil; found {
				id = bound.SessionID
				return nil
			} else if !errors.Is(err, models.ErrNotFound) {
				return err
			}
			s := c.world.Session(dbtest.Now, nil)
			id = s.ID
			return errors.Join(
				tx.InsertSession(s), tx.PutAccessToken(s, []byte(s.ID)), tx.InsertEvent(event(s, models.EventCreated)),
				tx.BindIdempotencyKey(&db.IdempotencyKey{
					AccountID: s.AccountID, Key: key, Fingerprint: []byte(key), SessionID: s.ID, ExpiresAt: dbtest.Now + 1000,
				}, dbtest.Now))
		})
		if err != nil {
			o.failed.Add(1)
			continue
		}
		if found && try > 1 {
			o.ambiguous.Add(1)
		}
		c.made[key] = id
		o.acknowledged.Add(1)
		return
	}
}

// check compares what was acknowledged with what there is.
func (c *clerk) check(t *testing.T) {
	t.Helper()
	stored := map[string]int{} // events by session
	for page := (models.Page{Size: models.MaxPageSize}); ; {
		found, err := c.world.Store.Sessions(t.Context(), models.SessionQuery{Scope: c.world.Scope(), Page: page}, dbtest.Now)
		if err != nil {
			t.Fatal(err)
		}
		ids := make([]string, len(found.Nodes))
		for i, s := range found.Nodes {
			ids[i] = s.ID
		}
		events, err := c.world.Store.SessionEvents(t.Context(), c.world.Scope(), ids, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			stored[id] = len(events[id])
		}
		if !found.PageInfo.HasNextPage {
			break
		}
		page.After = *found.PageInfo.EndCursor
	}
	if len(stored) != len(c.made) {
		t.Errorf("%d keys made %d sessions", len(c.made), len(stored))
	}
	for key, id := range c.made {
		if stored[id] != 1 {
			t.Errorf("%s, made under %s, has %d events", id, key, stored[id])
		}
	}
}

// work has clerks work on a database until trouble has come often enough.
func work(t *testing.T, dsn string, trouble func(*office) (enough bool)) {
	t.Helper()
	store := open(t, dsn)
	o := &office{clerks: make([]*clerk, 16)}
	for i := range o.clerks {
		// Accounts of their own: callers of one account wait for each other.
		o.clerks[i] = &clerk{world: dbtest.NewWorld(t, store), made: map[string]string{}}
	}
	var closed atomic.Bool
	var load sync.WaitGroup
	for _, c := range o.clerks {
		load.Go(func() {
			for n := 0; !closed.Load(); n++ {
				o.create(c, fmt.Sprint(n))
			}
		})
	}
	const most = 60
	defer closed.Store(true)
	enough := false
	for round := 0; round < most && !enough && !t.Failed(); round++ {
		seen := o.acknowledged.Load()
		eventually(t, "sessions are acknowledged between two troubles", func() bool { return o.acknowledged.Load() > seen+32 })
		enough = trouble(o)
	}
	closed.Store(true)
	load.Wait()
	if !enough {
		t.Errorf("%d calls failed, %d ambiguously: the trouble hit nothing", o.failed.Load(), o.ambiguous.Load())
	}
	for _, c := range o.clerks {
		c.check(t)
	}
	t.Logf("%d acknowledged, %d failed, %d of these ambiguous", o.acknowledged.Load(), o.failed.Load(), o.ambiguous.Load())
}

// eventually polls, with a deadline.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}

// TestMatrix15ConnectionsAreTerminated ends every connection under load: nothing acknowledged is
// lost, and no key makes two sessions.
func TestMatrix15ConnectionsAreTerminated(t *testing.T) {
	t.Parallel()
	server := dbtest.OwnPostgres(t)
	rounds, ended := 0, 0
	work(t, server.DSN, func(o *office) bool {
		rounds++
		ended += server.Terminate()
		// Whoever was in mid-transaction has run again.
		return rounds >= 20 && ended > rounds && o.runs.Load() > o.acknowledged.Load()+int64(len(o.clerks))
	})
}

// TestMatrix16PostgresRestartsAtOnce crashes the server under load, until a commit whose answer
// was lost has turned out to have happened.
func TestMatrix16PostgresRestartsAtOnce(t *testing.T) {
	t.Parallel()
	server := dbtest.OwnPostgres(t)
	rounds := 0
	work(t, server.DSN, func(o *office) bool {
		rounds++
		server.Crash()
		return rounds >= 4 && o.failed.Load() > 0 && o.ambiguous.Load() > 0
	})
}

// TestMatrix18Deadlock locks two accounts in opposite order. The victim runs again as a whole.
func TestMatrix18Deadlock(t *testing.T) {
	t.Parallel()
	store := openPostgres(t)
	one, other := dbtest.NewWorld(t, store), dbtest.NewWorld(t, store)
	var runs atomic.Int64
	var both sync.WaitGroup
	both.Add(2)
	lock := func(first, second *dbtest.World) error {
		held := sync.OnceFunc(func() { both.Done(); both.Wait() })
		return store.Write(t.Context(), func(tx *db.Tx) error {
			runs.Add(1)
			if _, err := tx.LockAccount(first.Account.ID); err != nil {
				return err
			}
			held()
			if _, err := tx.LockAccount(second.Account.ID); err != nil {
				return err
			}
			return tx.InsertSession(first.Session(dbtest.Now, nil))
		})
	}
	var all sync.WaitGroup
	all.Go(func() {
		if err := lock(one, other); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() {
		if err := lock(other, one); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
	if runs.Load() < 3 {
		t.Errorf("%d runs: there was no deadlock", runs.Load())
	}
	for _, w := range []*dbtest.World{one, other} {
		if n, err := store.CountLive(t.Context(), w.Account.ID, dbtest.Now); err != nil || n != 1 {
			t.Errorf("%d sessions, %v", n, err)
		}
	}
}

// TestMatrix18SerializationFailure comes again and again: after so many tries the caller is told.
func TestMatrix18SerializationFailure(t *testing.T) {
	t.Parallel()
	store := openPostgres(t)
	for _, code := range []string{"40001", "40P01"} {
		for _, failing := range []int{db.Tries - 1, db.Tries + 10} {
			runs := 0
			err := store.Write(t.Context(), func(tx *db.Tx) error {
				if runs++; runs <= failing {
					return tx.Exec("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '" + code + "'; END $$")
				}
				return nil
			})
			if runs != db.Tries || (err != nil) != (failing >= db.Tries) {
				t.Errorf("%s %d times: %d runs, %v", code, failing, runs, err)
			}
			if err != nil && !strings.Contains(err.Error(), code) {
				t.Errorf("the caller is told %v", err)
			}
		}
	}
}
