package db

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"
)

// Searches that go on and on do not keep the look-ups waiting with which everybody's requests begin,
// and when they are given up, nothing of them is left open: SQLite's log goes with the last connection.
func TestLongReadsLeaveRoom(t *testing.T) {
	t.Parallel()
	const most = 4
	file := filepath.Join(t.TempDir(), "x.db")
	store, err := Open(t.Context(), "sqlite:"+file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(file + "-wal"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the log is still there: %v", err)
		}
	})
	lite, ok := store.fast.(liteRead)
	if !ok {
		t.Fatal("not SQLite")
	}
	readers, err := newLiteReaders(lite.dsn, most)
	if err != nil {
		t.Fatal(err)
	}
	searching, stop := context.WithCancel(t.Context())
	var searches sync.WaitGroup
	t.Cleanup(func() {
		stop()
		searches.Wait()
		if err := readers.close(); err != nil {
			t.Error(err)
		}
	})
	for range 2 * most {
		searches.Go(func() {
			// Half a minute and longer, but not for ever: an interrupt that comes in the moment before
			// SQLite begins is lost on it.
			const long = "SELECT greenroom_pack(n) FROM (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 200000000) SELECT max(n) AS n FROM c)"
			if _, err := readers.blob(searching, []byte(long), nil, false); err == nil {
				t.Error("a search was over before it was stopped")
			}
		})
	}
	look := time.NewTicker(time.Millisecond) // a search has no way to tell that it has begun
	defer look.Stop()
	for len(readers.places) < most/2 {
		<-look.C
	}
	within, cancel := context.WithTimeout(t.Context(), readWithin/2)
	defer cancel()
	blob, err := readers.blob(within, []byte("SELECT greenroom_pack(1)"), nil, true)
	if err != nil || len(blob) != 9 {
		t.Errorf("%x, %v", blob, err)
	}
}

// Who has gone takes no place and starts no search: the driver could not interrupt it any more.
func TestReadersLeaveWhoHasGone(t *testing.T) {
	t.Parallel()
	store, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	lite, ok := store.fast.(liteRead)
	if !ok {
		t.Fatal("not SQLite")
	}
	gone, leave := context.WithCancelCause(t.Context())
	why := errors.New("gone")
	leave(why)
	for _, short := range []bool{true, false} {
		if _, err := lite.blob(gone, []byte("SELECT greenroom_pack(1)"), nil, short); !errors.Is(err, why) {
			t.Errorf("short %t: %v", short, err)
		}
	}
	r, err := lite.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.blob(gone, []byte("SELECT greenroom_pack(1)"), nil)
	lite.give(r, err)
	if !errors.Is(err, why) {
		t.Errorf("with a connection in hand: %v", err)
	}
	if len(lite.places) != 0 || len(lite.long) != 0 {
		t.Errorf("%d and %d places are still taken", len(lite.places), len(lite.long))
	}
}

// Older versions can lose what is in a database: decision 2.
func TestSQLiteIsNewEnough(t *testing.T) {
	t.Parallel()
	const floor = 3_051_003
	if text, number, _ := sqlite3.Version(); number < floor {
		t.Errorf("SQLite %s", text)
	}
}
