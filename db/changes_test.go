package db_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

// A write tells what it changed once, after its commit, and nothing when it fails.
func TestCommitted(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{
		"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "x.db"), "Postgres": dbtest.Postgres(t),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			var mu sync.Mutex
			var told []*models.Change
			var store *db.Store
			store, err := db.Open(ctx, dsn, db.Options{Committed: func(c *models.Change) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, c)
				if c.After != nil {
					// It is there for whoever looks now.
					if found, err := store.OperatorSession(ctx, c.After.ID); err != nil || found.Version != c.After.Version {
						t.Errorf("told of version %d, found %+v, %v", c.After.Version, found, err)
					}
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			w := dbtest.NewWorld(t, store)
			s := w.Session(dbtest.Now, nil)
			w.Insert(s)
			change := func(visible bool, fail error) error {
				return store.Write(ctx, func(tx *db.Tx) error {
					row, err := tx.Session(w.Scope(), s.ID)
					if err != nil {
						return err
					}
					if visible {
						row.Revision++
					}
					row.Room.Tries++
					return errors.Join(tx.Swap(row), fail)
				})
			}
			failure := errors.New("no")
			if err := errors.Join(change(true, nil), change(false, nil)); err != nil {
				t.Fatal(err)
			}
			if err := change(true, failure); !errors.Is(err, failure) {
				t.Fatal(err)
			}
			w.Do(func(tx *db.Tx) error { return tx.RevokeAPIKey(w.Account.ID, "key_x", dbtest.Now) })
			mu.Lock()
			defer mu.Unlock()
			if len(told) != 3 {
				t.Fatalf("told of %d changes", len(told))
			}
			made, changed, key := told[0], told[1], told[2]
			if made.Before != nil || made.After.Revision != 1 || made.Missed {
				t.Errorf("made: %+v", made)
			}
			if changed.Before.Revision != 1 || changed.After.Revision != 2 || changed.AccountID != w.Account.ID {
				t.Errorf("changed: %+v", changed)
			}
			if key.After != nil || key.AccountID != w.Account.ID {
				t.Errorf("key: %+v", key)
			}
		})
	}
}
