package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/hashicorp/golang-lru/v2/simplelru"
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
}

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
	// Each closure's savepoint keeps the pages that it changes, and beyond 64 kB in a file: where
	// files for a moment lie is no place for customers' data, and may be full.
	if _, err := conn.ExecContext(ctx, "PRAGMA temp_store = MEMORY"); err != nil {
		return nil, nil, err
	}
	statements, err := simplelru.NewLRU(preparedAtMost, func(_ string, s *sql.Stmt) { _ = s.Close() })
	if err != nil {
		return nil, nil, err
	}
	c := &sqliteConn{Conn: conn, pool: pool, statements: statements}
	writer, err := gorm.Open(sqlite.New(sqlite.Config{Conn: c}), gormConfig(opts))
	return writer, c, err
}

func (c *sqliteConn) close() error {
	c.statements.Purge()
	return errors.Join(c.Close(), c.pool.Close())
}

// GetDBConn is for GORM, which asks pools of its own for what is behind them.
func (c *sqliteConn) GetDBConn() (*sql.DB, error) { return c.pool, nil }

// ExecContext runs a statement that is prepared once.
func (c *sqliteConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := c.statement(ctx, query) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext runs a statement that is prepared once. The rows are to be closed before the next one.
func (c *sqliteConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := c.statement(ctx, query) //nolint:sqlclosecheck // kept for the next time
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
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
