package avatarserver_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"greenroom/avatarserver"
	"greenroom/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "gr_avsrv_test"

// patience bounds waits that only end early when all is well.
const patience = 20 * time.Second

// A ledger is the sessions' side of the registry: it remembers the news, and answers as told.
type ledger struct {
	mu       sync.Mutex
	carried  []avatarserver.Ref
	asked    [][]avatarserver.Ref
	refuse   error
	hesitate chan struct{}
	news     chan string
}

func (l *ledger) Carried(_ context.Context, _ string, have []avatarserver.Ref) ([]avatarserver.Ref, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, have)
	if l.refuse != nil {
		return nil, l.refuse
	}
	return l.carried, nil
}

func (l *ledger) Ready(ctx context.Context, server string, ref avatarserver.Ref) error {
	l.note("asked", server, ref)
	l.mu.Lock()
	hesitate, refuse := l.hesitate, l.refuse
	l.mu.Unlock()
	if hesitate != nil {
		select {
		case <-hesitate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if refuse == nil {
		l.note("ready", server, ref)
	}
	return refuse
}

func (l *ledger) Lost(_ context.Context, server string, ref avatarserver.Ref) {
	l.note("lost", server, ref)
}

func (l *ledger) note(what, server string, ref avatarserver.Ref) {
	l.news <- strings.Join([]string{what, server, ref.SessionID, string(rune('0' + ref.Generation))}, " ")
}

// next is the next news; wanted must be it. The question before a ready is passed over.
func (l *ledger) expect(t *testing.T, wanted string) {
	t.Helper()
	for {
		select {
		case got := <-l.news:
			if got == wanted {
				return
			}
			if !strings.HasPrefix(got, "asked") {
				t.Fatalf("news %q, want %q", got, wanted)
			}
		case <-time.After(patience):
			t.Fatalf("no news, want %q", wanted)
		}
	}
}

// quiet fails when there is news besides readies.
func (l *ledger) quiet(t *testing.T) {
	t.Helper()
	for {
		select {
		case got := <-l.news:
			if strings.HasPrefix(got, "lost") {
				t.Fatalf("unexpected news %q", got)
			}
		default:
			return
		}
	}
}

type harness struct {
	*avatarserver.Registry
	ledger *ledger
	url    string
	client *http.Client
	// revoked makes the key bad.
	mu      sync.Mutex
	authErr error
}

func (h *harness) authenticate(_ context.Context, secret string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.authErr != nil {
		return h.authErr
	}
	if secret != key {
		return models.ErrUnauthenticated
	}
	return nil
}

func (h *harness) setAuth(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.authErr = err
}

// setup serves a registry on a real socket.
func setup(t *testing.T, change ...func(*avatarserver.Config)) *harness {
	t.Helper()
	h := newHarness(t, change...)
	web := httptest.NewServer(h)
	h.url, h.client = web.URL+avatarserver.Path, web.Client()
	t.Cleanup(func() {
		h.stop(t)
		web.Close()
	})
	return h
}

func newHarness(t *testing.T, change ...func(*avatarserver.Config)) *harness {
	t.Helper()
	h := &harness{ledger: &ledger{news: make(chan string, 1000)}}
	cfg := avatarserver.Config{Sessions: h.ledger, Authenticate: h.authenticate, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, c := range change {
		c(&cfg)
	}
	h.Registry = avatarserver.NewRegistry(cfg)
	return h
}

func (h *harness) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		t.Errorf("shut down: %v", err)
	}
}

// A peer is an avatar server played by hand.
type peer struct {
	t  *testing.T
	ws *websocket.Conn
}

func (h *harness) connect(t *testing.T) *peer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, h.url, &websocket.DialOptions{ //nolint:bodyclose // Dial closes it
		HTTPClient: h.client,
		HTTPHeader: http.Header{"Authorization": {"Bearer " + key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(avatarserver.MaxControl)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &peer{t, ws}
}

// hello dials in and returns when it has been welcomed.
func (h *harness) hello(t *testing.T, instance string, capacity int, sessions ...avatarserver.Ref) (*peer, avatarserver.Welcome) {
	t.Helper()
	p := h.connect(t)
	p.send(hello(instance, capacity, sessions...))
	return p, expect[avatarserver.Welcome](p)
}

func hello(instance string, capacity int, sessions ...avatarserver.Ref) avatarserver.Hello {
	return avatarserver.Hello{
		Protocol: avatarserver.Protocol, Name: "GPU", Instance: instance, Capacity: capacity,
		Avatars: avatarserver.Avatars{All: true}, Sessions: sessions,
	}
}

func (p *peer) send(f avatarserver.Frame) {
	p.t.Helper()
	p.text(string(avatarserver.Encode(f)))
}

func (p *peer) text(s string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.ws.Write(ctx, websocket.MessageText, []byte(s)); err != nil {
		p.t.Fatalf("send %.80s: %v", s, err)
	}
}

// read is the next frame that is not a heartbeat: a Frame or a Chunk.
func (p *peer) read() (any, error) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		kind, data, err := p.ws.Read(ctx)
		cancel()
		if err != nil {
			return nil, err
		}
		if kind == websocket.MessageBinary {
			return avatarserver.DecodeChunk(data)
		}
		f, err := avatarserver.Decode(data)
		if _, beat := f.(avatarserver.Heartbeat); !beat {
			return f, err
		}
	}
}

func expect[F any](p *peer) F {
	p.t.Helper()
	f, err := p.read()
	if err != nil {
		p.t.Fatalf("waiting for a %T: %v", *new(F), err)
	}
	wanted, ok := f.(F)
	if !ok {
		p.t.Fatalf("got a %T %+v, want a %T", f, f, wanted)
	}
	return wanted
}

// closed reads until the connection is closed and gives the code.
func (p *peer) closed() websocket.StatusCode {
	p.t.Helper()
	for {
		if _, err := p.read(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// take waits for the assignment and says ready.
func (p *peer) take() avatarserver.Assign {
	p.t.Helper()
	a := expect[avatarserver.Assign](p)
	p.send(avatarserver.Ready{Address: a.Address})
	return a
}

type outcome struct {
	ref avatarserver.Ref
	err error
}

// dispatch starts a dispatch whose hand-overs are numbered from first.
func (h *harness) dispatch(ctx context.Context, session string, first int) (<-chan outcome, *[]string) {
	done, chosen := make(chan outcome, 1), new([]string)
	generation := first
	go func() {
		ref, err := h.Dispatch(ctx, session, "avat_1", func(_ context.Context, server string) (avatarserver.Assignment, error) {
			*chosen = append(*chosen, server)
			a := assignment(generation)
			generation++
			return a, nil
		})
		done <- outcome{ref, err}
	}()
	return done, chosen
}

func assignment(generation int) avatarserver.Assignment {
	return avatarserver.Assignment{
		Generation: generation,
		Avatar:     avatarserver.Avatar{ID: "avat_1", Name: "Ada", URL: "https://example.com/ada"},
		Room:       avatarserver.Room{URL: "https://x.daily.co/r", Name: "r", Token: "secret", UserID: "avatar-1"},
	}
}

// started dispatches a session to p and returns its ref.
func (h *harness) started(t *testing.T, p *peer, session string) avatarserver.Ref {
	t.Helper()
	done, _ := h.dispatch(t.Context(), session, 1)
	p.take()
	got := wait(t, done)
	if got.err != nil {
		t.Fatal(got.err)
	}
	return got.ref
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

// until polls for a condition that another goroutine brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		<-time.After(time.Millisecond)
	}
}

func (h *harness) connected(instance string) bool {
	return slices.ContainsFunc(h.Servers(), func(s avatarserver.ServerInfo) bool {
		return s.Instance == instance && s.Connected
	})
}

func isKind(err error, kind models.Kind) bool {
	return errors.Is(err, &models.Error{Kind: kind})
}
