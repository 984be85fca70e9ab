package session

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
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
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// GORM's statement cache starts one goroutine for each database and never ends it.
		goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}

// epoch is the instant at which every test's clock stands at first.
const epoch models.Time = 1_790_000_000_000

// patience bounds what a test waits for; no test depends on how soon it comes.
const patience = time.Minute

// A world is a service with everything real around it: a database file, an emulated Daily over
// HTTP, avatar servers over sockets. Only its clock is the test's.
type world struct {
	t        *testing.T
	now      atomic.Int64
	uptime   atomic.Int64
	store    *db.Store
	hub      *events.Hub
	dsn      string
	emulator *emulator.Emulator
	dailyURL string
	// between may stand in for Daily; the emulator is what it may ask.
	between  func(emulator http.Handler) http.Handler
	registry *avatarserver.Registry
	avatars  string // where avatar servers dial in
	service  *Service
	account  *models.Account
	avatar   *models.Avatar
	timings  Timings
	plan     models.Plan
	// deletes is Daily's limit, which the client keeps to; none as a rule.
	deletes daily.Rate
	// log is the service's, none as a rule; orphans counts what it deletes without a session.
	log     *slog.Logger
	orphans atomic.Int64
}

type option func(*world)

func withPlan(p models.Plan) option { return func(w *world) { w.plan = p } }
func withTimings(change func(*Timings)) option {
	return func(w *world) { change(&w.timings) }
}
func onPostgres(w *world) { w.dsn = dbtest.Postgres(w.t) }

func setup(t *testing.T, options ...option) *world {
	t.Helper()
	w := &world{
		t: t, log: slog.New(slog.DiscardHandler), dsn: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), plan: models.Plan{Key: "pro"},
		timings: Timings{
			CreateWithin: patience, StartWithin: patience, GiveUpAfter: patience,
			StartWindow: 10 * time.Minute, LostGrace: 30 * time.Second, EmptyGrace: time.Minute, Sweep: 20 * time.Millisecond,
		},
	}
	for _, o := range options {
		o(w)
	}
	if w.deletes.Count == 0 {
		w.deletes.Count = -1
	}
	w.now.Store(int64(epoch))
	w.emulator = emulator.New(emulator.Config{
		Key: "dev", Clock: w.clock,
		Limits: emulator.Limits{Calls: daily.Rate{Count: -1}, Deletes: w.deletes},
	})
	var reached http.Handler = w.emulator
	if w.between != nil {
		reached = w.between(w.emulator)
	}
	server := httptest.NewServer(reached)
	w.dailyURL = server.URL + "/v1"
	t.Cleanup(func() { server.Close(); _ = w.emulator.Close() })
	w.boot()
	t.Cleanup(w.shutDown)
	return w
}

