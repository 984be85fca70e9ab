package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/mattn/go-sqlite3"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"greenroom/models"
)

const (
	// pgConns is how many connections readers have, and writers beside them: writers that wait
	// for one account's lock must not keep everybody else from reading. It leaves room for other
	// replicas under PostgreSQL's default of 100.
	pgConns = 12
	// pgConnectWithin bounds one attempt to connect.
	pgConnectWithin = 5 * time.Second
	// pgTries bounds how often a transaction runs again, see again.
	pgTries = 6
	// pgWriteWithin bounds one transaction: a caller that is gone does not end it.
	pgWriteWithin = 30 * time.Second
)

func openPostgres(ctx context.Context, dsn string, opts Options) (*Store, error) {
	driver, err := pgDriver(dsn)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	g, err := openGORM(postgres.New(postgres.Config{Conn: stdlib.OpenDB(*driver)}), pgConns, opts)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := g.WithContext(ctx).Exec("SELECT 1").Error; err != nil {
		return nil, fmt.Errorf("open database: %w", closing(g, err))
	}
	if err := preparePostgres(ctx, *driver, opts); err != nil {
		return nil, fmt.Errorf("open database: %w", closing(g, err))
	}
	writers, err := openGORM(postgres.New(postgres.Config{Conn: stdlib.OpenDB(*driver)}), pgConns, opts)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", closing(g, err))
	}
	if err := boundReads(g, opts); err != nil {
		return nil, closing(writers, closing(g, err))
	}
	pool, err := g.DB()
	if err != nil {
		return nil, closing(writers, closing(g, err))
	}
	writing, err := writers.DB()
	if err != nil {
		return nil, closing(writers, closing(g, err))
	}
	s := &Store{dialect: postgresDialect{}, reader: g, fast: postgresRead{pool}, log: opts.Log, trace: opts.Trace}
	s.writer = &txWriter{db: writers, pool: writing, observe: opts.Observe, committed: opts.Committed}
	return s, nil
}

// pgDriver reads the DSN and bounds what would else last for ever, unless the DSN bounds it
// itself. pgx's errors repeat the DSN's host and user, never its password.
func pgDriver(dsn string) (*pgx.ConnConfig, error) {
	driver, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	if driver.ConnectTimeout == 0 {
		driver.ConnectTimeout = pgConnectWithin
	}
	for setting, value := range map[string]string{
		"timezone":          "UTC",
		"statement_timeout": "20s", "lock_timeout": "20s", "idle_in_transaction_session_timeout": "60s",
	} {
		if _, given := driver.RuntimeParams[setting]; !given {
			driver.RuntimeParams[setting] = value
		}
	}
	return driver, nil
}

// preparePostgres checks that the schema is ours or empty, and migrates: on connections of its own,
// because an index of a large table takes longer than a statement may otherwise.
func preparePostgres(ctx context.Context, driver pgx.ConnConfig, opts Options) (err error) {
	driver = *driver.Copy()
	driver.RuntimeParams["statement_timeout"] = "0"
	g, err := openGORM(postgres.New(postgres.Config{Conn: stdlib.OpenDB(driver)}), pgConns, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeDB(g)) }()
	var tables, ours int64
	const inSchema = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()"
	if err := g.WithContext(ctx).Raw(inSchema).Scan(&tables).Error; err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	if err := g.WithContext(ctx).Raw(inSchema + " AND table_name = 'greenroom_migrations'").Scan(&ours).Error; err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	if tables > 0 && ours == 0 {
		return errNotOurs
	}
	if tables == 0 && opts.SkipMigrations {
		return errEmpty
	}
	return migrate(ctx, g, dialectPostgres, opts)
}

// A txWriter is PostgreSQL's: a transaction for each closure, run again when the database
// asks for that.
type txWriter struct {
	db        *gorm.DB
	pool      *sql.DB // db's
	observe   func(int)
	committed func(*models.Change)
	// mu is held by writes under way, and by close.
	mu     sync.RWMutex
	closed bool
}

