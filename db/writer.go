package db

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"gorm.io/gorm"

	"greenroom/models"
)

// maxGroup bounds how many closures share a commit, and so how long the first one waits.
const maxGroup = 256

// errRestart says that the shared transaction is gone and its whole group must run again.
var errRestart = errors.New("the transaction did not survive a closure's error")

// A groupWriter is SQLite's single writer. Writes that wait while a transaction runs are
// gathered into the next one: one fsync serves them all. A closure that fails does so alone: most
// refuse before they have written anything, and for those that have, the group runs again with a
// savepoint for each.
type groupWriter struct {
	db      *gorm.DB
	conn    *sqliteConn // db's, for what is not GORM's: transactions
	dialect dialect
	observe func(group int)
	// fail is told when a commit fails; what reached the disk is then unknown.
	fail func(error)
	// committed is told of changes, in the order of the commits.
	committed func(*models.Change)

	jobs chan *job
	done chan struct{}
	// failed: a commit has failed, and what was queued by then is refused. Only loop looks.
	failed bool
	// mu keeps close from closing jobs under a sender.
	mu     sync.RWMutex
	closed bool
}

type job struct {
	ctx  context.Context
	fn   func(*Tx) error
	err  error
	made []*models.Change
	done chan struct{}
}

func newGroupWriter(g *gorm.DB, conn *sqliteConn, d dialect, opts Options, fail func(error)) *groupWriter {
	w := &groupWriter{
		db: g, conn: conn, dialect: d, observe: opts.Observe, fail: fail, committed: opts.Committed,
		jobs: make(chan *job, maxGroup), done: make(chan struct{}),
	}
	go w.loop()
	return w
}

func (w *groupWriter) write(ctx context.Context, fn func(*Tx) error) error {
	j := &job{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := w.enqueue(j); err != nil {
		return err
	}
	// Not a select with ctx.Done: once queued, the closure may commit, and the caller is told.
	<-j.done
	return j.err
}

func (w *groupWriter) enqueue(j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return models.Unavailable("the database is closed", retryDown)
	}
	select {
	case w.jobs <- j:
		return nil
	case <-j.ctx.Done():
		return context.Cause(j.ctx)
	}
}

func (w *groupWriter) close() error {
	w.mu.Lock()
	first := !w.closed
	w.closed = true
	w.mu.Unlock()
	if !first {
		return nil
	}
	close(w.jobs)
	<-w.done
	return w.conn.close()
}

func (w *groupWriter) loop() {
	defer close(w.done)
	for first := range w.jobs {
		group := w.gather(first)
		w.observe(len(group))
		w.run(group)
		for _, j := range group {
			if j.err == nil {
				tell(j.made, w.committed)
			}
			close(j.done)
		}
	}
}

// gather takes what is waiting and does not wait for more: a single caller's latency is that
// of a plain transaction.
func (w *groupWriter) gather(first *job) []*job {
	group := []*job{first}
	for len(group) < maxGroup {
		select {
		case j, ok := <-w.jobs:
			if !ok {
				return group
			}
			group = append(group, j)
		default:
			return group
		}
	}
	return group
}

// run commits the group. A savepoint for each closure costs as much as a small write, and is needed
// only where one fails that has written: then the group runs again, with them. When a closure's error
// takes the transaction with it even so (a full disk, an interrupt), nobody's work is kept: each
// closure then runs in a transaction of its own, so that the one at fault fails alone.
func (w *groupWriter) run(group []*job) {
	err := w.transact(group, false)
	switch {
	case !errors.Is(err, errRestart):
		return
	case len(group) == 1 && group[0].err != nil:
		return // it has been undone, with nobody else's work
	case len(group) > 1:
		err = w.transact(group, true)
	}
	if !errors.Is(err, errRestart) {
		return
	}
	for _, j := range group {
		if err := w.transact([]*job{j}, true); errors.Is(err, errRestart) && j.err == nil {
			j.err = err
		}
	}
}

// transact runs the group in one transaction and leaves each one's outcome in its job. It
// returns errRestart when the transaction did not survive, or has to be given up.
func (w *groupWriter) transact(group []*job, savepoints bool) error {
	if w.failed {
		failAll(group, errDisk)
		return nil
	}
	// Only this context reaches the driver: a caller's deadline would interrupt SQLite, and
	// that rolls back everybody's work.
	ctx := context.Background()
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		failAll(group, fmt.Errorf("begin: %w", translate(err)))
		return nil // everybody has been told; there is nothing to run again
	}
	// SQLite may have ended the transaction by itself; then this has nothing to do.
	rollback := func() { _ = w.exec("ROLLBACK") }
	tx := w.db.WithContext(ctx)
	for _, j := range group {
		if j.err = context.Cause(j.ctx); j.err != nil {
			continue
		}
		t := &Tx{ctx: ctx, db: tx, own: w.conn, dialect: w.dialect}
		step := w.step
		if savepoints {
			step = w.stepBack
		}
		if err := step(t, j); err != nil {
			rollback()
			return err
		}
		j.made = t.changes.made
	}
	if err := w.exec("COMMIT"); err != nil {
		rollback()
		w.failed = true
		w.fail(err)
		err = fmt.Errorf("commit: %w", translate(err))
		failAll(group, err)
	}
	return nil
}

// step runs one closure that is expected to succeed, or to fail before it has written.
func (w *groupWriter) step(t *Tx, j *job) error {
	before := w.conn.writes
	j.err = w.call(j.fn, t)
	if !w.conn.inTransaction() || j.err != nil && w.conn.writes > before {
		return errRestart
	}
	return nil
}

// stepBack runs one closure between SAVEPOINT and RELEASE, and undoes what it did if it fails.
func (w *groupWriter) stepBack(t *Tx, j *job) error {
	if err := w.exec("SAVEPOINT closure"); err != nil {
		return fmt.Errorf("%w: %w", errRestart, err)
	}
	if j.err = w.call(j.fn, t); j.err != nil {
		if err := w.exec("ROLLBACK TO closure"); err != nil {
			// SQLite has rolled everything back: the savepoint is gone with the transaction.
			return errRestart
		}
	}
	if err := w.exec("RELEASE closure"); err != nil {
		return fmt.Errorf("%w: %w", errRestart, err)
	}
	return nil
}

func (w *groupWriter) call(fn func(*Tx) error, t *Tx) error {
	w.conn.within = true
	defer func() { w.conn.within = false }()
	return call(fn, t)
}

func (w *groupWriter) exec(statement string) error {
	_, err := w.conn.exec(statement, nil)
	return err
}

// failAll gives err to those who would otherwise have succeeded.
func failAll(group []*job, err error) {
	for _, j := range group {
		if j.err == nil {
			j.err = err
		}
	}
}

// call runs fn and turns a panic into its error, so that it fails nobody else.
func call(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a write: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}
