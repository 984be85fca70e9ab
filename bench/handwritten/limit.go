package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"greenroom/bench/peer"
)

// creates is the limit of writing: one goroutine, one connection, one prepared INSERT, and nobody to
// answer in between. No writer of many callers gets beyond it on the same driver.
type creates struct {
	Avatar  string        `help:"Not needed: a session that is there is written again under new names."`
	Callers int           `default:"64" help:"How many sessions to a transaction."`
	For     time.Duration `default:"2s" help:"How long."`
}

// Run writes sessions, so many a transaction, again and again.
func (c *creates) Run(ctx context.Context, o *peer.Options) (err error) {
	dsn, ok := o.SQLite()
	if !ok {
		return errors.New("this limit is SQLite's")
	}
	pool, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, pool.Close()) }()
	names, values, err := waiting(ctx, pool)
	if err != nil {
		return err
	}
	insert, err := pool.PrepareContext(ctx, "INSERT INTO sessions ("+strings.Join(names, ", ")+") VALUES (?"+strings.Repeat(", ?", len(names)-1)+")") //nolint:gosec // G202: names of columns
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	id, room := slices.Index(names, "id"), slices.Index(names, "room_name")
	next := func() []any {
		s := peer.NewSession(o.Account, c.Avatar, peer.Now())
		values[id], values[room] = s.ID, s.Room.Name
		return values
	}
	var tally peer.Tally
	began := time.Now()
	for time.Since(began) < c.For && ctx.Err() == nil {
		err := c.together(context.WithoutCancel(ctx), pool, insert, next)
		for range c.Callers {
			tally.Note(err)
		}
	}
	return tally.Print(os.Stdout, time.Since(began))
}

// together writes sessions in one transaction.
func (c *creates) together(ctx context.Context, pool *sql.DB, insert *sql.Stmt, next func() []any) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing, after a commit
	bound := tx.StmtContext(ctx, insert) //nolint:sqlclosecheck // its transaction closes it
	for range c.Callers {
		if _, err := bound.ExecContext(ctx, next()...); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
	}
	return tx.Commit()
}

// waiting is a session that has not ended, column by column.
func waiting(ctx context.Context, pool *sql.DB) (names []string, values []any, err error) {
	rows, err := pool.QueryContext(ctx, "SELECT * FROM sessions WHERE ended_at IS NULL LIMIT 1")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if names, err = rows.Columns(); err != nil {
		return nil, nil, err
	}
	if !rows.Next() {
		return nil, nil, errors.Join(errors.New("no session waits"), rows.Err())
	}
	values = make([]any, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	return names, values, rows.Scan(into...)
}
