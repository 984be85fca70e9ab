package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"

	"github.com/mattn/go-sqlite3"
)

// keptStatements is how many prepared statements a connection keeps. There is one for each set of
// columns and shape of a filter that has been asked for.
const keptStatements = 128

// liteReaders are SQLite connections of our own, beside GORM's, for reads that must be quick: each
// keeps its statements prepared, and a query's rows come in one call.
type liteReaders struct {
	dsn string
	// places bounds how many are in use, long how many of them for reads that may last: one account's
	// searches leave room for the look-ups that begin everybody's requests.
	places, long chan struct{}

	mu     sync.Mutex
	idle   []*liteReader
	closed bool
}

type liteReader struct {
	conn       driver.Conn
	statements map[string]liteStatement
	args       []driver.NamedValue
	dest       [1]driver.Value
}

// A liteStatement is what the driver's statements are.
type liteStatement interface {
	driver.Stmt
	driver.StmtQueryContext
}

func newLiteReaders(dsn string, most int) (*liteReaders, error) {
	return &liteReaders{dsn: dsn, places: make(chan struct{}, most), long: make(chan struct{}, max(1, most/2))}, installPack()
}

// blob runs a statement whose only answer is greenroom_pack's blob; nil when there are no rows. A
// short one runs to its end: it is over before anybody could stop it.
func (l *liteReaders) blob(ctx context.Context, text []byte, args []any, short bool) ([]byte, error) {
	if !short {
		within, cancel := context.WithTimeout(ctx, readWithin)
		defer cancel()
		if err := enter(within, l.long); err != nil {
			return nil, err
		}
		defer func() { <-l.long }()
		ctx = within
	}
	r, err := l.take(ctx)
	if err != nil {
		return nil, err
	}
	if short {
		ctx = context.WithoutCancel(ctx)
	}
	blob, err := r.blob(ctx, text, args)
	l.give(r, err)
	return blob, err
}

// take waits for a connection, the one that was used last first: its cache is warm.
func (l *liteReaders) take(ctx context.Context) (*liteReader, error) {
	if err := enter(ctx, l.places); err != nil {
		return nil, err
	}
	r, err := l.warm()
	if r == nil && err == nil {
		r, err = l.open()
	}
	if err != nil {
		<-l.places
	}
	return r, err
}

// warm is an idle connection, or nil.
func (l *liteReaders) warm() (*liteReader, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, sql.ErrConnDone
	}
	n := len(l.idle)
	if n == 0 {
		return nil, nil // said above
	}
	r := l.idle[n-1]
	l.idle = l.idle[:n-1]
	return r, nil
}

// open makes a connection, which takes a while: others do not wait for it.
func (l *liteReaders) open() (*liteReader, error) {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(l.dsn)
	if err != nil {
		return nil, err
	}
	return &liteReader{conn: conn, statements: map[string]liteStatement{}}, nil
}

// enter waits for one of the places.
func enter(ctx context.Context, places chan<- struct{}) error {
	if ctx.Err() != nil { // or a place that is free would be taken for nobody
		return context.Cause(ctx)
	}
	select {
	case places <- struct{}{}:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// give takes a connection back. One whose read has failed, for whatever reason, is not used again.
func (l *liteReaders) give(r *liteReader, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || err != nil {
		_ = r.close() // nothing was written
	} else {
		l.idle = append(l.idle, r)
	}
	<-l.places
}

// close closes every connection, one that is in use when its read is over.
func (l *liteReaders) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	var errs []error
	for _, r := range l.idle {
		errs = append(errs, r.close())
	}
	l.idle = nil
	return errors.Join(errs...)
}

// close ends the statements first: SQLite keeps a connection, its files and its memory for as long as
// one is left.
func (r *liteReader) close() error {
	var errs []error
	for _, statement := range r.statements {
		errs = append(errs, statement.Close())
	}
	return errors.Join(append(errs, r.conn.Close())...)
}

func (r *liteReader) blob(ctx context.Context, text []byte, args []any) ([]byte, error) {
	if ctx.Err() != nil { // the driver would say so too, but not the cause
		return nil, context.Cause(ctx)
	}
	statement, err := r.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	r.args = r.args[:0]
	for i, arg := range args {
		r.args = append(r.args, driver.NamedValue{Ordinal: i + 1, Value: arg})
	}
	rows, err := statement.QueryContext(ctx, r.args)
	if err != nil {
		return nil, err
	}
	r.dest[0] = nil
	if err := errors.Join(rows.Next(r.dest[:]), rows.Close()); err != nil {
		return nil, err
	}
	blob, ok := r.dest[0].([]byte)
	r.dest[0] = nil
	if !ok {
		return nil, nil
	}
	return blob, nil
}

func (r *liteReader) prepared(ctx context.Context, text []byte) (liteStatement, error) {
	if known, ok := r.statements[string(text)]; ok {
		return known, nil
	}
	for other, statement := range r.statements {
		if len(r.statements) < keptStatements {
			break
		}
		delete(r.statements, other) // any: which one matters little
		_ = statement.Close()       // nothing was written
	}
	conn, ok := r.conn.(driver.ConnPrepareContext)
	if !ok {
		return nil, fmt.Errorf("sqlite: the driver's %T does not prepare", r.conn)
	}
	made, err := conn.PrepareContext(ctx, string(text))
	if err != nil {
		return nil, err
	}
	statement, ok := made.(liteStatement)
	if !ok {
		return nil, fmt.Errorf("sqlite: the driver's %T does not query", made)
	}
	r.statements[string(text)] = statement
	return statement, nil
}
