package db

import (
	"gorm.io/gorm"

	"greenroom/models"
)

// An ownConn runs statements of our own in a transaction.
type ownConn interface {
	// send runs a statement whose answer nobody needs, now or with the next one, whose error is then
	// this one's.
	send(text string, args []any) error
	// exec tells how many rows the statement has changed.
	exec(text string, args []any) (int, error)
	// query hands out each row, as wide as values, which it uses again.
	query(text string, args []any, values []value, row func([]value)) error
}

// statement begins one of our own.
func (t *Tx) statement() *statement { return &statement{dollars: t.dialect.dollars()} }

// send runs a statement, at the latest with the next one or the commit, whose error is then its own.
func (t *Tx) send(s *statement) error {
	t.trace()
	return t.translate(t.own.send(string(s.text), s.args))
}

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