func (w *txWriter) write(ctx context.Context, fn func(*Tx) error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return models.Unavailable("the database is closed", retryDown)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pgWriteWithin)
	defer cancel()
	w.observe(1)
	for try := 1; ; try++ {
		err := w.transact(ctx, fn)
		if try == pgTries || !again(err) {
			return err
		}
		select {
		case <-time.After(rand.N(time.Duration(try) * 10 * time.Millisecond)): //nolint:gosec // G404: jitter, not a secret
		case <-ctx.Done():
			return err
		}
	}
}

func (w *txWriter) transact(ctx context.Context, fn func(*Tx) error) error {
	own, err := beginPostgres(ctx, w.pool)
	if err != nil {
		return fmt.Errorf("begin: %w", translate(err))
	}
	defer own.close()
	defer own.rollback() // of what has not been committed
	tx := w.db.Session(&gorm.Session{Context: ctx, NewDB: true})
	tx.Statement.ConnPool = own
	t := &Tx{ctx: ctx, db: tx, own: own, dialect: postgresDialect{}}
	if err = call(fn, t); err == nil {
		err = t.translate(own.commit())
	}
	switch {
	case err == nil:
		tell(t.changes.made, w.committed)
	case errors.Is(err, errCommit):
		tell(missed(t.changes.made), w.committed)
	}
	return err
}

// errCommit is a commit whose outcome nobody knows: it may have happened, and the callers' unique
// keys tell. It is never run again.
var errCommit = errors.New("commit")

func (w *txWriter) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return closeDB(w.db)
}

// retryDown is what a caller is told to wait when the database does not answer.
const retryDown = 2 * time.Second

// isDown tells whether the database cannot be reached in time, or sends its clients away:
// connection exceptions (class 08), out of resources (53), shutting down or starting up, a
// statement or a lock that took too long, a standby; SQLite's locked, full or failing disk; a store
// that has been closed.
func isDown(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		class := strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "53")
		return class || slices.Contains([]string{"57P01", "57P02", "57P03", "57014", "55P03", "25006"}, pg.Code)
	}
	if lite, ok := errors.AsType[sqlite3.Error](err); ok {
		return slices.Contains([]sqlite3.ErrNo{sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrCantOpen}, lite.Code)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	_, isNetwork := errors.AsType[*net.OpError](err)
	return isNetwork || errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || isClosed(err)
}

// isClosed tells whether database/sql's pool had been closed, an error that it does not export.
func isClosed(err error) bool {
	return err != nil && strings.HasSuffix(err.Error(), "sql: database is closed")
}

// again tells whether the transaction certainly did not happen, for no fault of its own: rolled
// back for somebody else's sake (serialization_failure, deadlock_detected), or the database was down
// before the commit, as isDown has it: a lock that took too long is waited for anew, within
// pgWriteWithin.
func again(err error) bool {
	if errors.Is(err, errCommit) {
		return false
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	// 0A000: the schema is not that for which a statement was prepared; the driver prepares it anew.
	return isDown(err) || ok && slices.Contains([]string{"40001", "40P01", "0A000"}, pg.Code)
}

type postgresDialect struct{}

func (postgresDialect) dollars() bool { return true }

// lock leaves alone those who only refer to the row, as a session's webhook does to its endpoint:
// keys never change, so UPDATE alone would make them wait for each other.
func (postgresDialect) lock() []clause.Expression {
	return []clause.Expression{clause.Locking{Strength: "NO KEY UPDATE"}}
}

func (postgresDialect) share() []clause.Expression {
	return []clause.Expression{clause.Locking{Strength: clause.LockingStrengthShare}}
}

func (postgresDialect) claim() []clause.Expression {
	return []clause.Expression{clause.Locking{
		Strength: clause.LockingStrengthUpdate,
		Options:  clause.LockingOptionsSkipLocked,
	}}
}

func (postgresDialect) metadataHas(key string, value any) (string, []any) {
	if n, ok := value.(json.Number); ok {
		if f, isFloat := number(n).(float64); isFloat { // as SQLite and models.SessionFilter do
			return "CASE jsonb_typeof(metadata::jsonb -> ?) WHEN 'number' THEN (metadata::jsonb ->> ?)::double precision = ? ELSE FALSE END", []any{key, key, f}
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // a checked scalar
	}
	return "(metadata::jsonb -> ?) = ?::jsonb", []any{key, string(text)}
}
