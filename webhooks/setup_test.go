package webhooks

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// GORM's statement cache starts one goroutine for each database and never ends it.
		goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}

// epoch is the instant at which every test's clock stands at first.
const epoch = dbtest.Now

// patience bounds what a test waits for; no test depends on how soon it comes.
const patience = time.Minute

const masterSecret = "the-installations-own-secret-0123456789"

var local = netip.MustParsePrefix("127.0.0.1/32")

// A world is a service on a real database, with a clock that is the test's.
type world struct {
	t       *testing.T
	now     atomic.Int64
	dsn     string
	store   *db.Store
	service *Service
	own     *dbtest.World
	cfg     Config
	log     *logbook
}

// setup makes a service that does nothing by itself: see deliver. Receivers on 127.0.0.1 are
// allowed, and their certificates believed.
func setup(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, dsn: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), log: &logbook{}}
	w.now.Store(int64(epoch))
	w.cfg = Config{
		Secret: []byte(masterSecret), Clock: w.clock, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Allow: []netip.Prefix{local}, RootCAs: believed(t),
	}
	for _, c := range change {
		c(&w.cfg)
	}
	w.boot()
	t.Cleanup(w.shutDown)
	w.own = dbtest.NewWorld(t, w.store)
	return w
}

// boot opens the database and makes a service on it, as after a restart.
func (w *world) boot() {
	w.t.Helper()
	var err error
	if w.store, err = db.Open(context.Background(), w.dsn, db.Options{}); err != nil {
		w.t.Fatal(err)
	}
	w.service = w.another()
}

// another is one more service on the same database.
func (w *world) another() *Service {
	w.t.Helper()
	cfg := w.cfg
	cfg.Store = w.store
	s, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	s.chance = func() float64 { return 0.5 } // no jitter
	return s
}

func (w *world) shutDown() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.service.Shutdown(ctx); err != nil {
		w.t.Error(err)
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) clock() models.Time   { return models.Time(w.now.Load()) }
func (w *world) pass(d time.Duration) { w.now.Add(d.Milliseconds()) }

// key is the context of whoever holds an API key of the account.
func (w *world) key() context.Context { return keyOf(w.own.Account.ID) }

func keyOf(accountID string) context.Context {
	return auth.WithCaller(context.Background(), &auth.Caller{Kind: auth.APIKey, AccountID: accountID})
}

// deliver makes every try that is due, and waits for its outcome.
func (w *world) deliver() {
	w.t.Helper()
	for {
		rest, err := w.service.round(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		w.service.background.Wait()
		if waiting, err := w.store.WaitingWebhooks(context.Background()); err != nil {
			w.t.Fatal(err)
		} else if rest > 0 && (len(waiting) == 0 || waiting[0].Due > w.clock()) {
			return
		}
	}
}

// endpoint makes an endpoint for all types.
func (w *world) endpoint(url string) (*models.WebhookEndpoint, string) {
	w.t.Helper()
	e, secret, err := w.service.CreateEndpoint(w.key(), url, []models.WebhookEventType{
		models.WebhookSessionCreated, models.WebhookSessionStarted, models.WebhookSessionExpiring, models.WebhookSessionEnded,
	}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return e, secret
}

func (w *world) sendTest(to *models.WebhookEndpoint) *models.WebhookDelivery {
	w.t.Helper()
	d, err := w.service.SendTest(w.key(), to.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) read(d *models.WebhookDelivery) *models.WebhookDelivery {
	w.t.Helper()
	got, err := w.service.Delivery(w.key(), d.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *world) readEndpoint(e *models.WebhookEndpoint) *models.WebhookEndpoint {
	w.t.Helper()
	got, err := w.service.Endpoint(w.key(), e.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// last is the newest try of a delivery, as text.
func (w *world) last(d *models.WebhookDelivery) string {
	w.t.Helper()
	got := w.read(d)
	if len(got.Attempts) == 0 {
		return string(got.State)
	}
	a := got.Attempts[len(got.Attempts)-1]
	text, err := json.Marshal(struct {
		State  models.WebhookDeliveryState
		Status *int
		Error  *string
	}{got.State, a.HTTPStatus, a.Error})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	for deadline := time.After(patience); !is(); {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			w.t.Fatalf("never: %s", what)
		}
	}
}

// A call is what a receiver was sent.
type call struct {
	header http.Header
	body   []byte
}

func (c call) id() string { return c.header.Get("Webhook-Id") }

// A receiver is somebody's server: it notes what it is sent, and answers as it likes.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	calls []call
}

// receive starts a receiver with TLS; a nil answer is 204.
func receive(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(r.handler(answer))
	r.start(t, true)
	return r
}

func (r *receiver) handler(answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.calls = append(r.calls, call{req.Header.Clone(), body})
		r.mu.Unlock()
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, req)
	})
}

func (r *receiver) start(t *testing.T, secure bool) {
	t.Helper()
	r.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if secure {
		r.StartTLS()
	} else {
		r.Start()
	}
	t.Cleanup(r.Close)
}

func (r *receiver) got() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.calls...)
}

// answers a status.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// believed is the pool with the certificate that all of httptest's servers have.
func believed(t *testing.T) *x509.CertPool {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

// names is a resolver whose only server is the test's: it answers every name with the address that
// is given at that moment, over a real socket.
func names(t *testing.T, address func() netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	t.Cleanup(func() { _ = conn.Close(); done.Wait() })
	done.Go(func() {
		query := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(resolve(query[:n], address()), from)
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// resolve answers a DNS query (RFC 1035) for an A record; for any other there is none.
func resolve(query []byte, ip netip.Addr) []byte {
	end := 12 + bytes.IndexByte(query[12:], 0) + 1 // of the name
	answer := append([]byte(nil), query[:end+4]...)
	answer[2], answer[3] = 0x81, 0x80            // a response, recursion available
	copy(answer[6:12], []byte{0, 0, 0, 0, 0, 0}) // no answers, authorities, additions
	if query[end] == 0 && query[end+1] == 1 {    // type A
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4) // the name above, IN A, TTL 0
		answer = append(answer, ip.AsSlice()...)
	}
	return answer
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