// boot opens the database and runs a service on it, as after a restart.
func (w *world) boot() {
	w.t.Helper()
	var err error
	w.hub, err = events.Open(events.Config{Environment: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.store, err = db.Open(context.Background(), w.dsn, db.Options{Committed: w.hub.Publish}); err != nil {
		w.t.Fatal(err)
	}
	client, err := daily.New(daily.Config{
		URL: w.dailyURL, Key: "dev", Log: slog.New(slog.DiscardHandler),
		Calls: daily.Rate{Count: -1}, Deletes: w.deletes,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	w.registry = avatarserver.NewRegistry(avatarserver.Config{
		Authenticate: func(context.Context, string) error { return nil },
	})
	dialIn := httptest.NewServer(w.registry)
	w.t.Cleanup(dialIn.Close)
	w.avatars = dialIn.URL
	public, _ := url.Parse("https://greenroom.example")
	w.service = New(Config{
		Store: w.store, Daily: client, AvatarServers: w.registry, Hub: w.hub, DailyKey: "dev",
		Signer: auth.NewSigner([]byte("0123456789abcdef0123456789abcdef")),
		Plans:  models.Plans{"pro": w.plan}, Clock: w.clock, Uptime: func() time.Duration { return time.Duration(w.uptime.Load()) }, Log: w.log,
		Timings: w.timings, RoomPrefix: "test", PublicURL: public,
		ObserveOrphan: func() { w.orphans.Add(1) },
	})
	w.registry.SetSessions(w.service)
	if w.account == nil {
		own := dbtest.NewWorld(w.t, w.store)
		w.account, w.avatar = own.Account, own.Avatar
	}
	if err := w.service.Run(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) shutDown() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.registry.Shutdown(ctx); err != nil {
		w.t.Error(err)
	}
	if err := w.service.Shutdown(ctx); err != nil {
		w.t.Error(err)
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
	w.hub.Close()
}

func (w *world) clock() models.Time   { return models.Time(w.now.Load()) }
func (w *world) key() context.Context { return auth.WithCaller(context.Background(), callerOf(w)) }

// pass lets time go by, and jump sets the clock.
func (w *world) pass(d time.Duration) { w.uptime.Add(int64(d)); w.jump(d) }
func (w *world) jump(d time.Duration) { w.now.Add(d.Milliseconds()) }

// callerOf is whoever holds an API key of the world's account.
func callerOf(w *world) *auth.Caller {
	return &auth.Caller{Kind: auth.APIKey, AccountID: w.account.ID}
}

func (w *world) token(s *models.Session) context.Context {
	return auth.WithCaller(context.Background(), &auth.Caller{
		Kind: auth.AccessToken, AccountID: s.AccountID, SessionID: s.ID, AvatarID: s.AvatarID,
	})
}

// avatarServer dials in a built-in avatar server until the test or the returned function ends it.
func (w *world) avatarServer(change func(*sandbox.Config)) (stop func()) {
	w.t.Helper()
	cfg := sandbox.Config{URL: w.avatars, Key: "k", Instance: "box", Capacity: 100}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := sandbox.Run(ctx, cfg); err != nil {
			w.t.Errorf("avatar server: %v", err)
		}
	})
	stop = func() { cancel(); done.Wait() }
	w.t.Cleanup(stop)
	w.eventually("the avatar server has dialled in", func() bool {
		for _, s := range w.registry.Servers() {
			if s.Instance == cfg.Instance && s.Connected {
				return true
			}
		}
		return false
	})
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

func (w *world) create(change func(*CreateInput)) *Created {
	w.t.Helper()
	in := CreateInput{AvatarID: w.avatar.ID}
	if change != nil {
		change(&in)
	}
	made, err := w.service.Create(w.key(), in)
	if err != nil {
		w.t.Fatalf("create: %v", err)
	}
	return made
}

func (w *world) start(s *models.Session) *Started {
	w.t.Helper()
	started, err := w.service.Start(w.key(), s.ID)
	if err != nil {
		w.t.Fatalf("start: %v", err)
	}
	return started
}

func (w *world) read(id string) *models.Session {
	w.t.Helper()
	s, err := w.service.Session(w.key(), id)
	if err != nil {
		w.t.Fatalf("read: %v", err)
	}
	return s
}

func (w *world) roomState(id string) models.RoomState { return w.read(id).Room.State }

// room is what Daily, not our tables, knows of a session's room.
func (w *world) room(s *models.Session) (found []emulator.RoomRecord) {
	for _, r := range w.emulator.Rooms() {
		if r.Name == s.Room.Name {
			found = append(found, r)
		}
	}
	return found
}

func (w *world) eventTypes(s *models.Session) []models.EventType {
	w.t.Helper()
	events, err := w.store.SessionEvents(context.Background(), models.Scope{AccountID: s.AccountID}, []string{s.ID}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var types []models.EventType
	for _, e := range events[s.ID] {
		types = append(types, e.Type)
	}
	return types
}

func ptr[T any](v T) *T { return &v }

// A tenant is another account of the same installation.
type tenant struct {
	ctx    context.Context
	avatar *models.Avatar
}

func (w *world) otherAccount() tenant {
	w.t.Helper()
	other := dbtest.NewWorld(w.t, w.store)
	return tenant{
		ctx:    auth.WithCaller(context.Background(), &auth.Caller{Kind: auth.APIKey, AccountID: other.Account.ID}),
		avatar: other.Avatar,
	}
}
