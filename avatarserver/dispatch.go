package avatarserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"greenroom/models"
)

// An Assignment is what handOver gives the dispatch: the new generation of the session, and what
// the avatar server has to know.
type Assignment struct {
	Generation int
	Avatar     Avatar
	Room       Room
}

// ErrReleased ends a dispatch whose session was released while it waited for the avatar.
var ErrReleased = errors.New("the session was released while its avatar was on the way")

var errNoServer = &models.Error{
	Kind:    models.KindNoAvatarServer,
	Message: "no avatar server can take the session now",
}

// errNext sends a dispatch on to the next server.
var errNext = errors.New("try the next avatar server")

// Dispatch hands the session to the least loaded connected avatar server that can carry the
// avatar. A refusal or a loss tries the next at once; so does a broken connection when another
// server is free, otherwise the server gets its grace to come back. It returns when one is ready
// and Sessions.Ready has accepted it.
//
// handOver is called before each try with the chosen server's instance, records the hand-over
// and returns its generation, above any earlier one, with the assignment to send; its error ends
// the dispatch.
//
// Errors: models.KindNoAvatarServer when no connected server can carry the session, or all
// refused; KindUnavailable while draining; ErrReleased; the error of handOver or Sessions.Ready;
// ctx's error when it ends first, and then the session is taken back.
func (r *Registry) Dispatch(ctx context.Context, sessionID, avatarID string,
	handOver func(ctx context.Context, server string) (Assignment, error),
) (Ref, error) {
	tried := map[string]bool{}
	for {
		s, err := r.choose(avatarID, tried)
		if err != nil {
			return Ref{}, fmt.Errorf("dispatch session %s: %w", sessionID, err)
		}
		tried[s.instance] = true
		order, err := handOver(ctx, s.instance)
		if err != nil {
			r.unchoose(s)
			return Ref{}, fmt.Errorf("dispatch session %s to %s: %w", sessionID, s.instance, err)
		}
		a, err := r.assign(s, sessionID, order)
		if err == nil {
			err = r.await(ctx, a, func() bool { return r.best(avatarID, tried) != nil })
		}
		switch {
		case err == nil:
			return a.ref, nil
		case !errors.Is(err, errNext):
			return Ref{}, fmt.Errorf("dispatch session %s to %s: %w", sessionID, s.instance, err)
		}
	}
}

// choose finds the best server and holds a place on it, so that dispatches at the same time do
// not all see the same idle one.
func (r *Registry) choose(avatarID string, tried map[string]bool) (*server, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errDraining
	}
	s := r.best(avatarID, tried)
	if s == nil {
		return nil, errNoServer
	}
	s.chosen++
	return s, nil
}

var errDraining = models.Unavailable("this server is draining", time.Second)

func (r *Registry) unchoose(s *server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.chosen--
}

// best is the least loaded server for the avatar that has not been tried; nil when there is
// none. The caller holds mu.
func (r *Registry) best(avatarID string, tried map[string]bool) *server {
	var best *server
	for _, s := range r.servers {
		if !tried[s.instance] && s.takes(avatarID) && (best == nil || s.lessLoaded(best)) {
			best = s
		}
	}
	return best
}

// assign sends the hand-over. The server may have left while it was recorded.
func (r *Registry) assign(s *server, sessionID string, order Assignment) (*assignment, error) {
	ref := Ref{sessionID, order.Generation}
	if err := ref.check(); err != nil {
		r.unchoose(s)
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.chosen--
	if r.closed {
		return nil, errDraining
	}
	if !s.welcomed {
		return nil, errNext
	}
	a := newAssignment(ref, s)
	a.dispatched = true
	if err := r.hold(a); err != nil {
		return nil, err
	}
	s.send(Assign{Address: Address(ref), Avatar: order.Avatar, Room: order.Room})
	return a, nil
}

// await returns when the hand-over has been accepted, or has failed: with errNext when another
// server should be tried.
func (r *Registry) await(ctx context.Context, a *assignment, elsewhere func() bool) error {
	late := time.NewTimer(r.cfg.ReadyWithin)
	defer late.Stop()
	done, expired := ctx.Done(), late.C
	var give error
	for {
		r.mu.Lock()
		over, err := r.outcome(a, give, elsewhere)
		r.mu.Unlock()
		if over {
			return err
		}
		select {
		case <-a.changed:
		case <-done:
			give, done, expired = ctx.Err(), nil, nil
		case <-expired:
			give, expired = errNext, nil
		}
	}
}

// outcome tells whether the wait for a is over, and how. give is why the caller wants to give
// up, which waits while the session is being asked: it may be on its way to being started, and
// then the avatar must stay. The caller holds mu.
func (r *Registry) outcome(a *assignment, give error, elsewhere func() bool) (over bool, err error) {
	switch {
	case a.accepting:
		return false, nil
	case a.err != nil:
		return true, a.err
	case a.accepted && a.end != endReleased:
		return true, nil
	case a.end == endRefused || a.end == endLost:
		return true, errNext
	case a.end == endReleased:
		return true, ErrReleased
	case r.closed:
		// Not released: it may be in the room already, and the next process will hear of it.
		return true, errDraining
	case give != nil:
		r.release(a, endReleased)
		return true, give
	case !a.server.welcomed && elsewhere():
		r.release(a, endReleased)
		return true, errNext
	}
	return false, nil
}
