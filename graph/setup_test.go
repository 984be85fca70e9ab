package graph_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"greenroom/account"
	"greenroom/auth"
	"greenroom/avatarserver"
	"greenroom/avatarserver/sandbox"
	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/db"
	"greenroom/events"
	"greenroom/graph"
	"greenroom/models"
	"greenroom/session"
	"greenroom/webhooks"
)

func TestMain(m *testing.M) {
	// GORM's cache of statements has a goroutine that it never ends.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}

// epoch is the instant at which every test's clock stands at first.
const epoch models.Time = 1_790_000_000_000

// patience bounds what a test waits for; no test depends on how soon it comes.
const patience = time.Minute

// A world is the handler with everything real behind it.
type world struct {
	t        testing.TB
	now      atomic.Int64
	database string // a DSN; empty for a SQLite file
	store    *db.Store
	hub      *events.Hub
	emulator *emulator.Emulator
	registry *avatarserver.Registry
	avatars  string // where avatar servers dial in
	sessions *session.Service
	accounts *account.Service
	webhooks *webhooks.Service
	handler  http.Handler
	config   graph.Config // the handler's
	log      *logbook
	// mine and other are API keys' callers.
	mine, other *auth.Caller
	avatar      *models.Avatar
}

func setup(t *testing.T) *world {
	t.Helper()
	return setupOn(t, "")
}

// setupOn is setup with a database, SQLite's own when empty.
func setupOn(tb testing.TB, database string) *world {
	tb.Helper()
	w := &world{t: tb, log: &logbook{}, database: database}
	w.now.Store(int64(epoch))
	w.emulator = emulator.New(emulator.Config{
		Key: "dev", Clock: w.clock, Limits: emulator.Limits{Calls: daily.Rate{Count: -1}, Deletes: daily.Rate{Count: -1}},
	})
	server := httptest.NewServer(w.emulator)
	tb.Cleanup(func() { server.Close(); _ = w.emulator.Close() })
	client, err := daily.New(daily.Config{
		URL: server.URL + "/v1", Key: "dev", Calls: daily.Rate{Count: -1}, Deletes: daily.Rate{Count: -1}, Retries: -1,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	w.registry = avatarserver.NewRegistry(avatarserver.Config{
		Authenticate: func(context.Context, string) error { return nil },
		Log:          slog.New(slog.DiscardHandler),
	})
	dialIn := httptest.NewServer(w.registry)
	tb.Cleanup(dialIn.Close)
	w.avatars = dialIn.URL
	w.assemble(client)
	w.registry.SetSessions(w.sessions)
	if err := w.sessions.Run(context.Background()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(w.shutDown)
	return w
}

// assemble makes what needs no network: the store, the services and the handler.
func (w *world) assemble(client *daily.Client) {
	w.t.Helper()
	var err error
	w.hub, err = events.Open(events.Config{Environment: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.database == "" {
		w.database = "sqlite:" + filepath.Join(w.t.TempDir(), "x.db")
	}
	if w.store, err = db.Open(context.Background(), w.database, db.Options{Trace: count, Committed: w.hub.Publish}); err != nil {
		w.t.Fatal(err)
	}
	places, longest := 3, 3600
	plans := models.Plans{
		"pro":   {Key: "pro", Name: "Pro", MaxSessionDuration: &longest},
		"small": {Key: "small", Name: "Small", MaxConcurrentSessions: &places},
	}
	public, err := url.Parse("https://greenroom.example")
	if err != nil {
		w.t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(w.log, nil))
	w.sessions = session.New(session.Config{
		Store: w.store, Daily: client, AvatarServers: w.registry, Hub: w.hub, DailyKey: "dev",
		Signer: auth.NewSigner([]byte("0123456789abcdef0123456789abcdef")),
		Plans:  plans, Clock: w.clock, Log: slog.New(slog.DiscardHandler), RoomPrefix: "test", PublicURL: public,
		Timings: session.Timings{
			CreateWithin: patience, StartWithin: patience, GiveUpAfter: patience,
			StartWindow: 10 * time.Minute, LostGrace: patience, Sweep: 20 * time.Millisecond,
		},
	})
	w.accounts = account.New(w.store, w.hub, plans, w.clock, log)
	w.webhooks, err = webhooks.New(webhooks.Config{
		Store: w.store, Secret: []byte("0123456789abcdef0123456789abcdef"), Clock: w.clock, Log: log,
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.config = graph.Config{
		Sessions: w.sessions, Accounts: w.accounts, Webhooks: w.webhooks, Store: w.store, Clock: w.clock, Log: log,
		RequestID: func(context.Context) string { return "req-1" },
	}
	w.handler = graph.New(w.config)
	w.mine, w.other = w.signUp("pro"), w.signUp("small")
	w.avatar = w.newAvatar(w.mine, "Ada")
}

func (w *world) shutDown() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.registry.Shutdown(ctx); err != nil {
		w.t.Error(err)
	}
	if err := w.sessions.Shutdown(ctx); err != nil {
		w.t.Error(err)
	}
	if err := w.webhooks.Shutdown(ctx); err != nil {
		w.t.Error(err)
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
	w.hub.Close()
}

// rename takes tables away from under the server: nothing foresees that.
func (w *world) rename(tables ...string) {
	w.t.Helper()
	pool, err := sql.Open("sqlite3", "file:"+strings.TrimPrefix(w.database, "sqlite:"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	for _, table := range tables {
		if _, err := pool.ExecContext(w.t.Context(), "ALTER TABLE "+table+" RENAME TO gone_"+table); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) clock() models.Time { return models.Time(w.now.Load()) }

func (w *world) signUp(plan string) *auth.Caller {
	w.t.Helper()
	made, err := w.accounts.OperatorCreateAccount(context.Background(), "Somebody", plan)
	if err != nil {
		w.t.Fatal(err)
	}
	return &auth.Caller{Kind: auth.APIKey, AccountID: made.ID}
}

func (w *world) newAvatar(of *auth.Caller, name string) *models.Avatar {
	w.t.Helper()
	made, err := w.accounts.CreateAvatar(as(of), name, "https://pictures.example/a.png")
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func (w *world) newSession(of *auth.Caller, avatarID string) *models.Session {
	w.t.Helper()
	made, err := w.sessions.Create(as(of), session.CreateInput{AvatarID: avatarID})
	if err != nil {
		w.t.Fatal(err)
	}
	return made.Session
}

// avatarServer dials in a built-in avatar server until the test ends.
func (w *world) avatarServer() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := sandbox.Run(ctx, sandbox.Config{URL: w.avatars, Key: "k", Instance: "box", Capacity: 100}); err != nil {
			w.t.Errorf("avatar server: %v", err)
		}
	})
	w.t.Cleanup(func() { cancel(); done.Wait() })
	for deadline := time.Now().Add(patience); len(w.registry.Servers()) == 0; {
		if time.Now().After(deadline) {
			w.t.Fatal("the avatar server has not dialled in")
		}
		time.Sleep(time.Millisecond) //nolint:forbidigo // polling, with a deadline
	}
}

func as(caller *auth.Caller) context.Context {
	if caller == nil {
		return context.Background()
	}
	return auth.WithCaller(context.Background(), caller)
}

func tokenOf(s *models.Session) *auth.Caller {
	return &auth.Caller{Kind: auth.AccessToken, AccountID: s.AccountID, SessionID: s.ID, AvatarID: s.AvatarID}
}

// An answer is a response, decoded.
type answer struct {
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
	status int
	header http.Header
	body   string
}

type vars = map[string]any

// ask posts an operation and decodes the answer.
func (w *world) ask(caller *auth.Caller, query string, variables vars) *answer {
	w.t.Helper()
	return w.askIn(as(caller), query, variables)
}

func (w *world) askIn(ctx context.Context, query string, variables vars) *answer {
	w.t.Helper()
	body, err := json.Marshal(vars{"query": query, "variables": variables})
	if err != nil {
		w.t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	return w.serve(request)
}

func (w *world) serve(request *http.Request) *answer {
	w.t.Helper()
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, request)
	got := &answer{status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
	if got.body != "" {
		if err := json.Unmarshal([]byte(got.body), got); err != nil {
			w.t.Fatalf("answer %q: %v", got.body, err)
		}
	}
	return got
}

// must is ask without errors.
func (w *world) must(caller *auth.Caller, query string, variables vars) map[string]any {
	w.t.Helper()
	got := w.ask(caller, query, variables)
	if len(got.Errors) > 0 {
		w.t.Fatalf("%s\nanswered %s", query, got.body)
	}
	return got.Data
}

// code is the first error's code; empty without errors.
func (a *answer) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

// at walks into decoded JSON by keys and indexes.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

func is(v any, want bool) bool { return v == want }

func text(v any) string {
	s, _ := v.(string)
	return s
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// A logbook is a log to look into.
type logbook struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

type counterKey struct{}

// counting gives a context whose statements are counted.
func counting(ctx context.Context) (context.Context, *atomic.Int64) {
	n := &atomic.Int64{}
	return context.WithValue(ctx, counterKey{}, n), n
}

func count(ctx context.Context) {
	if n, ok := ctx.Value(counterKey{}).(*atomic.Int64); ok {
		n.Add(1)
	}
}
