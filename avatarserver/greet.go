package avatarserver

import (
	"context"

	"github.com/coder/websocket"
)

// greet answers a hello: of the sessions that the server has, which may stay. Those that this
// registry handed to it stay; about others, as after a restart of this side, Sessions decides;
// the rest is to be released. What the server should have and does not name is lost.
func (r *Registry) greet(c *conn, h *Hello) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	s := r.attach(c, h)
	var unknown []Ref
	for _, ref := range h.Sessions {
		if !r.knows(s, ref) {
			unknown = append(unknown, ref)
		}
	}
	r.mu.Unlock()

	carried := map[Ref]bool{}
	if len(unknown) > 0 {
		ctx, cancel := context.WithTimeout(r.base, callWithin)
		defer cancel()
		keep, err := r.cfg.Sessions.Carried(ctx, s.instance, unknown)
		if err != nil {
			r.cfg.Log.Error("cannot tell which sessions an avatar server may keep", "instance", s.instance, "err", err)
			c.shut(websocket.StatusTryAgainLater, "cannot tell which sessions to keep: dial again")
			return
		}
		for _, ref := range keep {
			carried[ref] = true
		}
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || s.conn != c {
		return
	}
	r.welcome(s, h.Sessions, carried)
	c.wg.Go(c.pulse)
}

// knows tells whether s was handed ref by this registry and still has it.
func (r *Registry) knows(s *server, ref Ref) bool {
	a := r.held[ref.SessionID]
	return a != nil && a.ref == ref && a.server == s
}

// welcome sorts what the server has into keep and release, and from now on it is sent things.
// Between the question and here a session may have been released or handed over anew: that
// counts.
func (r *Registry) welcome(s *server, have []Ref, carried map[Ref]bool) {
	w := Welcome{
		Protocol: Protocol, Keep: []Ref{}, Release: []Ref{},
		HeartbeatMS: int(r.cfg.Heartbeat.Milliseconds()), LostAfterMS: int(r.cfg.LostAfter.Milliseconds()),
		CreditBytes: CreditWindow, MaxChunkBytes: MaxChunk,
	}
	named := map[Ref]bool{}
	for _, ref := range have {
		if named[ref] {
			continue
		}
		named[ref] = true
		keep := r.knows(s, ref) ||
			!s.released[ref] && carried[ref] && r.hold(newAssignment(ref, s)) == nil
		if keep {
			w.Keep = append(w.Keep, ref)
		} else {
			w.Release = append(w.Release, ref)
		}
	}
	clear(s.released)
	for a := range s.carries {
		if !named[a.ref] {
			r.gone(a, endLost, "the avatar server came back without it")
		}
	}
	s.welcomed = true
	s.send(w)
	// A dispatch may be waiting for a server that is disconnected: this one is free.
	for _, a := range r.held {
		signal(a.changed)
	}
	r.cfg.Log.Info("avatar server dialled in", "instance", s.instance, "name", s.name,
		"capacity", s.capacity, "keep", len(w.Keep), "release", len(w.Release))
}
