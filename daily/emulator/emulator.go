// Package emulator is Daily's REST API in this process, in memory, for development and tests.
//
// It speaks the real API under /v1/, with Daily's own error bodies, limits and oddities as far
// as they are documented or were measured; what nobody knows is a field of Knobs. Under /rooms/
// each room has a page that joins it in a browser, in place of Daily's own. Under /_/ are things
// that Daily does not have: joining without a browser, a log of every call, the whole truth about
// the rooms, and faults to order.
package emulator

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"greenroom/daily"
	"greenroom/models"
)

// Config is one emulated domain. The zero Config works.
type Config struct {
	// Key is the domain's API key; empty is "dev".
	Key string `json:"-"`
	// DomainName and DomainID have fixed defaults, so that tokens outlive a restart.
	DomainName, DomainID string
	// Clock is what room and token times are compared with; nil is the machine's. Timers wait
	// in the time package's time and then look at the clock.
	Clock  models.Clock
	Limits Limits
	Knobs  Knobs
	// Log receives what the emulator does on its own, such as webhook deliveries; nil is none.
	Log *slog.Logger
	// RoomURL is where the page of a room is, /rooms/<name> as browsers reach it; nil is
	// https://<domain>.daily.co/<name>, where nothing of the emulator is.
	RoomURL func(name string) string
}

// Limits are how many calls the domain may make. The zero Rate is Daily's own, a negative Count
// is none.
type Limits struct {
	// Calls is for whatever has no rate of its own: 100 per 5 s.
	Calls daily.Rate
	// Deletes is for DELETE of one room and the list of recordings: 50 per 30 s.
	Deletes daily.Rate
	// Starts is for starting recordings, streams and phone calls: 5 per 5 s.
	Starts daily.Rate
}

// An Emulator is one Daily domain. It is an http.Handler for /v1/, /rooms/ and /_/.
type Emulator struct {
	cfg    Config
	mux    *http.ServeMux
	client *http.Client    // for webhooks
	ctx    context.Context // ends with Close, as does what waits for it
	stop   context.CancelFunc
	wg     sync.WaitGroup
	// signsEvery is the constant, but in tests.
	signsEvery time.Duration
	limits     map[tier]*window

	// mu guards everything below. Handlers hold it, so a call sees and leaves one state.
	mu       sync.Mutex
	closed   bool
	domain   map[string]any
	rooms    map[string]*room // the latest of each name
	all      []*room          // every room that ever was
	meetings []*meeting
	hook     *webhook
	held     *delivery // kept back to come out of order
	queue    []delivery
	busy     bool // somebody works through queue
	agenda   agenda
	timer    *time.Timer
	log      logbook
	faults   []*Fault
}

// New makes a domain without rooms.
func New(cfg Config) *Emulator {
	if cfg.Key == "" {
		cfg.Key = "dev"
	}
	if cfg.DomainName == "" {
		cfg.DomainName = "greenroom-dev"
	}
	if cfg.DomainID == "" {
		cfg.DomainID = "6a4f0a9e-2d3c-4c54-9b62-0f4f3f1d7c11"
	}
	if cfg.Clock == nil {
		cfg.Clock = models.SystemClock
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.RoomURL == nil {
		cfg.RoomURL = func(name string) string { return "https://" + cfg.DomainName + ".daily.co/" + name }
	}
	cfg.Knobs = cfg.Knobs.withDefaults()
	e := &Emulator{
		cfg:    cfg,
		limits: newWindows(cfg.Limits),
		domain: defaultDomain(),
		rooms:  map[string]*room{},
		client: &http.Client{
			Timeout:       cfg.Knobs.WebhookTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{DisableKeepAlives: true},
		},
		signsEvery: signsEvery,
	}
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.mux = e.routes()
	return e
}

// ServeHTTP answers one call.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// Close stops timers, deliveries and hanging calls, and waits for them. The domain stays
// readable; nothing happens by itself any more.
func (e *Emulator) Close() error {
	e.mu.Lock()
	if !e.closed {
		e.closed = true
		e.stop()
	}
	if e.timer != nil {
		e.timer.Stop()
	}
	e.mu.Unlock()
	e.wg.Wait()
	e.client.CloseIdleConnections()
	return nil
}

// do runs fn on the state as it is now: whatever is due has happened before.
func (e *Emulator) do(fn func(now models.Time)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	fn(e.settle())
}

// spawn runs fn beside the calls; Close waits for it. It must be called with mu held or from
// what spawn started, and does nothing once the emulator is closed.
func (e *Emulator) spawn(fn func()) {
	if e.closed {
		return
	}
	e.wg.Go(fn)
}

// wait sleeps; false when the emulator is closed first.
func (e *Emulator) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.ctx.Done():
		return false
	}
}
