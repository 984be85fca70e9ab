// Package session decides what may happen to a session, who may ask for it, and in which order.
// Every way in (GraphQL, the sweep, avatar servers) goes through [Service], but for an operator's
// [OperatorEnd]. What somebody asks for goes through its move, what this program does by itself (due
// ends, warnings, rooms) does not; an end is written by finish alone.
package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"greenroom/auth"
	"greenroom/avatarserver"
	"greenroom/daily"
	"greenroom/db"
	"greenroom/events"
	"greenroom/models"
)

// Timings are how long things may take; see config for their defaults.
type Timings struct {
	// CreateWithin bounds a create: waiting for a place in Daily's rate, and the room.
	CreateWithin time.Duration
	// StartWithin is how long one startSession waits for the avatar.
	StartWithin time.Duration
	// GiveUpAfter is how long an avatar may take to be ready at all.
	GiveUpAfter time.Duration
	// StartWindow is how long a created session waits to be started.
	StartWindow time.Duration
	// LostGrace is how long a session outlives its avatar server.
	LostGrace time.Duration
	// EmptyGrace is how long a session outlives its last participant.
	EmptyGrace time.Duration
	// Sweep is the time between two looks at deadlines and rooms.
	Sweep time.Duration
}

// Config is what a Service works with.
type Config struct {
	Store         *db.Store
	Daily         *daily.Client
	AvatarServers *avatarserver.Registry
	Hub           *events.Hub
	Signer        *auth.Signer
	Plans         models.Plans
	Clock         models.Clock
	// Uptime is for how long this process has run, by a clock that nobody sets; nil is the machine's.
	Uptime  func() time.Duration
	Log     *slog.Logger
	Timings Timings
	// DailyKey signs meeting tokens.
	DailyKey string
	// RoomPrefix names the environment in every room's name, so that two installations on one
	// Daily domain do not take each other's rooms for orphans.
	RoomPrefix string
	// PublicURL is how clients reach this server, http or https.
	PublicURL *url.URL
	// Observe is told of every session that was created, started or ended; may be nil.
	Observe func(what string, reason models.EndReason)
	// ObserveOrphan is told of every room without a session that was deleted; may be nil.
	ObserveOrphan func()
}

// A Service is the rules of sessions.
type Service struct {
	Config
	domainID atomic.Pointer[string]
	// vigil sees to it that graces last.
	vigil *vigil

	// background counts work that goes on without its caller; gate keeps it from growing once
	// Shutdown waits.
	background sync.WaitGroup
	gate       sync.Mutex
	stop       context.CancelFunc
	stopped    context.Context
	// drained is closed by Drain.
	drained    chan struct{}
	drain      sync.Once
	wakeRooms  chan struct{}
	wakeDelete chan struct{}

	mu sync.Mutex
	// creating holds creates under way here, closed once their outcome is written.
	creating map[string]chan struct{}
	// starting holds starts under way here.
	starting map[string]*start
}

// New makes a Service. Run does its work in the background.
func New(cfg Config) *Service {
	if cfg.Observe == nil {
		cfg.Observe = func(string, models.EndReason) {}
	}
	if cfg.ObserveOrphan == nil {
		cfg.ObserveOrphan = func() {}
	}
	if cfg.Uptime == nil {
		began := time.Now()
		cfg.Uptime = func() time.Duration { return time.Since(began) }
	}
	s := &Service{
		Config:     cfg,
		vigil:      &vigil{uptime: cfg.Uptime, began: map[wait]time.Duration{}},
		wakeRooms:  make(chan struct{}, 1),
		wakeDelete: make(chan struct{}, 1),
		drained:    make(chan struct{}),
		creating:   map[string]chan struct{}{},
		starting:   map[string]*start{},
	}
	s.stopped, s.stop = context.WithCancel(context.Background())
	return s
}

