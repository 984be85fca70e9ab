package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/mattn/go-sqlite3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
)

// preparedAtMost bounds how many statements the writer keeps. It knows some 60; lists of ids are
// spelt anew for each length.
const preparedAtMost = 500

// A sqliteConn is the one connection that writes, with the statements that were prepared on it.
// GORM's own cache is of no use to it: database/sql prepares a statement anew for each
// transaction, and that took a third of the writer's time. Only the writer's goroutine uses it.
type sqliteConn struct {
	*sql.Conn
	pool       *sql.DB
	statements *simplelru.LRU[string, *sql.Stmt]
	// own are those of statements of our own.
	own *simplelru.LRU[string, *sqlite3.SQLiteStmt]
	// writes counts statements that may have changed something.
	writes int
	// within: a closure runs, whose statements belong to a transaction.
	within bool
}

// errOver is a statement's whose transaction SQLite has ended by itself: alone it would be committed.
var errOver = errors.New("the transaction is over")

// raw gives do the driver's connection, to do what belongs to the transaction.
func (c *sqliteConn) raw(do func(lite *sqlite3.SQLiteConn) error) error {
	return c.Raw(func(conn any) error {
		lite, ok := conn.(*sqlite3.SQLiteConn)
		switch {
		case !ok:
			return fmt.Errorf("the connection is a %T", conn)
		case c.within && lite.AutoCommit():
			return errOver
		}
		return do(lite)
	})
}

// stands is nil where a statement may run.
func (c *sqliteConn) stands() error { return c.raw(func(*sqlite3.SQLiteConn) error { return nil }) }

// takeConn takes the only connection of the pool behind g for good, and gives a GORM that works on
// nothing else.
func takeConn(ctx context.Context, g *gorm.DB, opts Options) (*gorm.DB, *sqliteConn, error) {
	pool, err := g.DB()
	if err != nil {
		return nil, nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, nil, err
	}
	// A savepoint, where a closure has one, keeps the pages that it changes, and beyond 64 kB in a file:
	// where files for a moment lie is no place for customers' data, and may be full.
	if _, err := conn.ExecContext(ctx, "PRAGMA temp_store = MEMORY"); err != nil {
		return nil, nil, err
	}
	statements, err := simplelru.NewLRU(preparedAtMost, func(_ string, s *sql.Stmt) { _ = s.Close() })
	if err != nil {
		return nil, nil, err
	}
	own, err := simplelru.NewLRU(preparedAtMost, func(_ string, s *sqlite3.SQLiteStmt) { _ = s.Close() })
	if err != nil {
		return nil, nil, err
	}
	c := &sqliteConn{Conn: conn, pool: pool, statements: statements, own: own}
	writer, err := gorm.Open(sqlite.New(sqlite.Config{Conn: c}), gormConfig(opts))
	return writer, c, err
}

func (c *sqliteConn) close() error {
	c.statements.Purge()
	c.own.Purge()
	return errors.Join(c.Close(), c.pool.Close())
}

// GetDBConn is for GORM, which asks pools of its own for what is behind them.
func (c *sqliteConn) GetDBConn() (*sql.DB, error) { return c.pool, nil }

// ExecContext runs a statement that is prepared once.
func (c *sqliteConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	c.writes++
	if err := c.stands(); err != nil {
		return nil, err
	}
	s, err := c.statement(ctx, query) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext runs a statement that is prepared once. The rows are to be closed before the next one.
func (c *sqliteConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if !strings.HasPrefix(query, "SELECT ") { // an INSERT may answer rows, too
		c.writes++
	}
	if err := c.stands(); err != nil {
		return nil, err
	}
	s, err := c.statement(ctx, query) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// send runs a statement at once: there is nothing to be saved here.
func (c *sqliteConn) send(text string, args []any) error {
	_, err := c.exec(text, args)
	return err
}

// exec runs a statement of our own, without what database/sql does for those of strangers.
func (c *sqliteConn) exec(text string, args []any) (changed int, err error) {
	c.writes++
	err = c.raw(func(lite *sqlite3.SQLiteConn) error {
		s, err := c.prepared(lite, text)
		if err != nil {
			return err
		}
		result, err := s.ExecContext(context.Background(), numbered(args))
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		changed = int(n)
		return err
	})
	return changed, err
}

func (c *sqliteConn) query(text string, args []any, values []value, row func([]value)) error {
	return c.raw(func(lite *sqlite3.SQLiteConn) (err error) {
		s, err := c.prepared(lite, text)
		if err != nil {
			return err
		}
		rows, err := s.QueryContext(context.Background(), numbered(args))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		from := make([]driver.Value, len(values))
		for {
			if err := rows.Next(from); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			for i := range from {
				if err := values[i].Scan(from[i]); err != nil {
					return err
				}
			}
			row(values)
		}
	})
}

func (c *sqliteConn) prepared(lite *sqlite3.SQLiteConn, text string) (*sqlite3.SQLiteStmt, error) {
	if s, ok := c.own.Get(text); ok {
		return s, nil
	}
	made, err := lite.Prepare(text)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	s, ok := made.(*sqlite3.SQLiteStmt)
	if !ok {
		return nil, fmt.Errorf("prepare: the statement is a %T", made)
	}
	c.own.Add(text, s)
	return s, nil
}

// numbered are parameters as a driver takes them.
func numbered(args []any) []driver.NamedValue {
	all := make([]driver.NamedValue, len(args))
	for i, v := range args {
		all[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return all
}

// inTransaction tells whether the transaction still stands: some errors end it.
func (c *sqliteConn) inTransaction() (stands bool) {
	err := c.Raw(func(conn any) error {
		lite, ok := conn.(*sqlite3.SQLiteConn)
		stands = ok && !lite.AutoCommit()
		return nil
	})
	return stands && err == nil
}

func (c *sqliteConn) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := c.statements.Get(query); ok {
		return s, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	c.statements.Add(query, s)
	return s, nil
}
