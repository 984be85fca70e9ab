package db_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/db/powerloss"
	"greenroom/models"
)

var (
	cuts = flag.Int("powerloss.cuts", 150, "how often the power is cut")
	seed = flag.Uint64("powerloss.seed", rand.Uint64(), "the first cut's seed; each further one has the next number")
)

// promises are what writers were told is done: each session's revision.
type promises struct {
	mu       sync.Mutex
	revision map[string]int
}

func (p *promises) note(id string, revision int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revision[id] = revision
}

// soFar is a copy of what has been promised by now.
func (p *promises) soFar() *promises {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &promises{revision: maps.Clone(p.revision)}
}

// writeUntilRefused creates sessions and ends every second of them, each with its line on the
// timeline, until a write is refused. It gives that refusal.
func (p *promises) writeUntilRefused(ctx context.Context, w *dbtest.World) error {
	for n := 0; ; n++ {
		s := w.Session(dbtest.Now, nil)
		err := w.Store.Write(ctx, func(tx *db.Tx) error {
			if err := tx.InsertSession(s); err != nil {
				return err
			}
			return errors.Join(tx.PutAccessToken(s, []byte(s.ID)), tx.InsertEvent(event(s, models.EventCreated)))
		})
		if err != nil {
			return err
		}
		p.note(s.ID, 1)
		if n%2 == 0 {
			continue
		}
		err = w.Store.Write(ctx, func(tx *db.Tx) error {
			row, err := tx.Session(w.Scope(), s.ID)
			if err != nil {
				return err
			}
			row.End(dbtest.Now+1, models.EndClient)
			return errors.Join(tx.InsertEvent(row.EndEvent(models.ActorAPIKey)), tx.Swap(row))
		})
		if err != nil {
			return err
		}
		p.note(s.ID, 2)
	}
}

func event(s *models.Session, what models.EventType) *models.SessionEvent {
	return &models.SessionEvent{
		AccountID: s.AccountID, SessionID: s.ID, Revision: s.Revision, ID: models.NewID(models.EventPrefix, dbtest.Now),
		Type: what, At: dbtest.Now, Actor: models.ActorAPIKey,
	}
}

// writers is how many write at once, so that they share commits.
const writers = 6

// write has all writers write until they are refused, or ctx ends.
func (p *promises) write(ctx context.Context, w *dbtest.World) (refusals []error) {
	refusals = make([]error, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() { refusals[i] = p.writeUntilRefused(ctx, w) })
	}
	all.Wait()
	return refusals
}

// judge counts promises that the file does not keep, and tells what is torn in it.
func (p *promises) judge(t *testing.T, file string) (lost int, torn error) {
	t.Helper()
	// As after a restart: it recovers.
	store, err := db.Open(t.Context(), "sqlite:"+file, db.Options{})
	if err != nil {
		return 0, err
	}
	for id, revision := range p.revision {
		row, err := store.OperatorSession(t.Context(), id)
		if errors.Is(err, models.ErrNotFound) || err == nil && row.Revision < revision {
			lost++
		} else if err != nil {
			torn = errors.Join(torn, err)
		}
	}
	return lost, errors.Join(torn, store.Close(), whole(t, file))
}

// whole tells what is wrong with a database: damage, or a session that disagrees with its
// timeline or its token.
func whole(t *testing.T, file string) error {
	t.Helper()
	pool, err := sql.Open("sqlite3", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	var wrong error
	for question, want := range map[string]string{
		"PRAGMA integrity_check":                        "ok",
		"SELECT count(*) FROM pragma_foreign_key_check": "0",
		`SELECT count(*) FROM sessions s WHERE revision !=
			(SELECT count(*) FROM session_events e WHERE e.session_id = s.id)`: "0",
		`SELECT count(*) FROM sessions s WHERE (ended_at IS NOT NULL) !=
			EXISTS (SELECT 1 FROM session_events e WHERE e.session_id = s.id AND e.type = 'ENDED')`: "0",
		`SELECT count(*) FROM sessions s WHERE NOT EXISTS (SELECT 1 FROM access_tokens a WHERE a.session_id = s.id)`:  "0",
		`SELECT count(*) FROM session_events e WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = e.session_id)`: "0",
	} {
		var got string
		if err := pool.QueryRowContext(t.Context(), question).Scan(&got); err != nil || got != want {
			wrong = errors.Join(wrong, fmt.Errorf("%s: %q, %w", question, got, err))
		}
	}
	return wrong
}

// A machine is a database on a disk that can lose power.
type machine struct {
	disk  *powerloss.Disk
	world *dbtest.World
}

// boot opens a copy of a database that has been migrated.
func boot(t *testing.T, template []byte, opts db.Options) *machine {
	t.Helper()
	disk, err := powerloss.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(disk.Dir(), "x.db")
	if err := os.WriteFile(file, template, 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := db.Open(t.Context(), "sqlite:"+file, opts.With("vfs", powerloss.VFS))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = store.Close() // the disk is gone
		disk.Unplug()
	})
	return &machine{disk: disk, world: dbtest.NewWorld(t, store)}
}

