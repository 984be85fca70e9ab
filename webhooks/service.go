// Package webhooks tells other people's servers what happened to their sessions: signed as the
// Standard Webhooks specification has it, tried again until it is acknowledged, and never to an
// address inside.
//
// What is to be told is written in the transaction of the change that it tells (session's outbox),
// as a row for each endpoint that wants it. Whoever claims a row sends it. A crash in between
// sends it again, under the same id.
package webhooks

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"greenroom/db"
	"greenroom/models"
)

// DefaultTimeout is how long a receiver has for its whole answer.
const DefaultTimeout = 15 * time.Second

// Config is what a Service works with.
type Config struct {
	Store *db.Store
	// Secret is GREENROOM_SECRET: the key under which signing secrets are kept is derived from it.
	Secret []byte
	Clock  models.Clock
	Log    *slog.Logger
	// Allow are networks that webhooks may go to besides public ones, to any port and by http too.
	Allow []netip.Prefix
	// Timeout bounds one try; DefaultTimeout when 0.
	Timeout time.Duration
	// Observe is told of every try; may be nil.
	Observe func(o Outcome, took time.Duration)
	// RootCAs are whose certificates are believed; nil is the system's. Resolver resolves hosts'
	// names; nil is the system's.
	RootCAs  *x509.CertPool
	Resolver *net.Resolver
}

// A Service keeps accounts' endpoints and delivers to them.
type Service struct {
	Config
	sealer *sealer
	border *border
	sender *sender
	// chance is 0 to 1, for jitter.
	chance func() float64

	// claiming ends when no more is to be claimed, sending when what is under way is to be cut off.
	claiming   context.Context
	stop       context.CancelFunc
	sending    context.Context
	abort      context.CancelCauseFunc
	background sync.WaitGroup
	wakeUp     chan struct{}

	mu sync.Mutex
	// underWay counts tries by endpoint.
	underWay map[string]int
}

// New makes a Service. Run delivers.
func New(cfg Config) (*Service, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Outcome, time.Duration) {}
	}
	sealer, err := newSealer(cfg.Secret)
	if err != nil {
		return nil, err
	}
	s := &Service{
		Config: cfg, sealer: sealer, border: newBorder(cfg.Allow), chance: byChance,
		wakeUp: make(chan struct{}, 1), underWay: map[string]int{},
	}
	s.sender = newSender(cfg, s.border)
	s.claiming, s.stop = context.WithCancel(context.Background())
	s.sending, s.abort = context.WithCancelCause(context.Background())
	return s, nil
}

// Run delivers until Shutdown, and drops what is old.
func (s *Service) Run() {
	s.background.Go(func() { s.deliver(s.claiming) })
	s.background.Go(func() { s.tidy(s.claiming) })
}

// Wake says that there may be something to deliver. It does not block.
func (s *Service) Wake() {
	select {
	case s.wakeUp <- struct{}{}:
	default:
	}
}

// errStopping cuts off tries that outlast a shutdown.
var errStopping = errors.New("this server is stopping")

// releaseWithin is how long the tries that a shutdown cuts off have to put their rows back.
const releaseWithin = time.Second

// Shutdown claims nothing more and waits for tries under way until ctx ends. Those that are not
// over by then are cut off and put back: the next run makes them anew, under the same id.
func (s *Service) Shutdown(ctx context.Context) error {
	s.stop()
	done := make(chan struct{})
	go func() {
		s.background.Wait()
		close(done)
	}()
	defer s.sender.close()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.abort(errStopping)
	select {
	case <-done:
		return nil
	case <-time.After(releaseWithin):
		return context.Cause(ctx)
	}
}

// Late is for how long the longest waiting delivery has been due; 0 when none is. Those that wait
// for their own endpoint, which fails or answers slowly, are left out: nothing here makes them late.
func (s *Service) Late(ctx context.Context) (time.Duration, error) {
	waiting, err := s.Store.WaitingWebhooks(ctx)
	if err != nil {
		return 0, err
	}
	taken := s.taken(waiting)
	for _, w := range waiting {
		if !w.Idle && !w.Failing && taken.more(w) > 0 {
			return max(0, s.Clock().Sub(w.Due)), nil
		}
	}
	return 0, nil
}
