package db

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"greenroom/models"
)

func openTest(t *testing.T, observe func(int)) *Store {
	t.Helper()
	store, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), Options{Observe: observe})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func groupOf(t *testing.T, store *Store) *groupWriter {
	t.Helper()
	w, ok := store.writer.(*groupWriter)
	if !ok {
		t.Fatalf("the writer is a %T", store.writer)
	}
	return w
}

// n writers share each test's commit.
const n = 64

func put(name string) func(*Tx) error {
	return func(tx *Tx) error { return tx.PutSetting(Setting(name), "x") }
}

func (s *Store) has(t *testing.T, name string) bool {
	t.Helper()
	_, err := s.Setting(context.Background(), Setting(name))
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// together makes writers share a commit: the writer is held until all of them are queued.
func together(t *testing.T, store *Store, run func(i int)) {
	t.Helper()
	w := groupOf(t, store)
	held, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = store.Write(t.Context(), func(*Tx) error { close(held); <-release; return nil })
	})
	<-held
	for i := range n {
		all.Go(func() { run(i) })
	}
	for len(w.jobs) < n {
		select {
		case <-t.Context().Done():
			t.Fatal("the writers never queued")
		default:
		}
	}
	close(release)
	all.Wait()
}

func TestGroupCommit(t *testing.T) {
	t.Parallel()
	t.Run("WritersShareACommit", func(t *testing.T) {
		t.Parallel()
		var largest atomic.Int64
		store := openTest(t, func(size int) { largest.Store(max(largest.Load(), int64(size))) })
		together(t, store, func(i int) {
			if err := store.Write(t.Context(), put(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
		if largest.Load() != n {
			t.Errorf("largest group %d, want %d", largest.Load(), n)
		}
		for i := range n {
			if !store.has(t, fmt.Sprint(i)) {
				t.Errorf("write %d is missing", i)
			}
		}
	})

	t.Run("ACallerCancelledInMidStatementHarmsNobody", func(t *testing.T) {
		t.Parallel()
		store := openTest(t, nil)
		together(t, store, func(i int) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := store.Write(ctx, func(tx *Tx) error {
				if i%4 == 0 {
					cancel()
				}
				return put(fmt.Sprint(i))(tx)
			})
			if err != nil {
				t.Errorf("write %d: %v", i, err)
			}
		})
		for i := range n {
			if !store.has(t, fmt.Sprint(i)) {
				t.Errorf("write %d is missing", i)
			}
		}
	})

	t.Run("APanicFailsItsOwnClosureAlone", func(t *testing.T) {
		t.Parallel()
		store := openTest(t, nil)
		together(t, store, func(i int) {
			err := store.Write(t.Context(), func(tx *Tx) error {
				err := put(fmt.Sprint(i))(tx)
				if i%7 == 0 {
					panic("boom")
				}
				return err
			})
			if (err != nil) != (i%7 == 0) {
				t.Errorf("write %d: %v", i, err)
			}
		})
		for i := range n {
			if store.has(t, fmt.Sprint(i)) != (i%7 != 0) {
				t.Errorf("write %d: kept %v", i, store.has(t, fmt.Sprint(i)))
			}
		}
	})

	t.Run("ALostTransactionRunsTheGroupAgain", func(t *testing.T) {
		t.Parallel()
		store := openTest(t, nil)
		var runs atomic.Int64
		together(t, store, func(i int) {
			err := store.Write(t.Context(), func(tx *Tx) error {
				runs.Add(1)
				if err := put(fmt.Sprint(i))(tx); err != nil {
					return err
				}
				if i == n/2 {
					// What a full disk does: SQLite rolls back everybody's work.
					_ = tx.db.Exec("ROLLBACK").Error
					return errors.New("the disk is full")
				}
				return nil
			})
			if (err != nil) != (i == n/2) {
				t.Errorf("write %d: %v", i, err)
			}
		})
		for i := range n {
			if store.has(t, fmt.Sprint(i)) != (i != n/2) {
				t.Errorf("write %d: kept %v", i, store.has(t, fmt.Sprint(i)))
			}
		}
		if runs.Load() <= n {
			t.Errorf("%d runs: nothing ran again", runs.Load())
		}
	})

	t.Run("AFailedCommitTakesTheStoreOutOfService", func(t *testing.T) {
		t.Parallel()
		store := openTest(t, nil)
		// A deferred constraint fails at COMMIT, as a failed fsync does.
		if err := groupOf(t, store).db.Exec("CREATE TABLE child (x TEXT REFERENCES accounts (id) DEFERRABLE INITIALLY DEFERRED)").Error; err != nil {
			t.Fatal(err)
		}
		err := store.Write(t.Context(), func(tx *Tx) error { return tx.db.Exec("INSERT INTO child VALUES ('nobody')").Error })
		if err == nil {
			t.Fatal("committed")
		}
		if err := store.Ping(t.Context()); err == nil {
			t.Error("still says it is well")
		}
		if err := store.Write(t.Context(), put("x")); models.KindOf(err) != models.KindUnavailable {
			t.Errorf("a write after that: %v", err)
		}
	})

	t.Run("CloseWaitsForWritesAndRefusesLaterOnes", func(t *testing.T) {
		t.Parallel()
		store := openTest(t, nil)
		together(t, store, func(i int) {
			if err := store.Write(t.Context(), put(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if err := store.Write(t.Context(), put("late")); models.KindOf(err) != models.KindUnavailable {
			t.Errorf("a write after close: %v", err)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	store, err := Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "x.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			b.SetParallelism(max(1, callers/2))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := store.Write(b.Context(), put("x")); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
