package avatarserver

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Sessions is how avatar servers' news reaches the sessions. The registry declares it and
// session.Service answers it. Calls for one session come one after another, in order; they may
// take their time, but after ten seconds their context ends.
type Sessions interface {
	// Carried tells which of the sessions that a dialling avatar server says it has may stay
	// with it. The registry asks only about those it does not know itself, as after a restart.
	// On an error the connection is closed, and the avatar server dials again.
	Carried(ctx context.Context, server string, have []Ref) (keep []Ref, err error)

	// Ready: the avatar is in the room and takes commands. It may come again for a session that
	// is ready already. An error means that the session does not want this avatar any more: the
	// registry releases it.
	Ready(ctx context.Context, server string, ref Ref) error

	// Lost: the avatar server is gone, or says that it has lost the session. Told once for a
	// ref that was ready or carried; a hand-over that is lost before that is Dispatch's own
	// affair. A connection that breaks and comes back within the grace loses nothing.
	Lost(ctx context.Context, server string, ref Ref)
}

// callWithin is how long one call to Sessions may take.
const callWithin = 10 * time.Second

// Config is what a Registry needs. Durations that are 0 take their defaults.
type Config struct {
	// Sessions may be set later, with SetSessions.
	Sessions Sessions
	// Authenticate checks the secret of an avatar-server key: models.KindUnauthenticated,
	// KindForbidden or KindNotFound refuse it, other errors mean that it cannot be told now. It
	// is asked when a server dials in, and again with every heartbeat.
	Authenticate func(ctx context.Context, secret string) error
	Log          *slog.Logger

	// Heartbeat is the time between two heartbeats, 5 s.
	Heartbeat time.Duration
	// LostAfter is how long after the last sign of life an avatar server's sessions are lost,
	// 15 s: the grace within which it may reconnect.
	LostAfter time.Duration
	// HelloWithin is how long a new connection has for its hello, 10 s.
	HelloWithin time.Duration
	// WriteWithin is how long one frame may take to be written, 10 s. A server that does not
	// read is cut off after it.
	WriteWithin time.Duration
	// AnswerWithin is how long a command waits for credit or its confirmation, 30 s.
	AnswerWithin time.Duration
	// ReadyWithin is how long Dispatch waits for one server's ready before it tries another, 60 s.
	ReadyWithin time.Duration
}

func (c *Config) fill() {
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	c.Heartbeat = cmp.Or(c.Heartbeat, defaultHeartbeat)
	c.LostAfter = cmp.Or(c.LostAfter, defaultLostAfter)
	c.HelloWithin = cmp.Or(c.HelloWithin, defaultHelloWithin)
	c.WriteWithin = cmp.Or(c.WriteWithin, defaultWriteWithin)
	c.AnswerWithin = cmp.Or(c.AnswerWithin, defaultAnswerWithin)
	c.ReadyWithin = cmp.Or(c.ReadyWithin, defaultReadyWithin)
}

// A Registry knows the avatar servers that have dialled in and what each of them carries. It
// keeps nothing on disk: after a restart the avatar servers tell it what they have. It is an
// http.Handler: the socket where they dial in.
type Registry struct {
	cfg Config
	// base is the context of calls to Sessions; it ends when Shutdown loses patience.
	base   context.Context
	cancel context.CancelFunc
	// wg counts connections and deliveries of news.
	wg sync.WaitGroup

	// mu guards everything below, and all fields so marked elsewhere. It is never held over I/O
	// or a call to Sessions.
	mu      sync.Mutex
	closed  bool
	conns   map[*conn]bool
	servers map[string]*server
	// held has, by session id, the newest hand-over that some server carries.
	held map[string]*assignment
	// news are the calls to Sessions still to be made, by session id; see tell.
	news map[string][]func(context.Context)
}

// NewRegistry makes a registry without any avatar servers.
func NewRegistry(cfg Config) *Registry {
	cfg.fill()
	r := &Registry{
		cfg:     cfg,
		conns:   map[*conn]bool{},
		servers: map[string]*server{},
		held:    map[string]*assignment{},
		news:    map[string][]func(context.Context){},
	}
	r.base, r.cancel = context.WithCancel(context.Background())
	return r
}

// SetSessions fills in who hears the news. Call it before the registry serves anything.
func (r *Registry) SetSessions(s Sessions) { r.cfg.Sessions = s }

// Release takes a session back from its avatar server. It returns at once, and is safe for a
// ref that nobody carries. A server that is disconnected hears of it at its next hello.
func (r *Registry) Release(ref Ref) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.held[ref.SessionID]; a != nil && a.ref == ref {
		r.release(a, endReleased)
	}
}

// Carries tells whether an avatar server has the session: one that is connected, or whose grace
// has not passed.
func (r *Registry) Carries(ref Ref) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.held[ref.SessionID]
	return a != nil && a.ref == ref
}

// ServerInfo is what the registry knows of one avatar server.
type ServerInfo struct {
	Name     string
	Instance string
	// Capacity is as the server said; Sessions is how many it has been handed.
	Capacity int
	Sessions int
	// Connected is false within the grace after its connection broke.
	Connected bool
}

// Servers lists the avatar servers by instance.
func (r *Registry) Servers() []ServerInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]ServerInfo, 0, len(r.servers))
	for _, instance := range slices.Sorted(maps.Keys(r.servers)) {
		s := r.servers[instance]
		list = append(list, ServerInfo{
			Name: s.name, Instance: instance,
			Capacity: s.capacity, Sessions: len(s.carries), Connected: s.welcomed,
		})
	}
	return list
}

// Shutdown closes every connection with 1012 and waits until all is quiet, or ctx ends. Nothing
// is lost by it: the avatar servers keep their sessions and dial in again. Hand-overs and
// commands under way fail.
func (r *Registry) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	for c := range r.conns {
		c.shut(websocket.StatusServiceRestart, draining)
	}
	for _, s := range r.servers {
		s.stopGrace()
	}
	for _, a := range r.held {
		a.failCommands(relayLost("this server is draining"))
		signal(a.changed)
	}
	r.mu.Unlock()

	quiet := make(chan struct{})
	go func() {
		r.wg.Wait()
		close(quiet)
	}()
	defer r.cancel()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// draining is the reason of a close with 1012.
const draining = "draining: dial again"

// tell queues a call to Sessions. Calls for one session run one after another, in their order,
// and outside every lock and read loop: they write to a database. The caller holds mu.
func (r *Registry) tell(sessionID string, call func(context.Context)) {
	queue, running := r.news[sessionID]
	r.news[sessionID] = append(queue, call)
	if !running {
		r.wg.Go(func() { r.deliver(sessionID) })
	}
}

func (r *Registry) deliver(sessionID string) {
	for {
		r.mu.Lock()
		queue := r.news[sessionID]
		if len(queue) == 0 {
			delete(r.news, sessionID)
			r.mu.Unlock()
			return
		}
		r.news[sessionID] = queue[1:]
		r.mu.Unlock()

		ctx, cancel := context.WithTimeout(r.base, callWithin)
		queue[0](ctx)
		cancel()
	}
}

// signal wakes whoever waits on a channel of capacity one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
