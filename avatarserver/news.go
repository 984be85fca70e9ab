package avatarserver

import (
	"context"
	"errors"
	"fmt"
)

// handle acts on one frame of an avatar server. An error is its fault and closes the
// connection.
func (r *Registry) handle(c *conn, f Frame) error {
	if h, ok := f.(Hello); ok {
		if c.greeted {
			return errors.New("hello came twice")
		}
		c.greeted = true
		c.hello.Stop()
		r.greet(c, &h)
		return nil
	}
	if !c.greeted {
		return errors.New("the first frame must be hello")
	}
	switch f := f.(type) {
	case Heartbeat:
	case Drain:
		r.drain(c)
	case Ready:
		r.with(c, Ref(f.Address), r.ready)
	case Refused:
		r.with(c, Ref(f.Address), func(a *assignment) { r.gone(a, endRefused, f.Reason) })
	case Lost:
		r.with(c, Ref(f.Address), func(a *assignment) { r.gone(a, endLost, f.Reason) })
	case SpeakConfirmed:
		r.with(c, Ref(f.Address), func(a *assignment) { a.answer(f.Command, f.AudioSamples, nil) })
	case InterruptConfirmed:
		r.with(c, Ref(f.Address), func(a *assignment) { a.answer(f.Command, 0, nil) })
	case CommandFailed:
		r.with(c, Ref(f.Address), func(a *assignment) { a.answer(f.Command, 0, f.err()) })
	case Credit:
		r.with(c, Ref(f.Address), func(a *assignment) { a.refill(f.Bytes) })
	default:
		return fmt.Errorf("%s is not for an avatar server to send", f.frameType())
	}
	return nil
}

// with calls do for the hand-over that the frame is about. Word about one that this server does
// not have (any more) is stale and dropped.
func (r *Registry) with(c *conn, ref Ref, do func(*assignment)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.held[ref.SessionID]
	if r.closed || a == nil || a.ref != ref || a.server.conn != c {
		r.cfg.Log.Debug("stale word from an avatar server", "session", ref.SessionID, "generation", ref.Generation)
		return
	}
	do(a)
}

// drain: the server is handed nothing more until it says hello again.
func (r *Registry) drain(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.server.conn == c {
		c.server.draining = true
	}
}

// ready asks the session whether it takes the avatar. Once it has agreed, further readies say
// nothing new.
func (r *Registry) ready(a *assignment) {
	if a.accepting || a.accepted {
		return
	}
	a.accepting = true
	r.tell(a.ref.SessionID, func(ctx context.Context) {
		err := r.cfg.Sessions.Ready(ctx, a.server.instance, a.ref)
		r.mu.Lock()
		defer r.mu.Unlock()
		a.accepting, a.accepted, a.err = false, err == nil, err
		if err != nil {
			r.release(a, endUnwanted)
		}
		signal(a.changed)
	})
}

func (r *Registry) gone(a *assignment, why ending, reason string) {
	r.cfg.Log.Info("avatar server gave up a session", "instance", a.server.instance,
		"session", a.ref.SessionID, "generation", a.ref.Generation, "how", why, "reason", clip(reason, 200))
	r.lose(a, why)
}

// tellLost queues the news that a is gone. When the session has meanwhile answered that it does
// not want the avatar, there is no news.
func (r *Registry) tellLost(a *assignment) {
	r.tell(a.ref.SessionID, func(ctx context.Context) {
		r.mu.Lock()
		unwanted := a.err != nil
		r.mu.Unlock()
		if !unwanted {
			r.cfg.Sessions.Lost(ctx, a.server.instance, a.ref)
		}
	})
}
