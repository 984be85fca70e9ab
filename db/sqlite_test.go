package db_test

import (
	"path/filepath"
	"testing"

	"greenroom/db"
	"greenroom/db/dbtest"
)

func openSQLite(t *testing.T) *db.Store {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "greenroom.db"))
}

func openPostgres(t *testing.T) *db.Store {
	t.Helper()
	return open(t, dbtest.Postgres(t))
}

func open(t *testing.T, dsn string) *db.Store {
	t.Helper()
	store, err := db.Open(t.Context(), dsn, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, openSQLite)
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	dbtest.Run(t, openPostgres)
}
