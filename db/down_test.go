package db_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

// TestPostgresIsDown cuts the network between us and the database: every way in answers
// UNAVAILABLE with a time to wait, and works again when the database is back.
func TestPostgresIsDown(t *testing.T) {
	t.Parallel()
	dsn, err := url.Parse(dbtest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	wire := newWire(t, dsn.Host)
	dsn.Host = wire.address
	store := open(t, dsn.String())
	w := dbtest.NewWorld(t, store)
	ways := map[string]func() error{
		"Read": func() error { _, err := store.Account(t.Context(), w.Account.ID); return err },
		"List": func() error {
			_, err := store.Sessions(t.Context(), models.SessionQuery{Scope: w.Scope(), Page: models.Page{Size: 1}}, dbtest.Now)
			return err
		},
		"Write": func() error {
			return store.Write(t.Context(), func(tx *db.Tx) error { return tx.PutSetting(db.SettingMode, "x") })
		},
	}
	for name, ask := range ways {
		if err := ask(); err != nil {
			t.Fatalf("%s before: %v", name, err)
		}
	}
	wire.cut(true)
	for name, ask := range ways {
		err := ask()
		if models.KindOf(err) != models.KindUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	wire.cut(false)
	for name, ask := range ways {
		if err := ask(); err != nil {
			t.Errorf("%s afterwards: %v", name, err)
		}
	}
}

// TestPostgresIsSilent is a database, or a network, that takes a question and never answers: every
// read gives up by itself, whatever words it is in.
func TestPostgresIsSilent(t *testing.T) {
	t.Parallel()
	dsn, err := url.Parse(dbtest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	own := dbtest.NewWorld(t, open(t, dsn.String()))
	for name, ask := range map[string]func(context.Context, *db.Store) error{
		"Account": func(ctx context.Context, s *db.Store) error { _, err := s.Account(ctx, own.Account.ID); return err },
		"CountLive": func(ctx context.Context, s *db.Store) error {
			_, err := s.CountLive(ctx, own.Account.ID, dbtest.Now)
			return err
		},
		"NextDue": func(ctx context.Context, s *db.Store) error { _, err := s.NextDue(ctx); return err },
		"Ping":    func(ctx context.Context, s *db.Store) error { return s.Ping(ctx) },
		"UsedSeconds": func(ctx context.Context, s *db.Store) error {
			_, err := s.UsedSeconds(ctx, own.Account.ID, 0, 1, dbtest.Now)
			return err
		},
		"WaitingWebhooks": func(ctx context.Context, s *db.Store) error { _, err := s.WaitingWebhooks(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire, through := newWire(t, dsn.Host), *dsn
			through.Host = wire.address
			store, err := db.Open(t.Context(), through.String(), db.Options{}.ReadingWithin(100*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			ctx, free := context.WithCancel(t.Context()) // who does not give up is freed at the end
			answered := make(chan error, 1)
			wire.silent.Store(true)
			// On the connection that opening has left: making a new one has a bound of its own.
			go func() { answered <- ask(ctx, store) }()
			select {
			case err := <-answered:
				if err == nil || name != "Ping" && models.KindOf(err) != models.KindUnavailable {
					t.Error(err)
				}
			case <-time.After(time.Minute):
				t.Error("it waits for ever")
			}
			free()
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A wire forwards connections until it is cut.
type wire struct {
	address string
	// silent: it takes everything and forwards nothing.
	silent atomic.Bool
	// cutOnReply: it is cut as soon as the target says something.
	cutOnReply atomic.Bool
	// cutOnCommitted lets the client have the next answer to a COMMIT, and nothing behind it.
	cutOnCommitted atomic.Bool
	// asked counts the questions that were sent, however many statements each is.
	asked atomic.Int64
	mu    sync.Mutex
	down  bool
	conns []net.Conn
	all   sync.WaitGroup
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: l.Addr().String()}
	w.all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			if out := w.connect(in, target); out != nil {
				w.all.Go(func() { _, _ = io.Copy(gate{w, out, &asking{wire: w}}, in); _ = out.Close() })
				w.all.Go(func() { _, _ = io.Copy(gate{w, in, replying{w}}, out); _ = in.Close() })
			}
		}
	})
	t.Cleanup(func() { _ = l.Close(); w.cut(true); w.all.Wait() })
	return w
}

// A gate is one end of a connection, as the other end reaches it.
type gate struct {
	wire *wire
	to   io.Writer
	seen io.Writer
}

func (g gate) Write(p []byte) (int, error) {
	if g.wire.silent.Load() {
		return len(p), nil
	}
	if _, err := g.seen.Write(p); err != nil {
		return 0, err
	}
	committed := []byte("COMMIT\x00")
	if at := bytes.Index(p, committed); at >= 0 && g.wire.cutOnCommitted.CompareAndSwap(true, false) {
		_, err := g.to.Write(p[:at+len(committed)])
		g.wire.cut(false)
		return 0, errors.Join(err, net.ErrClosed)
	}
	return g.to.Write(p)
}

// asking reads PostgreSQL's messages: first a start without a type, then a byte of type, a length that
// counts itself, and so much. One with an S ends a question, one with a Q is one, but for those with
// which the driver tries a connection that has rested.
type asking struct {
	wire    *wire
	started bool
	rest    []byte
}

func (a *asking) Write(p []byte) (int, error) {
	for a.rest = append(a.rest, p...); ; {
		head := 1
		if !a.started {
			head = 0
		}
		if len(a.rest) < head+4 {
			return len(p), nil
		}
		length := head + int(binary.BigEndian.Uint32(a.rest[head:]))
		if len(a.rest) < length {
			return len(p), nil
		}
		if a.started && (a.rest[0] == 'S' || a.rest[0] == 'Q' && !bytes.HasPrefix(a.rest[head+4:], []byte("-- ping"))) {
			a.wire.asked.Add(1)
		}
		a.started, a.rest = true, a.rest[length:]
	}
}

type replying struct{ wire *wire }

func (r replying) Write(p []byte) (int, error) {
	if r.wire.cutOnReply.CompareAndSwap(true, false) {
		r.wire.cut(false)
		return 0, net.ErrClosed
	}
	return len(p), nil
}

func (w *wire) connect(in net.Conn, target string) net.Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	out, err := net.Dial("tcp", target)
	if err != nil || w.down {
		_ = in.Close()
		return nil
	}
	w.conns = append(w.conns, in, out)
	return out
}

func (w *wire) cut(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}
