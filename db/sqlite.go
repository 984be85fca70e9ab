package db

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// applicationID marks a SQLite file as Greenroom's ("GREN"); `file` and other tools show it.
const applicationID = 0x4752454e

// walKept is how many bytes the write-ahead log may keep once a long reader, which makes it grow,
// is gone. It has 4 MiB by itself.
const walKept = 16 << 20

// openSQLite opens FILE with one writer connection and a pool of readers. What matters is in
// the DSN: a PRAGMA statement would reach one pooled connection only.
func openSQLite(ctx context.Context, file string, opts Options) (*Store, error) {
	if file == "" || strings.Contains(file, ":memory:") || strings.ContainsAny(file, "?#") {
		return nil, fmt.Errorf("database must be sqlite:FILE, a file on disk")
	}
	// The file holds customers' data: nobody else on the machine reads it.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // G304: the operator names it
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	writerDB, err := openGORM(sqlite.Open(sqliteDSN(file, false, opts.parameters)), 1, opts)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", file, err)
	}
	if err := prepareSQLite(ctx, writerDB, opts); err != nil {
		return nil, fmt.Errorf("open database %s: %w", file, closing(writerDB, err))
	}
	readers := max(4, 2*runtime.GOMAXPROCS(0))
	readerDB, err := openGORM(sqlite.Open(sqliteDSN(file, true, opts.parameters)), readers, opts)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", file, closing(writerDB, err))
	}
	if err := boundReads(readerDB, opts); err != nil {
		return nil, closing(writerDB, closing(readerDB, err))
	}
	g, conn, err := takeConn(ctx, writerDB, opts)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", file, closing(writerDB, closing(readerDB, err)))
	}
	fast, err := newLiteReaders(sqliteDSN(file, true, opts.parameters), readers)
	if err != nil {
		return nil, errors.Join(err, conn.close(), closeDB(readerDB))
	}
	s := &Store{dialect: sqliteDialect{file: file}, reader: readerDB, fast: liteRead{fast}, log: opts.Log, trace: opts.Trace}
	s.writer = newGroupWriter(g, conn, s.dialect, opts, s.breakDown)
	return s, nil
}

func sqliteDSN(file string, readOnly bool, more url.Values) string {
	q := url.Values{
		"_busy_timeout": {"5000"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"on"},
		"_txlock":       {"immediate"},
	}
	if readOnly {
		q.Set("mode", "ro")
		q.Set("_txlock", "deferred")
		q.Del("_journal_mode") // the writer has set it, for good
	}
	maps.Copy(q, more)
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + q.Encode()
}

// breakDown takes the store out of service: after a failed fsync the next commit may claim a
// success that never reached the disk.
func (s *Store) breakDown(err error) {
	s.broken.Store(true)
	s.log.Error("the database's disk has failed; refusing all writes until restart", "error", err)
}

// prepareSQLite checks whose file this is, marks a new one, and migrates. The mark is made before
// the first table and read after them, so that neither a crash in between nor another command
// that is as early makes the file look like somebody else's.
func prepareSQLite(ctx context.Context, g *gorm.DB, opts Options) error {
	var mark, tables int
	if err := g.Raw("SELECT count(*) FROM sqlite_schema").Scan(&tables).Error; err != nil {
		return fmt.Errorf("read the file's tables: %w", err)
	}
	if err := g.Raw("PRAGMA application_id").Scan(&mark).Error; err != nil {
		return fmt.Errorf("read the file's mark: %w", err)
	}
	if mark != applicationID && (mark != 0 || tables > 0) {
		return errNotOurs
	}
	if tables == 0 && opts.SkipMigrations {
		return errEmpty
	}
	if mark != applicationID {
		if err := g.Exec("PRAGMA application_id = " + strconv.Itoa(applicationID)).Error; err != nil {
			return fmt.Errorf("mark the file: %w", err)
		}
	}
	if err := g.Exec("PRAGMA journal_size_limit = " + strconv.Itoa(walKept)).Error; err != nil {
		return fmt.Errorf("bound the journal: %w", err)
	}
	return migrate(ctx, g, dialectSQLite, opts)
}

func gormConfig(opts Options) *gorm.Config {
	return &gorm.Config{SkipDefaultTransaction: true, TranslateError: true, QueryFields: true, Logger: newTracer(opts.Trace)}
}

func openGORM(d gorm.Dialector, conns int, opts Options) (*gorm.DB, error) {
	config := gormConfig(opts)
	// Not on PostgreSQL, whose driver has a cache for each connection: with GORM's, which all
	// connections share, a reader that waits for a connection to prepare a statement on and
	// writers that hold them all and want that statement would wait for each other.
	config.PrepareStmt, config.PrepareStmtMaxSize = d.Name() == "sqlite", preparedAtMost
	g, err := gorm.Open(d, config)
	if err != nil {
		return nil, err
	}
	pool, err := g.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return g, nil
}

// readWithin bounds one read, its wait for a connection included.
const readWithin = 15 * time.Second

// boundReads gives every query a deadline: a database that hangs must not hold its callers.
func boundReads(g *gorm.DB, opts Options) error {
	const key = "greenroom:deadline"
	within := cmp.Or(opts.readWithin, readWithin)
	before := func(q *gorm.DB) {
		ctx, cancel := context.WithTimeout(q.Statement.Context, within)
		q.Statement.Context = ctx
		q.InstanceSet(key, cancel)
	}
	after := func(q *gorm.DB) {
		value, _ := q.InstanceGet(key)
		if cancel, ok := value.(context.CancelFunc); ok {
			cancel()
		}
	}
	// Of SQL of our own, the rows are read when the last callback is over. So nothing here sees the
	// end of that, and the deadline stays until it comes or the caller's context ends.
	rows := func(q *gorm.DB) {
		ctx, cancel := context.WithTimeout(q.Statement.Context, within)
		context.AfterFunc(ctx, cancel)
		q.Statement.Context = ctx
	}
	return errors.Join(
		g.Callback().Query().Before("gorm:query").Register(key+"_set", before),
		g.Callback().Query().After("gorm:after_query").Register(key+"_end", after),
		g.Callback().Row().Before("gorm:row").Register(key+"_rows", rows),
	)
}

func closing(g *gorm.DB, err error) error {
	_ = closeDB(g) // err is what matters
	return err
}

type sqliteDialect struct{ file string }

func (sqliteDialect) dollars() bool { return false }

// lock adds nothing: the single writer's transaction is exclusive from its first statement.
func (sqliteDialect) lock() []clause.Expression { return nil }

func (sqliteDialect) share() []clause.Expression { return nil }

func (sqliteDialect) claim() []clause.Expression { return nil }

func (sqliteDialect) metadataHas(key string, value any) (string, []any) {
	const has = "EXISTS (SELECT 1 FROM json_each(metadata) WHERE json_each.key = ? AND "
	switch v := value.(type) {
	case bool:
		return has + "json_each.type = ?)", []any{key, strconv.FormatBool(v)}
	case json.Number:
		return has + "json_each.type IN ('integer', 'real') AND json_each.value = ?)", []any{key, number(v)}
	default:
		return has + "json_each.type = 'text' AND json_each.value = ?)", []any{key, v}
	}
}

// number gives a checked number as SQLite keeps it: an integer of 64 bits, or a double.
func number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, _ := n.Float64() // its range has been checked
	return f
}