// Session reads a session that the caller may see; any other is models.ErrNotFound.
func (s *Service) Session(ctx context.Context, id string) (*models.Session, error) {
	scope, err := s.SessionScope(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.read(ctx, scope, id)
}

// SessionScope is where a session is to be looked for that the caller asks for by its id. An id that
// no session can have is models.ErrNotFound.
func (s *Service) SessionScope(ctx context.Context, id string) (models.Scope, error) {
	caller, err := auth.Require(ctx)
	if err != nil {
		return models.Scope{}, err
	}
	if !models.ValidID(models.SessionPrefix, id) {
		return models.Scope{}, models.NotFound("session")
	}
	return caller.Scope(), nil
}

// Sessions reads one page of the sessions that the caller may see.
func (s *Service) Sessions(ctx context.Context, q models.SessionQuery) (*models.SessionConnection, error) {
	q, err := s.SessionsInScope(ctx, q)
	if err != nil {
		return nil, err
	}
	return s.Store.Sessions(ctx, q, s.Clock.Now(ctx))
}

// SessionsInScope narrows a list to the sessions that the caller may see.
func (s *Service) SessionsInScope(ctx context.Context, q models.SessionQuery) (models.SessionQuery, error) {
	caller, err := auth.Require(ctx)
	if err != nil {
		return models.SessionQuery{}, err
	}
	q.Scope = caller.Scope()
	return q, nil
}

// Event reads one line of a timeline that the caller may see.
func (s *Service) Event(ctx context.Context, id string) (*models.SessionEvent, error) {
	caller, err := auth.Require(ctx)
	if err != nil {
		return nil, err
	}
	if !models.ValidID(models.EventPrefix, id) {
		return nil, models.NotFound("event")
	}
	return s.Store.SessionEvent(ctx, caller.Scope(), id)
}

func (s *Service) read(ctx context.Context, scope models.Scope, id string) (*models.Session, error) {
	if !models.ValidID(models.SessionPrefix, id) {
		return nil, models.NotFound("session")
	}
	found, err := s.Store.Session(ctx, scope, id, s.Clock.Now(ctx))
	return found, models.Named("session", err)
}

// A change is what a move does to a session. It is run only where the lifecycle allows it; it may
// refuse before it has written anything, and may run again.
type change func(tx *db.Tx, row *models.Session, now models.Time) error

// move does a to one session in a transaction and answers the session as it is then. A session
// whose deadline has passed is ended first, whatever becomes of a. The clock is read when the
// session is held: a move that has waited for its turn past the deadline comes too late, as every
// reader has seen by then.
func (s *Service) move(ctx context.Context, scope models.Scope, id string, a action, do change) (*models.Session, error) {
	if !models.ValidID(models.SessionPrefix, id) {
		return nil, models.NotFound("session")
	}
	var after *models.Session
	var refusal error
	var overdue bool
	err := s.Store.Write(ctx, func(tx *db.Tx) error {
		row, err := tx.Session(scope, id)
		if err != nil {
			return err
		}
		stored, now := *row, s.Clock()
		overdue, err = settle(tx, row, now)
		if err != nil {
			return err
		}
		after, refusal = row, s.apply(tx, row, now, a, do)
		if refusal != nil && !refused(refusal) {
			return refusal
		}
		if *row == stored {
			return nil
		}
		return tx.Swap(row)
	})
	switch {
	case errors.Is(err, models.ErrNotFound):
		return nil, models.NotFound("session")
	case err != nil:
		return nil, fmt.Errorf("%s: session %s: %w", a, id, err)
	}
	if overdue {
		s.after(after)
	}
	return after, refusal
}

// apply does what the lifecycle allows, and undoes in row what a refusal had changed.
func (s *Service) apply(tx *db.Tx, row *models.Session, now models.Time, a action, do change) error {
	if err := allow(a, row); err != nil {
		return err
	}
	before := *row
	if err := do(tx, row, now); err != nil {
		*row = before
		return err
	}
	place(a, positionOf(&before), row)
	return nil
}

// refused tells a refusal, which leaves the transaction standing, from a failure. A refusal is
// decided in this package and comes as it is; what db says is always wrapped.
func refused(err error) bool {
	_, ok := err.(*models.Error) //nolint:errorlint // see above
	return ok
}

// after does what follows a committed end.
func (s *Service) after(ended *models.Session) {
	s.Observe("ended", *ended.EndReason)
	s.releaseAvatar(ended)
	s.cancelStart(ended.ID)
	wake(s.wakeRooms)
	wake(s.wakeDelete)
}

// wake tells a loop that there is work, unless it has been told already.
func wake(loop chan struct{}) {
	select {
	case loop <- struct{}{}:
	default:
	}
}

// inBackground runs work that its caller does not wait for; Shutdown does. After Shutdown it
// refuses, and answers false.
func (s *Service) inBackground(work func()) bool {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.stopped.Err() != nil {
		return false
	}
	s.background.Go(work)
	return true
}
