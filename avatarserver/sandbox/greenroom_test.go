package sandbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"greenroom/avatarserver"
	"greenroom/avatarserver/sandbox"
	"greenroom/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key      = "gr_avsrv_test"
	patience = 20 * time.Second
)

type ref = avatarserver.Ref

// A ledger is the sessions' side: it keeps whatever avatar servers have.
type ledger struct {
	news chan string
}

func (l *ledger) Carried(_ context.Context, _ string, have []ref) ([]ref, error) {
	var keep []ref
	for _, r := range have {
		if !strings.HasPrefix(r.SessionID, "ended") {
			keep = append(keep, r)
		}
	}
	return keep, nil
}

func (l *ledger) Ready(_ context.Context, server string, r ref) error {
	l.news <- fmt.Sprint("ready ", server, " ", r.SessionID, " ", r.Generation)
	return nil
}

func (l *ledger) Lost(_ context.Context, server string, r ref) {
	l.news <- fmt.Sprint("lost ", server, " ", r.SessionID, " ", r.Generation)
}

func (l *ledger) expect(t *testing.T, want string) {
	t.Helper()
	if got := wait(t, l.news); got != want {
		t.Fatalf("news %q, want %q", got, want)
	}
}

// A greenroom is Greenroom's side on a real socket, which can be stopped and started again under
// the same address.
type greenroom struct {
	*avatarserver.Registry
	ledger *ledger
	addr   string
	web    *httptest.Server
}

func setup(t *testing.T) *greenroom {
	t.Helper()
	g := &greenroom{ledger: &ledger{news: make(chan string, 1000)}, addr: "127.0.0.1:0"}
	g.start(t)
	t.Cleanup(func() { g.stop(t) })
	return g
}

func (g *greenroom) start(t *testing.T) {
	t.Helper()
	g.Registry = avatarserver.NewRegistry(avatarserver.Config{
		Sessions: g.ledger,
		Authenticate: func(_ context.Context, secret string) error {
			if secret != key {
				return models.ErrUnauthenticated
			}
			return nil
		},
	})
	l, err := net.Listen("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	g.addr = l.Addr().String()
	g.web = httptest.NewUnstartedServer(g.Registry)
	_ = g.web.Listener.Close()
	g.web.Listener = l
	g.web.Start()
}

func (g *greenroom) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := g.Shutdown(ctx); err != nil {
		t.Errorf("shut down: %v", err)
	}
	g.web.Close()
}

// run starts a sandbox; stop ends it and gives what Run returned.
func (g *greenroom) run(t *testing.T, change func(*sandbox.Config)) (stop func() error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	cfg := sandbox.Config{URL: "http://" + g.addr, Key: key, Instance: "box", Capacity: 2, HTTPClient: client,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sandbox.Run(ctx, cfg) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return wait(t, done)
	})
	t.Cleanup(func() {
		_ = stop()
		client.CloseIdleConnections()
	})
	return stop
}

func (g *greenroom) connected() bool {
	s := g.Servers()
	return len(s) == 1 && s[0].Connected
}

func (g *greenroom) started(t *testing.T, session string) ref {
	t.Helper()
	g.dialledIn(t)
	r, err := g.dispatch(t.Context(), session, 1)
	if err != nil {
		t.Fatal(err)
	}
	g.ledger.expect(t, fmt.Sprint("ready box ", session, " ", r.Generation))
	return r
}

func (g *greenroom) dispatch(ctx context.Context, session string, generation int) (ref, error) {
	return g.Dispatch(ctx, session, "avat_1", func(context.Context, string) (avatarserver.Assignment, error) {
		return avatarserver.Assignment{
			Generation: generation,
			Avatar:     avatarserver.Avatar{ID: "avat_1"},
			Room:       avatarserver.Room{Name: session},
		}, nil
	})
}

func wait[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func (g *greenroom) dialledIn(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); !g.connected(); {
		if time.Now().After(deadline) {
			t.Fatal("nobody dials in")
		}
		<-time.After(time.Millisecond)
	}
}

// A room book writes down who joins and leaves.
type roomBook struct {
	notes chan string
	fail  error
	// in receives the guests, when set.
	in chan *guest
}

func (b *roomBook) join(_ context.Context, _ avatarserver.Avatar, room avatarserver.Room) (sandbox.Participant, error) {
	if b.fail != nil {
		return nil, b.fail
	}
	b.notes <- "joined " + room.Name
	in := &guest{name: room.Name, book: b}
	if b.in != nil {
		b.in <- in
	}
	return in, nil
}

// A guest keeps what it is told to play and show.
type guest struct {
	name string
	book *roomBook

	mu   sync.Mutex
	pcm  []byte
	said []string
}

// Leave takes its time: whoever does not wait for it gets in between.
func (g *guest) Leave() {
	<-time.After(20 * time.Millisecond)
	g.book.notes <- "left " + g.name
}

func (g *guest) Play(pcm []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pcm = append(g.pcm, pcm...)
}

func (g *guest) Caption(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.said = append(g.said, text)
}

func (g *guest) Interrupt() { g.Caption("(interrupted)") }
