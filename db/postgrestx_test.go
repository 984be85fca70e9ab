package db_test

import (
	"errors"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

// onWire opens a database whose connections go over a wire.
func onWire(t *testing.T, dsn string, opts db.Options) (*db.Store, *wire) {
	t.Helper()
	at, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	at.RawQuery = "sslmode=disable"
	wire := newWire(t, at.Host)
	at.Host = wire.address
	store, err := db.Open(t.Context(), at.String(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store, wire
}

// What is written goes to the server with the next question, or with the commit.
func TestPostgresTakesFewRoundTrips(t *testing.T) {
	t.Parallel()
	store, wire := onWire(t, dbtest.Postgres(t), db.Options{})
	w := dbtest.NewWorld(t, store)
	create := func() {
		s := w.Session(dbtest.Now, nil)
		w.Do(func(tx *db.Tx) error {
			if _, err := tx.Account(w.Account.ID); err != nil { // with BEGIN
				return err
			}
			if _, err := tx.AvatarInUse(w.Scope(), s.AvatarID); err != nil {
				return err
			}
			line := &models.SessionEvent{AccountID: s.AccountID, ID: models.NewID(models.EventPrefix, dbtest.Now), SessionID: s.ID, Type: models.EventCreated, Actor: models.ActorAPIKey}
			return errors.Join(tx.InsertSession(s), tx.PutAccessToken(s, []byte(s.ID)), tx.InsertEvent(line)) // with COMMIT
		})
	}
	create() // the first time, statements are prepared
	before := wire.asked.Load()
	create()
	if trips := wire.asked.Load() - before; trips != 3 {
		t.Errorf("%d round trips", trips)
	}
}

// What the server refuses shows with whatever comes next, and nothing is kept.
func TestPostgresRefusesLate(t *testing.T) {
	var told []*models.Change
	store, wire := onWire(t, dbtest.Postgres(t), db.Options{Committed: func(c *models.Change) { told = append(told, c) }})
	w := dbtest.NewWorld(t, store)
	there := w.Session(dbtest.Now, nil)
	w.Insert(there)
	ask := func(tx *db.Tx) error { _, err := tx.Account(w.Account.ID); return err }
	askGORM := func(tx *db.Tx) error { _, err := tx.Participants(there); return err }
	for name, next := range map[string]struct {
		step      func(*db.Tx) error
		swallowed bool
	}{
		"Commit":         {step: func(*db.Tx) error { return nil }},
		"Question":       {step: ask},
		"GORMQuestion":   {step: askGORM},
		"Change":         {step: func(tx *db.Tx) error { return tx.Swap(there) }},
		"Swallowed":      {ask, true},
		"SwallowedGORM":  {askGORM, true},
		"GORMsOwnFailed": {func(tx *db.Tx) error { return tx.Exec("SELECT 1/0") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			told = nil
			other := w.Session(dbtest.Now, nil)
			err := store.Write(t.Context(), func(tx *db.Tx) error {
				if err := errors.Join(tx.InsertSession(other), tx.InsertSession(there)); err != nil {
					t.Errorf("it asked before it had to: %v", err)
				}
				if err := next.step(tx); !next.swallowed {
					return err
				}
				return nil
			})
			if !errors.Is(err, models.ErrConflict) {
				t.Error(err)
			}
			if _, err := store.Session(t.Context(), w.Scope(), other.ID, dbtest.Now); !errors.Is(err, models.ErrNotFound) {
				t.Errorf("the other one: %v", err)
			}
			if len(told) > 0 {
				t.Errorf("told of %+v", told)
			}
		})
	}
	// A failure of GORM's alone, that nobody has minded.
	err := store.Write(t.Context(), func(tx *db.Tx) error {
		_ = tx.Exec("SELECT 1/0")
		return nil
	})
	if !errors.Is(err, pgx.ErrTxCommitRollback) || len(told) > 0 {
		t.Errorf("%v, told of %+v", err, told)
	}
	// The connection is none the worse, but for statements that the driver prepares anew.
	w.Insert(w.Session(dbtest.Now, nil))
	before := wire.asked.Load()
	w.Insert(w.Session(dbtest.Now, nil))
	if trips := wire.asked.Load() - before; trips != 1 {
		t.Errorf("%d round trips", trips)
	}
}

// A commit whose answer is lost has perhaps happened: it is not run again, and whoever watches is told
// to look.
func TestPostgresLosesAReply(t *testing.T) {
	t.Parallel()
	var told []*models.Change
	dsn := dbtest.Postgres(t)
	store, wire := onWire(t, dsn, db.Options{Committed: func(c *models.Change) { told = append(told, c) }})
	w := dbtest.NewWorld(t, store)
	w.Insert(w.Session(dbtest.Now, nil)) // or the answer that is lost is that to the preparing of a statement
	told = nil
	s := w.Session(dbtest.Now, nil)
	runs := 0
	err := store.Write(t.Context(), func(tx *db.Tx) error {
		runs++
		if _, err := tx.Account(w.Account.ID); err != nil {
			return err
		}
		wire.cutOnReply.Store(true)
		return tx.InsertSession(s)
	})
	if models.KindOf(err) != models.KindUnavailable || runs != 1 {
		t.Errorf("%v after %d runs", err, runs)
	}
	if len(told) != 1 || !told[0].Missed || told[0].After.ID != s.ID {
		t.Errorf("told of %+v", told)
	}
	if _, err := open(t, dsn).Session(t.Context(), w.Scope(), s.ID, dbtest.Now); err != nil {
		t.Errorf("the server had it all: %v", err)
	}
}

// A question whose answer is lost has changed nothing: it is run again, from the beginning.
func TestPostgresAsksAgain(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Postgres(t)
	store, wire := onWire(t, dsn, db.Options{})
	w := dbtest.NewWorld(t, store)
	s := w.Session(dbtest.Now, nil)
	ask := func(tx *db.Tx) error { _, err := tx.Account(w.Account.ID); return err }
	insert := func(tx *db.Tx) error { return tx.InsertSession(s) }
	for what, steps := range map[string][2]func(*db.Tx) error{
		"with what is held back": {insert, ask},
		"alone":                  {ask, ask},
	} {
		runs := 0
		w.Do(func(tx *db.Tx) error {
			runs++
			if err := steps[0](tx); err != nil {
				return err
			}
			if runs == 1 {
				wire.cutOnReply.Store(true)
			}
			return steps[1](tx)
		})
		if runs != 2 {
			t.Errorf("%s: %d runs", what, runs)
		}
	}
	if _, err := open(t, dsn).Session(t.Context(), w.Scope(), s.ID, dbtest.Now); err != nil {
		t.Error(err)
	}
}

// Of two that wait for each other the server gives one up, which runs again.
func TestPostgresBreaksADeadlock(t *testing.T) {
	t.Parallel()
	store := open(t, dbtest.Postgres(t))
	w := dbtest.NewWorld(t, store)
	a, b := w.Session(dbtest.Now, nil), w.Session(dbtest.Now, nil)
	w.Insert(a, b)
	var both, all sync.WaitGroup
	var runs atomic.Int64
	both.Add(2)
	for _, order := range [][2]string{{a.ID, b.ID}, {b.ID, a.ID}} {
		all.Go(func() {
			first := true
			err := store.Write(t.Context(), func(tx *db.Tx) error {
				runs.Add(1)
				if _, err := tx.Session(w.Scope(), order[0]); err != nil {
					return err
				}
				if first {
					first = false
					both.Done()
					both.Wait()
				}
				_, err := tx.Session(w.Scope(), order[1])
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if runs.Load() != 3 {
		t.Errorf("%d runs", runs.Load())
	}
}

// A connection that breaks where nothing is in doubt: behind the server's word that it has committed,
// and before a commit was sent.
func TestPostgresIsSureOfItsCommits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refused bool
		cut     func(*wire) *atomic.Bool
		runs    int
	}{
		"BehindTheCommit": {false, func(w *wire) *atomic.Bool { return &w.cutOnCommitted }, 1},
		// The driver first drops the statements that it does not trust since.
		"BehindARefusal": {true, func(w *wire) *atomic.Bool { return &w.cutOnReply }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told []*models.Change
			store, wire := onWire(t, dbtest.Postgres(t), db.Options{Committed: func(c *models.Change) { told = append(told, c) }})
			w := dbtest.NewWorld(t, store)
			there := w.Session(dbtest.Now, nil)
			w.Insert(there)
			if c.refused {
				err := store.Write(t.Context(), func(tx *db.Tx) error { return tx.InsertSession(there) })
				if !errors.Is(err, models.ErrConflict) {
					t.Fatal(err)
				}
			}
			told = nil
			runs, s := 0, w.Session(dbtest.Now, nil)
			c.cut(wire).Store(true)
			err := store.Write(t.Context(), func(tx *db.Tx) error { runs++; return tx.InsertSession(s) })
			if err != nil || runs != c.runs || c.cut(wire).Load() {
				t.Errorf("%v, %d runs; was cut: %t", err, runs, !c.cut(wire).Load())
			}
			if len(told) != 1 || told[0].After == nil || told[0].After.ID != s.ID {
				t.Errorf("told of %+v", told)
			}
		})
	}
}

// An older server drains while a newer one has added a column: prepared statements do not know it.
func TestPostgresGetsAColumn(t *testing.T) {
	t.Parallel()
	store := open(t, dbtest.Postgres(t))
	w := dbtest.NewWorld(t, store)
	s := w.Session(dbtest.Now, nil)
	w.Insert(s)
	wanted := db.SelectSessions(1<<17-1, 31)
	ways := map[string]func() error{
		"Session": func() error { _, err := store.Session(t.Context(), w.Scope(), s.ID, dbtest.Now); return err },
		"Plan": func() error {
			var rows db.Rows[db.SessionRow]
			return store.ReadSession(t.Context(), wanted, w.Scope(), s.ID, dbtest.Now, &rows)
		},
		"Sweep": func() error { _, err := store.DueSessions(t.Context(), dbtest.Now, 1); return err },
		"Write": func() error {
			return store.Write(t.Context(), func(tx *db.Tx) error {
				row, err := tx.Session(w.Scope(), s.ID)
				if err != nil {
					return err
				}
				row.Revision++
				_, err = tx.DueSessions(dbtest.Now, 1)
				return errors.Join(err, tx.Swap(row))
			})
		},
	}
	for _, when := range []string{"before", "afterwards"} {
		for name, way := range ways {
			for range 3 { // prepared by the second time at the latest
				if err := way(); err != nil {
					t.Errorf("%s, %s: %v", name, when, err)
				}
			}
		}
		if when == "before" {
			w.Do(func(tx *db.Tx) error { return tx.Exec("ALTER TABLE sessions ADD COLUMN mood TEXT NOT NULL DEFAULT ''") })
		}
	}
}
