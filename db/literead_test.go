package db_test

import (
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
	file := filepath.Join(t.TempDir(), "x.db")
	store, err := db.Open(t.Context(), "sqlite:"+file, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := dbtest.NewWorld(t, store)
	if _, err := w.Store.CountSessions(t.Context(), models.SessionQuery{Scope: w.Scope()}, dbtest.Now); err != nil {
		t.Error(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log is still there: %v", err)
	}
}
