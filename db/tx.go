package db

import (
	"context"
	"database/sql"

	"gorm.io/gorm"

	"greenroom/models"
)

// An ownConn runs statements of our own in a transaction.
type ownConn interface {
	// exec tells how many rows the statement has changed.
	exec(text string, args []any) (int, error)
	// query hands out each row, as wide as values, which it uses again.
	query(text string, args []any, values []value, row func([]value)) error
}

// statement begins one of our own.
func (t *Tx) statement() *statement { return &statement{dollars: t.dialect.dollars()} }

// exec runs a statement and tells how many rows it has changed.
func (t *Tx) exec(s *statement) (int, error) {
	t.trace()
	n, err := t.own.exec(string(s.text), s.args)
	return n, t.translate(err)
}

// first runs a query and gives its first row, of so many columns, or models.ErrNotFound.
func (t *Tx) first(s *statement, columns int) ([]value, error) {
	t.trace()
	var found []value
	err := t.own.query(string(s.text), s.args, make([]value, columns), func(row []value) {
		if found == nil {
			found = append(found, row...)
		}
	})
	if err == nil && found == nil {
		return nil, models.ErrNotFound
	}
	return found, t.translate(err)
}

// count counts the rows of a table that conditions keep.
func (t *Tx) count(table string, kept conditions) (int, error) {
	s := t.statement()
	s.add("SELECT count(*) FROM " + table)
	s.where(kept)
	found, err := t.first(s, 1)
	if err != nil {
		return 0, err
	}
	return int(found[0].n), nil
}

func (t *Tx) translate(err error) error {
	if engine, ok := t.db.Dialector.(gorm.ErrorTranslator); ok && err != nil {
		err = engine.Translate(err)
	}
	return translate(err)
}

func (t *Tx) trace() {
	if l, ok := t.db.Logger.(tracer); ok {
		l.told(t.ctx)
	}
}

// A poolConn is a transaction of database/sql, whose driver keeps statements prepared.
type poolConn struct {
	ctx context.Context
	tx  gorm.ConnPool
}

func (c poolConn) exec(text string, args []any) (int, error) {
	result, err := c.tx.ExecContext(c.ctx, text, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

func (c poolConn) query(text string, args []any, values []value, row func([]value)) error {
	rows, err := c.tx.QueryContext(c.ctx, text, args...)
	if err != nil {
		return err
	}
	return each(rows, values, row)
}

// each hands out rows, and closes them.
func each(rows *sql.Rows, values []value, row func([]value)) error {
	defer func() { _ = rows.Close() }()
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		row(values)
	}
	return rows.Err()
}
