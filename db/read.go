package db

import (
	"context"
	"sync"
)

// A fastReader runs statements that GORM would be too slow for.
type fastReader interface {
	// read runs the query and hands out each row. The slice given to row is used again.
	read(ctx context.Context, q *query, row func([]value)) error
	close() error
}

// A query is a statement in the making.
type query struct {
	statement
	// columns are expressions with their names, names are the names alone; width is how many.
	columns, names string
	width          int
	// short tells that the query ends soon, whatever is stored: it reads one row by its key, or a
	// page of rows in the order of theirs.
	short bool
	// whole is the text with its columns, values one row.
	whole  []byte
	values []value
}

// queries keeps queries that have run, for the memory that they hold.
var queries = sync.Pool{New: func() any { return &query{} }}

// query begins one: the caller adds `FROM …`, runs it, and forgets it.
func (s *Store) query(columns, names string, width int) *query {
	q, _ := queries.Get().(*query)
	q.columns, q.names, q.width, q.short = columns, names, width, false
	q.text, q.args, q.dollars = q.text[:0], q.args[:0], s.dialect.dollars()
	return q
}

// run runs a query, once.
func (s *Store) run(ctx context.Context, q *query, row func([]value)) error {
	if cap(q.values) < q.width {
		q.values = make([]value, q.width)
	}
	q.values = q.values[:q.width]
	if s.trace != nil {
		s.trace(ctx)
	}
	err := s.fast.read(ctx, q, row)
	clear(q.values)
	clear(q.args)
	queries.Put(q)
	return translate(err)
}

func (q *query) selecting(parts ...string) []byte {
	q.whole = q.whole[:0]
	for _, part := range parts {
		q.whole = append(q.whole, part...)
	}
	return q.whole
}

// liteRead reads with SQLite's own connections.
type liteRead struct{ *liteReaders }

func (l liteRead) read(ctx context.Context, q *query, row func([]value)) error {
	q.whole = append(q.selecting("SELECT greenroom_pack(", q.names, ") FROM (SELECT ", q.columns, " FROM "), q.text...)
	q.whole = append(q.whole, ')')
	blob, err := l.blob(ctx, q.whole, q.args, q.short)
	if err != nil {
		return err
	}
	return unpack(blob, q.values, row)
}
