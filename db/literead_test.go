package db_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

// SQLite puts its log into the database and removes it when the last connection is closed. A
// connection that is closed with statements on it stays open.
func TestCloseLeavesOneFile(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*testing.T, *dbtest.World){
		"AfterReads": func(t *testing.T, w *dbtest.World) {
			t.Helper()
			if _, err := w.Store.CountSessions(t.Context(), models.SessionQuery{Scope: w.Scope()}, dbtest.Now); err != nil {
				t.Error(err)
			}
		},
		"AfterAReadThatWasGivenUp": func(t *testing.T, w *dbtest.World) {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := w.Store.CountSessions(ctx, models.SessionQuery{Scope: w.Scope()}, dbtest.Now); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "x.db")
			store, err := db.Open(t.Context(), "sqlite:"+file, db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			read(t, dbtest.NewWorld(t, store))
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(file + "-wal"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the log is still there: %v", err)
			}
		})
	}
}