// template is a migrated database, to be copied: that takes less time than migrating.
func template(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.db")
	if err := open(t, "sqlite:"+file).Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// restart loses the power, if it is still there, and gives the database as it survived.
func (m *machine) restart(t *testing.T, chance *rand.Rand) (file string) {
	t.Helper()
	_ = m.world.Store.Close()
	dir := t.TempDir()
	if err := m.disk.Survivors(dir, chance); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "x.db")
}

// An outcome is what a loss of power did: how many sessions had been acknowledged, how many of
// them it broke, and what it tore.
type outcome struct {
	made, lost int
	torn       error
}

// cut is one loss of power under load.
func cut(t *testing.T, template []byte, seed uint64, opts db.Options) (found outcome) {
	t.Helper()
	t.Run(fmt.Sprint(seed), func(t *testing.T) { // whose end removes the files
		found = cutOnce(t, template, seed, opts)
	})
	return found
}

func cutOnce(t *testing.T, template []byte, seed uint64, opts db.Options) outcome {
	t.Helper()
	chance := rand.New(rand.NewPCG(seed, 0))
	m := boot(t, template, opts)
	// A checkpoint comes after some 2000 steps: every fifth run gets there.
	steps := 1 + chance.IntN(300)
	if seed%5 == 0 {
		steps = 1500 + chance.IntN(4500)
	}
	m.disk.CutAfter(steps)
	p := &promises{revision: map[string]int{}}
	refusals := p.write(t.Context(), m.world)
	if !m.disk.IsOff() {
		t.Fatalf("refused with the power on: %v", refusals)
	}
	lost, torn := p.judge(t, m.restart(t, chance))
	return outcome{len(p.revision), lost, torn}
}

// TestMatrix21PowerLoss cuts the power under writers, again and again. What they were told is done
// is there afterwards, and nothing is torn.
func TestMatrix21PowerLoss(t *testing.T) {
	t.Parallel()
	base := template(t)
	t.Run("LosesNothingThatWasAcknowledged", func(t *testing.T) {
		t.Parallel()
		acknowledged := 0
		for i := range *cuts {
			seed := *seed + uint64(i)
			got := cut(t, base, seed, db.Options{})
			if got.lost > 0 || got.torn != nil {
				t.Errorf("-powerloss.seed=%d: %d of %d acknowledged sessions are lost; %v", seed, got.lost, got.made, got.torn)
			}
			acknowledged += got.made
		}
		if acknowledged < *cuts {
			t.Errorf("%d sessions were acknowledged in %d cuts: nothing was tried", acknowledged, *cuts)
		}
		t.Logf("%d cuts, %d sessions acknowledged", *cuts, acknowledged)
	})
	// The same with less care taken: that this test finds what is lost is what makes the one above
	// worth something.
	for level, finds := range map[string]func(outcome) bool{
		"NORMAL": func(o outcome) bool { return o.lost > 0 },
		"OFF":    func(o outcome) bool { return o.torn != nil },
	} {
		t.Run("IsFoundWithSynchronous"+level, func(t *testing.T) {
			t.Parallel()
			const most = 300 // some in a hundred runs are enough
			for i := range uint64(most) {
				if finds(cut(t, base, *seed+i, db.Options{}.With("_synchronous", level))) {
					t.Logf("found in run %d", i+1)
					return
				}
			}
			t.Errorf("nothing was lost in %d runs", most)
		})
	}
	t.Run("LeavesANewDatabaseUsable", func(t *testing.T) {
		t.Parallel()
		for i := range uint64(10) {
			t.Run(fmt.Sprint(*seed+i), func(t *testing.T) {
				t.Parallel() // it waits: a migration that fails is tried again
				first(t, *seed+i)
			})
		}
	})
}

// first cuts the power while a database is being made. The next start makes it whole.
func first(t *testing.T, seed uint64) {
	t.Helper()
	chance := rand.New(rand.NewPCG(seed, 1))
	disk, err := powerloss.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Unplug()
	disk.CutAfter(chance.IntN(200))
	store, err := db.Open(t.Context(), "sqlite:"+filepath.Join(disk.Dir(), "x.db"), db.Options{}.With("vfs", powerloss.VFS))
	if err == nil {
		_ = store.Close()
	}
	dir := t.TempDir()
	if err := disk.Survivors(dir, chance); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "x.db")
	again, err := db.Open(t.Context(), "sqlite:"+file, db.Options{})
	if err != nil {
		t.Errorf("-powerloss.seed=%d: %v", seed, err)
		return
	}
	w := dbtest.NewWorld(t, again)
	w.Insert(w.Session(dbtest.Now, nil))
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
