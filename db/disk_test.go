package db_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/db/powerloss"
	"greenroom/models"
)

// TestMatrix22TheDiskFails: whoever is writing gets an error, and from then on nothing is
// acknowledged, although a disk that has failed once may seem well again.
func TestMatrix22TheDiskFails(t *testing.T) {
	t.Parallel()
	base := template(t)
	for name, fail := range map[string]func(*powerloss.Disk, *rand.Rand){
		"EIO":    func(d *powerloss.Disk, chance *rand.Rand) { d.FailSyncs(chance.IntN(20), 1) },
		"ENOSPC": func(d *powerloss.Disk, chance *rand.Rand) { d.Fill(chance.Int64N(1 << 20)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := range uint64(10) {
				chance := rand.New(rand.NewPCG(*seed+n, 2))
				m := boot(t, base, db.Options{})
				fail(m.disk, chance)
				p := &promises{revision: map[string]int{}}
				for _, err := range p.write(t.Context(), m.world) {
					if models.KindOf(err) != models.KindUnavailable {
						t.Errorf("a writer was told %v", err)
					}
				}
				if m.disk.IsOff() {
					t.Fatal("the power is off")
				}
				if err := m.world.Store.Ping(t.Context()); models.KindOf(err) != models.KindUnavailable {
					t.Errorf("the store says that it is well: %v", err)
				}
				m.disk.Fill(1 << 30)
				for _, err := range (&promises{revision: map[string]int{}}).write(t.Context(), m.world) {
					if models.KindOf(err) != models.KindUnavailable {
						t.Errorf("a writer was told %v afterwards", err)
					}
				}
				if lost, torn := p.judge(t, m.restart(t, chance)); lost > 0 || torn != nil {
					t.Errorf("-powerloss.seed=%d: %d of %d acknowledged sessions are lost; %v", *seed, lost, len(p.revision), torn)
				}
			}
		})
	}
}

// TestMatrix22NothingQueuedIsAcknowledged fails a commit while others wait to be next: after a failed
// fsync theirs may claim a success that never reaches the disk.
func TestMatrix22NothingQueuedIsAcknowledged(t *testing.T) {
	t.Parallel()
	m := boot(t, template(t), db.Options{})
	held, release := make(chan struct{}), make(chan struct{})
	told := make([]error, 9)
	var all sync.WaitGroup
	all.Go(func() {
		told[0] = m.world.Store.Write(t.Context(), func(tx *db.Tx) error {
			close(held)
			<-release
			return tx.PutSetting("0", "x")
		})
	})
	<-held
	for i := 1; i < len(told); i++ {
		all.Go(func() {
			told[i] = m.world.Store.Write(t.Context(), func(tx *db.Tx) error { return tx.PutSetting(db.Setting(strconv.Itoa(i)), "x") })
		})
	}
	time.Sleep(100 * time.Millisecond) //nolint:forbidigo // for them to be queued; who is late is refused at the door
	m.disk.FailSyncs(0, 1)
	close(release)
	all.Wait()
	for i, err := range told {
		if models.KindOf(err) != models.KindUnavailable {
			t.Errorf("writer %d was told %v", i, err)
		}
	}
}

// What fails is undone as a whole, though SQLite itself has ended the transaction in the middle: what
// the closure goes on with would be committed by itself.
func TestNothingIsHalfDone(t *testing.T) {
	t.Parallel()
	store := openSQLite(t)
	w := dbtest.NewWorld(t, store)
	small := w.Session(dbtest.Now, nil)
	w.Insert(small)
	large, err := models.NewMetadata(models.JSONObject{"x": strings.Repeat("x", 16000)})
	if err != nil {
		t.Fatal(err)
	}
	w.Do(func(tx *db.Tx) error { return tx.Exec("PRAGMA max_page_count = 1") }) // no more than there are
	err = store.Write(t.Context(), func(tx *db.Tx) error {
		row, err := tx.Session(w.Scope(), small.ID)
		if err != nil {
			return err
		}
		row.Revision++
		return errors.Join(
			tx.InsertSession(w.Session(dbtest.Now, func(s *models.Session) { s.Metadata = large })),
			tx.Swap(row),
			tx.Exec("UPDATE sessions SET revision = revision + 1"),
		)
	})
	if err == nil {
		t.Fatal("it fitted")
	}
	got, err := store.OperatorSession(t.Context(), small.ID)
	if err != nil || got.Revision != small.Revision {
		t.Errorf("revision %d was %d before a write that failed: %v", got.Revision, small.Revision, err)
	}
}

// TestMatrix23AReaderThatStays makes the write-ahead log grow. Once the reader is gone, the log
// is small again.
func TestMatrix23AReaderThatStays(t *testing.T) {
	t.Parallel()
	const kept, row = 16 << 20, 16 << 10
	file := filepath.Join(t.TempDir(), "x.db")
	w := dbtest.NewWorld(t, open(t, "sqlite:"+file))
	large, err := models.NewMetadata(models.JSONObject{"x": strings.Repeat("x", row-10)})
	if err != nil {
		t.Fatal(err)
	}
	insert := func(sessions int) {
		for range sessions / 100 {
			batch := make([]*models.Session, 100)
			for i := range batch {
				batch[i] = w.Session(dbtest.Now, func(s *models.Session) { s.Metadata = large })
			}
			w.Insert(batch...)
		}
	}
	log := func() int64 {
		t.Helper()
		is, err := os.Stat(file + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return is.Size()
	}
	pool, err := sql.Open("sqlite3", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	reader, err := pool.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var sessions int
	if err := reader.QueryRowContext(t.Context(), "SELECT count(*) FROM sessions").Scan(&sessions); err != nil {
		t.Fatal(err)
	}
	insert(kept / row * 5 / 4)
	if log() < kept {
		t.Fatalf("the log has %d bytes under a reader: the test shows nothing", log())
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	insert(200) // one commit finds the reader gone, the next begins the log anew
	if log() > kept {
		t.Errorf("the log has %d bytes, without a reader", log())
	}
}

// TestMatrix24BackupDuringWrites takes copies while sessions come and end. Each has all that was
// acknowledged before it was asked for, and nothing torn.
func TestMatrix24BackupDuringWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := dbtest.NewWorld(t, open(t, "sqlite:"+filepath.Join(dir, "x.db")))
	p := &promises{revision: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var load sync.WaitGroup
	load.Go(func() { p.write(ctx, w) })
	for n, name := range []string{"first.db", "second.db", "third.db"} {
		eventually(t, "sessions are written", func() bool { return len(p.soFar().revision) >= (n+1)*50 })
		before := p.soFar()
		copied := filepath.Join(dir, name)
		if err := w.Store.Backup(t.Context(), copied); err != nil {
			t.Fatal(err)
		}
		if lost, torn := before.judge(t, copied); lost > 0 || torn != nil {
			t.Errorf("%s: %d of %d acknowledged sessions are missing; %v", name, lost, len(before.revision), torn)
		}
	}
	stop()
	load.Wait()
}
