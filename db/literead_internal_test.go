package db

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Searches that go on and on do not keep the look-ups waiting with which everybody's requests begin.
func TestLongReadsLeaveRoom(t *testing.T) {
	t.Parallel()
	const most = 4
	store, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
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
			const endless = "SELECT greenroom_pack(n) FROM (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) AS n FROM c)"
			if _, err := readers.blob(searching, []byte(endless), nil, false); err == nil {
				t.Error("a search without an end has ended")
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
