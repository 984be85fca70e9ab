package db_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

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

// A wire forwards connections until it is cut.
type wire struct {
	address string
	mu      sync.Mutex
	down    bool
	conns   []net.Conn
	all     sync.WaitGroup
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
				w.all.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
				w.all.Go(func() { _, _ = io.Copy(in, out); _ = in.Close() })
			}
		}
	})
	t.Cleanup(func() { _ = l.Close(); w.cut(true); w.all.Wait() })
	return w
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
