package stream

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"greenroom/auth"
	"greenroom/avatarserver"
	"greenroom/avatarserver/sandbox"
	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/events"
	"greenroom/models"
	"greenroom/session"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// GORM's statement cache starts one goroutine for each database and never ends it.
		goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}

// patience bounds what a test waits for; no test depends on how soon it comes.
const patience = time.Minute

// A world is streams with everything real around them: sessions in a database file, an emulated
// Daily over HTTP, avatar servers and clients over sockets.
type world struct {
	t *testing.T
	// ahead is how much the test has set the clock forward, in milliseconds.
	ahead    atomic.Int64
	store    *db.Store
	hub      *events.Hub
	registry *avatarserver.Registry
	sessions *session.Service
	account  *models.Account
	avatar   *models.Avatar
	streams  *Server
	http     *http.Client
	// url is where streams are; avatars, where avatar servers dial in.
	url, avatars string
	log          lockedBuffer
}

// setup makes a world. Changes of the configuration come before anything listens.
func setup(t *testing.T, changes ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, http: &http.Client{Transport: &http.Transport{}}}
	log := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.openStore()
	w.runSessions()
	authenticator, err := auth.NewAuthenticator(auth.Lookup{
		APIKey: w.store.APIKeyByPrefix, AvatarServerKey: w.store.AvatarServerKeyByPrefix,
		Session: w.store.SessionByToken, Used: func(string, models.Time) {},
	}, w.clock, w.account.ID)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Sessions: w.sessions, Keep: authenticator.Keep, Clock: w.clock, Log: log,
		Admit:   auth.NewGate(authenticator, auth.Failures{PerSecond: 0, Burst: 3}).Admit,
		Origins: []string{"https://app.example.com"},
	}
	for _, change := range changes {
		change(&cfg)
	}
	w.streams = New(cfg)
	mux := http.NewServeMux()
	mux.Handle("GET "+Path, w.streams)
	front := httptest.NewUnstartedServer(mux)
	front.Listener = narrow{front.Listener}
	front.Start()
	w.url = front.URL
	t.Cleanup(func() {
		w.http.CloseIdleConnections()
		w.stop(w.streams.Shutdown)
		front.Close()
	})
	return w
}

// narrow gives sockets small buffers, so that a client that does not read is noticed soon.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(4 << 10)
	}
	return c, err
}

func (w *world) openStore() {
	w.t.Helper()
	var err error
	if w.hub, err = events.Open(events.Config{Environment: "test", Log: slog.New(slog.DiscardHandler)}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(w.hub.Close)
	w.store, err = db.Open(context.Background(), "sqlite:"+filepath.Join(w.t.TempDir(), "x.db"), db.Options{Committed: w.hub.Publish})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := w.store.Close(); err != nil {
			w.t.Error(err)
		}
	})
	own := dbtest.NewWorld(w.t, w.store)
	w.account, w.avatar = own.Account, own.Avatar
}

func (w *world) runSessions() {
	w.t.Helper()
	unlimited := daily.Rate{Count: -1}
	rooms := emulator.New(emulator.Config{Key: "dev", Clock: w.clock, Limits: emulator.Limits{Calls: unlimited, Deletes: unlimited}})
	roomServer := httptest.NewServer(rooms)
	w.t.Cleanup(func() { roomServer.Close(); _ = rooms.Close() })
	client, err := daily.New(daily.Config{URL: roomServer.URL + "/v1", Key: "dev", Log: slog.New(slog.DiscardHandler), Calls: unlimited, Deletes: unlimited})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	w.registry = avatarserver.NewRegistry(avatarserver.Config{Authenticate: func(context.Context, string) error { return nil }})
	door := httptest.NewServer(w.registry)
	w.t.Cleanup(door.Close)
	w.avatars = door.URL
	public, _ := url.Parse("https://greenroom.example")
	w.sessions = session.New(session.Config{
		Store: w.store, Daily: client, AvatarServers: w.registry, Hub: w.hub, DailyKey: "dev",
		Signer: auth.NewSigner([]byte("0123456789abcdef0123456789abcdef")),
		Plans:  models.Plans{"pro": models.Plan{Key: "pro"}}, Clock: w.clock, Log: slog.New(slog.DiscardHandler),
		RoomPrefix: "test", PublicURL: public,
		Timings: session.Timings{
			CreateWithin: patience, StartWithin: patience, GiveUpAfter: patience,
			StartWindow: 10 * time.Minute, LostGrace: 30 * time.Minute, Sweep: 20 * time.Millisecond,
		},
	})
	w.registry.SetSessions(w.sessions)
	if err := w.sessions.Run(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		w.stop(w.registry.Shutdown)
		w.stop(w.sessions.Shutdown)
	})
}

func (w *world) stop(shutdown func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := shutdown(ctx); err != nil {
		w.t.Error(err)
	}
}

func (w *world) clock() models.Time   { return models.SystemClock() + models.Time(w.ahead.Load()) }
func (w *world) pass(d time.Duration) { w.ahead.Add(d.Milliseconds()) }

// key is a back end's context.
func (w *world) key() context.Context {
	return auth.WithCaller(context.Background(), &auth.Caller{Kind: auth.APIKey, AccountID: w.account.ID})
}

// A pair is a session and its token.
type pair struct{ id, token string }

func (w *world) create(change func(*session.CreateInput)) pair {
	w.t.Helper()
	in := session.CreateInput{AvatarID: w.avatar.ID}
	if change != nil {
		change(&in)
	}
	made, err := w.sessions.Create(w.key(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return pair{made.Session.ID, *made.AccessToken}
}

// started is a session whose avatar is the built-in one.
func (w *world) started() pair {
	w.t.Helper()
	w.sandbox()
	of := w.create(nil)
	w.start(of)
	return of
}

func (w *world) start(of pair) {
	w.t.Helper()
	if _, err := w.sessions.Start(w.key(), of.id); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) end(of pair) {
	w.t.Helper()
	if _, err := w.sessions.End(w.key(), of.id); err != nil {
		w.t.Fatal(err)
	}
}

// sandbox dials in the built-in avatar server until the test or the returned function ends it.
func (w *world) sandbox() (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := sandbox.Run(ctx, sandbox.Config{URL: w.avatars, Key: "k", Instance: "box", Capacity: 100, HTTPClient: w.http}); err != nil {
			w.t.Errorf("avatar server: %v", err)
		}
	})
	stop = func() { cancel(); done.Wait() }
	w.t.Cleanup(stop)
	w.eventually("the avatar server has dialled in", func() bool { return len(w.registry.Servers()) > 0 })
	return stop
}

func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	for !is() {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			w.t.Fatalf("never: %s", what)
		}
	}
}

// timeline is what happened to a session, without what came before its start.
func (w *world) timeline(of pair) string {
	w.t.Helper()
	events, err := w.store.SessionEvents(context.Background(), models.Scope{AccountID: w.account.ID}, []string{of.id}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var types []string
	for _, e := range events[of.id] {
		types = append(types, string(e.Type))
	}
	_, after, _ := strings.Cut(strings.Join(types, " "), "STARTED ")
	return after
}

// A lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
