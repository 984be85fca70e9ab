package db

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

const (
	// pgConns is how many connections readers have, and writers beside them: writers that wait
	// for one account's lock must not keep everybody else from reading. It leaves room for other
	// replicas under PostgreSQL's default of 100.
	pgConns = 12
	// pgTries bounds how often a transaction that lost a serialization race or was chosen as a
	// deadlock's victim runs again.
	pgTries = 6
	// pgWriteWithin bounds one transaction: a caller that is gone does not end it.
	pgWriteWithin = 30 * time.Second
)

func openPostgres(ctx context.Context, dsn string, opts Options) (*Store, error) {
	g, err := openGORM(postgres.Open(dsn), pgConns, opts)
	if err != nil {
		// pgx repeats the DSN's host and user, never its password.
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := g.WithContext(ctx).Exec("SELECT 1").Error; err != nil {
		return nil, fmt.Errorf("open database: %w", closing(g, err))
	}
	if err := preparePostgres(ctx, g, opts); err != nil {
		return nil, fmt.Errorf("open database: %w", closing(g, err))
	}
	writers, err := openGORM(postgres.Open(dsn), pgConns, opts)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", closing(g, err))
	}
	s := &Store{dialect: postgresDialect{}, reader: g, log: opts.Log}
	s.writer = &txWriter{db: writers, observe: opts.Observe}
	return s, nil
}

// preparePostgres checks that the schema is ours or empty, and migrates.
func preparePostgres(ctx context.Context, g *gorm.DB, opts Options) error {
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
	db      *gorm.DB
	observe func(int)
}

func (w *txWriter) write(ctx context.Context, fn func(*Tx) error) error {
	if err := context.Cause(ctx); err != nil {
		return err
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
	tx := w.db.WithContext(ctx).Begin()
	if tx.Error != nil {
		return fmt.Errorf("begin: %w", translate(tx.Error))
	}
	if err := call(fn, &Tx{ctx: ctx, db: tx, dialect: postgresDialect{}}); err != nil {
		tx.Rollback()
		return err
	}
	if err := tx.Commit().Error; err != nil {
		return fmt.Errorf("commit: %w", translate(err))
	}
	return nil
}

func (w *txWriter) close() error { return closeDB(w.db) }

// retryDown is what a caller is told to wait when the database does not answer.
const retryDown = 2 * time.Second

// isDown tells whether PostgreSQL cannot be reached, or sends its clients away: connection
// exceptions (class 08), too many connections, shutting down, starting up.
func isDown(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(pg.Code, "08") || slices.Contains([]string{"53300", "57P01", "57P02", "57P03"}, pg.Code)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	_, isNetwork := errors.AsType[*net.OpError](err)
	return isNetwork || pgconn.SafeToRetry(err) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn)
}

// again tells whether PostgreSQL rolled the transaction back for somebody else's sake:
// serialization_failure or deadlock_detected. A lost commit is not among them: it may have
// happened, and the callers' unique keys tell.
func again(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "40001" || pg.Code == "40P01")
}

type postgresDialect struct{}

func (postgresDialect) lock() []clause.Expression {
	return []clause.Expression{clause.Locking{Strength: clause.LockingStrengthUpdate}}
}

func (postgresDialect) claim() []clause.Expression {
	return []clause.Expression{clause.Locking{
		Strength: clause.LockingStrengthUpdate,
		Options:  clause.LockingOptionsSkipLocked,
	}}
}

func (postgresDialect) metadataHas(key string, value any) (string, []any, error) {
	switch value.(type) {
	case string, bool, json.Number:
	default:
		return "", nil, errNotScalar
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "", nil, errBadNumber
	}
	return "(metadata::jsonb -> ?) = ?::jsonb", []any{key, string(text)}, nil
}
