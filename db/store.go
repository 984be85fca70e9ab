// Package db is the only room that knows GORM and SQL. It takes and returns models.
//
// Reads go to a pool of readers and see what has been committed. Every write goes through
// [Store.Write]. Every query is scoped by an account's id, given by the caller and never
// empty, except those that find out who is calling, by prefixes and hashes of secrets, and those that
// say that they are the operator's or a sweep's.
package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"greenroom/models"
)

// A Store is an open database.
type Store struct {
	dialect dialect
	reader  *gorm.DB
	writer  writer
	// fast runs reads that must be quick.
	fast fastReader
	// broken is set when the disk failed under a commit: what is durable is then unknown.
	broken atomic.Bool
	log    *slog.Logger
	trace  func(ctx context.Context)
}

// A writer runs closures in transactions: group commit on SQLite, one each on PostgreSQL.
type writer interface {
	write(ctx context.Context, fn func(*Tx) error) error
	close() error
}

// A Tx is what a closure given to [Store.Write] works with. Its methods take no context: a
// caller that goes away in mid-statement must not interrupt a transaction that others share.
type Tx struct {
	ctx context.Context
	db  *gorm.DB
	// own runs statements of our own in the same transaction.
	own     ownConn
	dialect dialect
	changes changes
}

// Options of a store; the zero value is right for serving.
type Options struct {
	Log *slog.Logger
	// SkipMigrations opens the schema as it is, for commands that must not change it.
	SkipMigrations bool
	// Observe is told the size of each group of writes that shared a commit; may be nil.
	Observe func(group int)
	// Committed is told of every change to a session, or to an account's keys, once it is
	// durable and before Write returns; on SQLite in the order of the commits. A change whose
	// commit nobody could confirm is told as missed. It must not block; may be nil.
	Committed func(*models.Change)
	// Trace is told of every statement, under the context that it ran in; may be nil.
	Trace func(ctx context.Context)
	// parameters win over those of SQLite's DSN; only this package's tests set any.
	parameters url.Values
	// readWithin bounds one read; 15 s when 0. Only this package's tests set it.
	readWithin time.Duration
}

// Open opens the database named by dsn, `sqlite:FILE` or `postgres://…`, and brings its schema
// up to date. A database that is not Greenroom's, or that a newer version has migrated, is
// refused untouched.
func Open(ctx context.Context, dsn string, opts Options) (*Store, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Observe == nil {
		opts.Observe = func(int) {}
	}
	if opts.Committed == nil {
		opts.Committed = func(*models.Change) {}
	}
	switch scheme, rest, _ := strings.Cut(dsn, ":"); scheme {
	case "sqlite":
		return openSQLite(ctx, rest, opts)
	case "postgres", "postgresql":
		return openPostgres(ctx, dsn, opts)
	default:
		return nil, fmt.Errorf("database must be sqlite:FILE or postgres://…")
	}
}

// Write runs fn in a transaction and returns when its work is durable. Several callers may
// share a commit; fn's own error or panic undoes its own work alone.
//
// fn may be run more than once: it does no I/O but through its Tx, and keeps nothing outside
// that a second run would not overwrite. It must not call Write itself. ctx is looked at
// before fn begins and never after, so an error from ctx means that nothing was done.
func (s *Store) Write(ctx context.Context, fn func(tx *Tx) error) error {
	if s.broken.Load() {
		return errDisk
	}
	return s.writer.write(ctx, fn)
}

// errDisk is for whoever comes after a commit that failed.
var errDisk = models.Unavailable("the database's disk has failed", retryDown)

// Ping asks whether the database answers and its disk has not failed.
func (s *Store) Ping(ctx context.Context) error {
	if s.broken.Load() {
		return errDisk
	}
	var one int
	if err := s.reader.WithContext(ctx).Raw("SELECT 1").Scan(&one).Error; err != nil {
		return fmt.Errorf("ping database: %w", translate(err))
	}
	return nil
}

// Close waits for writes under way and closes the database. The writer goes last: SQLite's log goes
// into the database with the last connection, if that may write.
func (s *Store) Close() error {
	return errors.Join(s.fast.close(), closeDB(s.reader), s.writer.close())
}

func closeDB(g *gorm.DB) error {
	pool, err := g.DB()
	if err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return pool.Close()
}

// translate turns a driver's error into this program's vocabulary, at the door.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case isDown(err):
		return fmt.Errorf("%w: %w", models.Unavailable("the database does not answer", retryDown), err)
	case errors.Is(err, gorm.ErrRecordNotFound):
		return models.ErrNotFound
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return models.ErrConflict
	default:
		return err
	}
}

// dialect is what differs between the engines beyond what GORM hides.
type dialect interface {
	// dollars: parameters of statements of our own are $1, $2 … and not ?.
	dollars() bool
	// lock is the clause that makes a read hold its rows until the transaction ends.
	lock() []clause.Expression
	// share is the clause that keeps others from changing the rows, but not from doing the same.
	share() []clause.Expression
	// claim is the clause that skips rows which another transaction holds.
	claim() []clause.Expression
	// seize takes the right to serve the database, or answers errServed. It is given back by the
	// returned function, and by the end of the process.
	seize(ctx context.Context, s *Store) (giveBack func() error, err error)
	// metadataHas is a condition: the top-level key of the metadata equals the value, a string,
	// bool or json.Number within the range of a double.
	metadataHas(key string, value any) (sql string, args []any)
}
