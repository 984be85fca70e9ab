package db_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of an older version's PostgreSQL database
	"github.com/pressly/goose/v3"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

// TestMigrate opens databases as each older version has left them, with sessions in every status.
func TestMigrate(t *testing.T) {
	t.Parallel()
	for _, of := range []struct {
		name, driver, folder string
		dialect              goose.Dialect
		fresh                func(t *testing.T) (dsn, raw string)
	}{
		{"SQLite", "sqlite3", "migrations/sqlite", goose.DialectSQLite3, func(t *testing.T) (dsn, raw string) {
			t.Helper()
			file := filepath.Join(t.TempDir(), "x.db")
			return "sqlite:" + file, "file:" + file
		}},
		{"PostgreSQL", "pgx", "migrations/postgres", goose.DialectPostgres, func(t *testing.T) (dsn, raw string) {
			t.Helper()
			dsn = dbtest.Postgres(t)
			return dsn, dsn
		}},
	} {
		files, err := filepath.Glob(of.folder + "/*.sql")
		if err != nil || len(files) < 2 {
			t.Fatal(len(files), err)
		}
		for version := 1; version < len(files); version++ {
			t.Run(of.name+"FromVersion"+strconv.Itoa(version), func(t *testing.T) {
				t.Parallel()
				dsn, raw := of.fresh(t)
				leave(t, of.driver, raw, of.dialect, of.folder, int64(version))
				carryOn(t, dsn)
			})
		}
	}
}

// leave makes a database as a version had it, with what it knew then.
func leave(t *testing.T, driver, dsn string, d goose.Dialect, folder string, version int64) {
	t.Helper()
	pool, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	p, err := goose.NewProvider(d, pool, os.DirFS(folder), goose.WithTableName("greenroom_migrations"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	const columns = `account_id, id, avatar_id, session_type, metadata, created_at, revision, version, avatar_state, token_generation,
		room_state, room_name, room_url, room_exp, room_fence, room_tries, assignment_generation, assignment_server`
	const values = `'acct_1', 'ID', 'avat_1', 'WEBRTC_VIDEO', '{}', 1000, 3, 4, 'WAITING', 1, 'READY', 'room-ID', 'https://x/y', 9000, 1, 0, 0, ''`
	of := func(id string) string { return strings.ReplaceAll(values, "ID", id) }
	if driver == "sqlite3" {
		if _, err := pool.ExecContext(t.Context(), "PRAGMA application_id = "+strconv.Itoa(db.ApplicationID)); err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range []string{
		`INSERT INTO accounts (id, name, plan, created_at) VALUES ('acct_1', 'Old', 'pro', 1)`,
		`INSERT INTO avatars (account_id, id, name, name_folded, url, created_at) VALUES ('acct_1', 'avat_1', 'Ada', 'ada', 'https://x/ada.png', 1)`,
		`INSERT INTO sessions (` + columns + `, deadline, deadline_reason) VALUES (` + of("sess_created") + `, 700000, 'NEVER_STARTED')`,
		`INSERT INTO sessions (` + columns + `, started_at, deadline, deadline_reason) VALUES (` + of("sess_started") + `, 2000, 800000, 'EXPIRED')`,
		`INSERT INTO sessions (` + columns + `, started_at, ended_at, end_reason) VALUES (` + of("sess_ended") + `, 2000, 3000, 'CLIENT_ENDED')`,
	} {
		if _, err := pool.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// carryOn opens the database as this version does, and finds and moves what was there.
func carryOn(t *testing.T, dsn string) {
	t.Helper()
	store, err := db.Open(t.Context(), dsn, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	for id, want := range map[string]models.SessionStatus{
		"sess_created": models.StatusCreated, "sess_started": models.StatusStarted, "sess_ended": models.StatusEnded,
	} {
		got, err := store.OperatorSession(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got.Status() != want || got.Revision != 3 || got.Room.Name != "room-"+id {
			t.Errorf("%s is now %+v", id, got)
		}
		err = store.Write(t.Context(), func(tx *db.Tx) error {
			got.Revision++
			return tx.Swap(got)
		})
		if err != nil {
			t.Errorf("%s cannot be changed any more: %v", id, err)
		}
	}
}

// TestMigrateWaits has an older version's table locked for longer than a statement may take: as long
// as an index of a large table takes to build.
func TestMigrateWaits(t *testing.T) {
	t.Parallel()
	dsn := dbtest.Postgres(t)
	leave(t, "pgx", dsn, goose.DialectPostgres, "migrations/postgres", 1)
	beside, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = beside.Close() }()
	held, err := beside.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.ExecContext(t.Context(), "LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	const most = 250 * time.Millisecond
	time.AfterFunc(20*most, func() { _ = held.Rollback() }) // later than the last try that ends by it
	with := "?"
	if strings.Contains(dsn, "?") {
		with = "&"
	}
	store, err := db.Open(t.Context(), dsn+with+"statement_timeout="+strconv.FormatInt(most.Milliseconds(), 10), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
