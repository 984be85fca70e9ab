package db_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"greenroom/db"
	"greenroom/db/dbtest"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	refused := func(t *testing.T, dsn, because string) {
		t.Helper()
		store, err := db.Open(ctx, dsn, db.Options{})
		if err == nil {
			_ = store.Close()
			t.Fatalf("opened %s", dsn)
		}
		if !strings.Contains(err.Error(), because) {
			t.Errorf("%v; want it to say %q", err, because)
		}
	}
	change := func(t *testing.T, file, statement string) {
		t.Helper()
		g, err := gorm.Open(sqlite.Open(file))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
		pool, err := g.DB()
		if err != nil {
			t.Fatal(err)
		}
		if err := pool.Close(); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("AgainKeepsWhatIsThere", func(t *testing.T) {
		t.Parallel()
		for _, dsn := range []string{"sqlite:" + filepath.Join(t.TempDir(), "x.db"), dbtest.Postgres(t)} {
			first, err := db.Open(ctx, dsn, db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			w := dbtest.NewWorld(t, first)
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			second := open(t, dsn)
			if _, err := second.Account(ctx, w.Account.ID); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("NotADatabase", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "x.db")
		if err := os.WriteFile(file, []byte(strings.Repeat("not a database", 100)), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, "sqlite:"+file, "file is not a database")
	})
	t.Run("SomebodyElsesDatabase", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "x.db")
		change(t, file, "CREATE TABLE theirs (x)")
		refused(t, "sqlite:"+file, "belongs to something else")
		dsn := dbtest.Postgres(t)
		execSQL(t, dsn, "CREATE TABLE theirs (x INTEGER)")
		refused(t, dsn, "belongs to something else")
	})
	t.Run("ANewerVersionsDatabase", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "x.db")
		newer := "INSERT INTO greenroom_migrations (version_id, is_applied) VALUES (9999, "
		if err := open(t, "sqlite:"+file).Close(); err != nil {
			t.Fatal(err)
		}
		change(t, file, newer+"1)")
		refused(t, "sqlite:"+file, "newer version")
		dsn := dbtest.Postgres(t)
		_ = open(t, dsn)
		execSQL(t, dsn, newer+"TRUE)")
		refused(t, dsn, "newer version")
	})
	t.Run("NoDatabaseAtAll", func(t *testing.T) {
		t.Parallel()
		refused(t, "mysql://x", "must be sqlite:FILE or postgres://")
		refused(t, "sqlite:", "a file on disk")
		refused(t, "sqlite::memory:", "a file on disk")
		refused(t, "sqlite:"+filepath.Join(t.TempDir(), "no", "such", "folder.db"), "no such file or directory")
	})
	t.Run("SkippingMigrationsNeedsTheSchema", func(t *testing.T) {
		t.Parallel()
		for _, dsn := range []string{"sqlite:" + filepath.Join(t.TempDir(), "x.db"), dbtest.Postgres(t)} {
			_, err := db.Open(ctx, dsn, db.Options{SkipMigrations: true})
			if err == nil || !strings.Contains(err.Error(), "is empty") {
				t.Errorf("%v", err)
			}
		}
	})
}

// execSQL does what only somebody else would do to a database of ours.
func execSQL(t *testing.T, dsn, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := openSQLite(t)
	w := dbtest.NewWorld(t, store)
	stop := make(chan struct{})
	var writer sync.WaitGroup
	var written atomic.Int64
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				w.Insert(w.Session(dbtest.Now, nil))
				written.Add(1)
			}
		}
	})
	// Until something was written during one, however the machine divides its time.
	var file string
	var err error
	for {
		before := written.Load()
		file = filepath.Join(t.TempDir(), "copy ' of.db")
		if err = store.Backup(ctx, file); err != nil || written.Load() > before {
			break
		}
	}
	close(stop)
	writer.Wait()
	if err != nil {
		t.Fatal(err)
	}
	copied := open(t, "sqlite:"+file)
	if _, err := copied.Account(ctx, w.Account.ID); err != nil {
		t.Error(err)
	}
	if err := store.Backup(ctx, file); err == nil {
		t.Error("overwrote an existing backup")
	}
	if err := open(t, dbtest.Postgres(t)).Backup(context.WithoutCancel(ctx), file+"2"); err == nil {
		t.Error("backed up PostgreSQL by copying a file")
	}
}

func TestSeize(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "x.db"), "PostgreSQL": dbtest.Postgres(t)} {
		first, second := open(t, dsn), open(t, dsn)
		giveBack, err := first.Seize(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		impatient, cancel := context.WithCancel(t.Context())
		taken := make(chan error, 1)
		go func() {
			_, err := second.Seize(impatient)
			taken <- err
		}()
		cancel()
		if err := <-taken; err == nil {
			t.Errorf("%s: two servers", name)
		}
		if err := giveBack(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		giveBack, err = second.Seize(t.Context())
		if err != nil {
			t.Errorf("%s, given back: %v", name, err)
			continue
		}
		if err := giveBack(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
