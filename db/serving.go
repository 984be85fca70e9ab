package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// seizeWithin is how long a server waits for another one to finish: a new one that is started
// while the old one drains takes over.
const seizeWithin = 15 * time.Second

// errServed says that the database has a server already. What avatar servers carry is known in
// the process that they have dialled in to: two would take each other's sessions for lost.
var errServed = errors.New("another server serves this database: stop it first")

// Seize takes the right to serve the database, waiting a while for another server to stop. The
// right ends with the returned function or with the process, however that ends. Operators'
// commands need none.
func (s *Store) Seize(ctx context.Context) (giveBack func() error, err error) {
	deadline := time.After(seizeWithin)
	for waited := false; ; waited = true {
		giveBack, err := s.dialect.seize(ctx, s)
		if err == nil || !errors.Is(err, errServed) {
			return giveBack, err
		}
		if !waited {
			s.log.Warn("another server serves this database: waiting for it to stop", "at most", seizeWithin.String())
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-deadline:
			return nil, err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// seize locks a file beside the database. Not the database itself: closing another descriptor
// of it would drop SQLite's own locks.
func (d sqliteDialect) seize(context.Context, *Store) (func() error, error) {
	f, err := os.OpenFile(d.file+"-serving", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errServed
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

// advisoryLock is Greenroom's among the database's advisory locks ("GREN").
const advisoryLock = applicationID

// seize takes an advisory lock on a connection of its own. Should that connection break, the
// lock is gone until the next start: the database has then sent everybody away.
func (postgresDialect) seize(ctx context.Context, s *Store) (func() error, error) {
	pool, err := s.reader.DB()
	if err != nil {
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("lock the database: %w", translate(err))
	}
	var taken bool
	if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", advisoryLock).Scan(&taken); err != nil {
		return nil, errors.Join(translate(err), conn.Close())
	}
	if !taken {
		return nil, errors.Join(errServed, conn.Close())
	}
	return func() error { return giveBack(conn) }, nil
}

// giveBack unlocks before the connection goes back to its pool.
func giveBack(conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", advisoryLock)
	return errors.Join(err, conn.Close())
}
