package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgRollbackWithin bounds the end of a transaction that has failed.
const pgRollbackWithin = 5 * time.Second

// A postgresTx is a transaction on a connection of its own. A round trip costs more than most
// statements do, so those whose answer nobody waits for, BEGIN first among them, go to the server
// with the next one that asks something, or with COMMIT.
type postgresTx struct {
	ctx  context.Context
	conn *sql.Conn
	// waiting are statements that have not been sent; unanswered counts those of them, and of those
	// sent, that the server has not confirmed.
	waiting    *pgx.Batch
	unanswered int
	// failed is the first error of a statement of our own: the transaction is then lost.
	failed error
}

// beginPostgres takes a connection. Until something is asked, nothing else happens.
func beginPostgres(ctx context.Context, pool *sql.DB) (*postgresTx, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	t := &postgresTx{ctx: ctx, conn: conn, waiting: &pgx.Batch{}}
	// Said, because a database may have another default: locks and counts rely on it.
	return t, t.send("begin isolation level read committed", nil)
}

// send runs a statement with the next one. Its error is that one's, or the commit's.
func (t *postgresTx) send(text string, args []any) error {
	t.unanswered++
	t.waiting.Queue(text, args...).Exec(func(pgconn.CommandTag) error {
		t.unanswered--
		return nil
	})
	return t.failed
}

func (t *postgresTx) exec(text string, args []any) (changed int, err error) {
	t.waiting.Queue(text, args...).Exec(func(tag pgconn.CommandTag) error {
		changed = int(tag.RowsAffected())
		return nil
	})
	err = t.flush()
	return changed, err
}

func (t *postgresTx) query(text string, args []any, values []value, row func([]value)) error {
	t.waiting.Queue(text, args...).Query(func(rows pgx.Rows) error { return receive(rows, values, row) })
	return t.flush()
}

// commit ends the transaction. An error that is errCommit leaves open whether it has happened; after
// any other it has not.
func (t *postgresTx) commit() error {
	confirmed := false
	t.waiting.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() == "ROLLBACK" { // the server's answer when a statement had failed
			return pgx.ErrTxCommitRollback
		}
		confirmed = true
		return nil
	})
	lost := t.failed != nil
	err := t.flush()
	if confirmed {
		return nil // whatever became of the connection behind it
	}
	if err == nil || lost || t.uncommitted(err) {
		return err
	}
	return fmt.Errorf("%w: %w", errCommit, err)
}

// uncommitted tells whether an error of the commit says for certain that there was none.
func (t *postgresTx) uncommitted(err error) bool {
	if _, unsent := errors.AsType[pgx.ErrPreprocessingBatch](err); unsent || pgconn.SafeToRetry(err) || errors.Is(err, sql.ErrConnDone) {
		return true
	}
	// The server does not look at a COMMIT that comes after what it has refused.
	_, refused := errors.AsType[*pgconn.PgError](err)
	return refused && t.unanswered > 0 || errors.Is(err, pgx.ErrTxCommitRollback)
}

// rollback undoes what the server knows of. A connection on which that fails is not used again: the
// driver looks at its state.
func (t *postgresTx) rollback() {
	_ = onDriver(t.conn, func(conn *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), pgRollbackWithin)
		defer cancel()
		if conn.PgConn().TxStatus() != 'I' { // else it has not begun, or is over
			if _, err := conn.Exec(ctx, "rollback"); err != nil {
				return conn.Close(ctx)
			}
		}
		if t.failed == nil {
			return nil
		}
		// The driver drops the statements that it does not trust any more with whatever comes next. Were
		// that a commit, an error of this would pass for the commit's.
		if _, err := conn.Exec(ctx, "-- ping"); err != nil {
			return conn.Close(ctx)
		}
		return nil
	})
}

// close gives the connection back.
func (t *postgresTx) close() { _ = t.conn.Close() }

// flush sends what waits, all at once, and reads the answers.
func (t *postgresTx) flush() error {
	if t.failed != nil || t.waiting.Len() == 0 {
		return t.failed
	}
	batch := t.waiting
	t.waiting = &pgx.Batch{}
	t.failed = onDriver(t.conn, func(conn *pgx.Conn) error { return conn.SendBatch(t.ctx, batch).Close() })
	return t.failed
}

// ExecContext, and what follows, is a gorm.ConnPool's: GORM's statements run in their turn.
func (t *postgresTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.conn.ExecContext(ctx, query, args...)
}

// QueryContext is a gorm.ConnPool's.
func (t *postgresTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.conn.QueryContext(ctx, query, args...)
}

// QueryRowContext is a gorm.ConnPool's, and never reached: a row could not tell of another statement's
// error.
func (*postgresTx) QueryRowContext(context.Context, string, ...any) *sql.Row {
	panic("db: GORM asks for a single row")
}

// PrepareContext is a gorm.ConnPool's.
func (t *postgresTx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.conn.PrepareContext(ctx, query)
}
