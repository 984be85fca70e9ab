package daily_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The canaries: nothing that is logged or said may hold them.
const (
	key      = "canary-key-0123456789"
	domainID = "30f866c3-9123-452a-8723-ff58322d09c5"
)

// A world is a client and the emulator that it talks HTTP with, in a bubble of its own time:
// waits cost nothing and can be measured exactly.
type world struct {
	*testing.T
	emulator *emulator.Emulator
	client   *daily.Client
	logs     *syncBuffer
	// observed counts what Config.Observe was told, by call and status.
	observed map[observation]int
	mu       sync.Mutex
}

type observation struct {
	call   string
	status int
}

type options struct {
	emulator emulator.Config
	client   daily.Config
}

// inWorld runs a test in a bubble. Rates are lifted on both sides unless options say otherwise.
func inWorld(t *testing.T, test func(*world), change ...func(*options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		none := daily.Rate{Count: -1}
		o := options{
			emulator: emulator.Config{Key: key, DomainName: "acme", DomainID: domainID, Limits: emulator.Limits{Calls: none, Deletes: none, Starts: none}},
			client:   daily.Config{URL: "http://daily.test/v1", Key: key, Calls: none, Deletes: none},
		}
		for _, c := range change {
			c(&o)
		}
		w := &world{T: t, logs: &syncBuffer{}, observed: map[observation]int{}}
		o.client.Log = slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.client.Observe = func(call string, status int, _ time.Duration) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.observed[observation{call, status}]++
		}
		w.emulator = emulator.New(o.emulator)
		client, err := daily.New(o.client)
		if err != nil {
			t.Fatal(err)
		}
		w.client = client
		stop := serve(w.client, w.emulator)
		defer func() {
			_ = w.emulator.Close()
			w.client.Close()
			stop()
		}()
		test(w)
	})
}

// serve answers the client's calls by handler, over HTTP on an in-memory network.
func serve(client *daily.Client, handler http.Handler) (stop func()) {
	network := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	client.DialWith(network.dial)
	server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(network)
	}()
	return func() {
		_ = server.Close()
		<-done
	}
}

// pipes is a net.Listener whose connections are net.Pipe's.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.closed) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// spec is a room that closes in an hour.
func spec(name string) daily.RoomSpec {
	return daily.RoomSpec{Name: name, Exp: models.SystemClock().Add(time.Hour)}
}

func (w *world) create(name string) daily.Room {
	w.Helper()
	room, err := w.client.CreateRoom(w.Context(), spec(name))
	if err != nil {
		w.Fatal(err)
	}
	return room
}

// count counts the emulator's log entries that fit.
func (w *world) count(fits func(emulator.Entry) bool) int {
	n := 0
	for _, e := range w.emulator.Log() {
		if fits(e) {
			n++
		}
	}
	return n
}

func (w *world) calls(method string) int {
	return w.count(func(e emulator.Entry) bool { return e.Method == method })
}

func (w *world) made() int {
	return w.count(func(e emulator.Entry) bool { return e.Event == "room created" })
}

// theOne checks that exactly one room was ever made, and that it is this one.
func (w *world) theOne(room daily.Room) {
	w.Helper()
	rooms := w.emulator.Rooms()
	if len(rooms) != 1 || w.made() != 1 || rooms[0].ID != room.ID {
		w.Errorf("the emulator has %+v, want only %s", rooms, room.ID)
	}
}

// failure checks kind and permanence of an error, and gives the typed one.
func (w *world) failure(err error, permanent bool) daily.Error {
	w.Helper()
	failed, ok := errors.AsType[*daily.Error](err)
	if !ok || models.KindOf(err) != models.KindUnavailable || failed.Permanent() != permanent {
		w.Fatalf("got %v, want UNAVAILABLE with a daily.Error, permanent %v", err, permanent)
	}
	return *failed
}

// elapse lets time pass, which in a bubble costs none.
func elapse(d time.Duration) { <-time.After(d) }
