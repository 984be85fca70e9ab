package stream

import (
	"errors"
	"time"

	"github.com/coder/websocket"

	"greenroom/auth"
	"greenroom/models"
)

var (
	errWrongToken   = &fault{CodeUnauthenticated, "this needs the access token of this session"}
	errWrongSession = &fault{CodeUnauthenticated, "session_id is not the session of this address"}
	errLate         = badFrame("no session.init in time")
	errNotNow       = &fault{CodeUnavailable, "the session cannot be looked up right now: dial again"}
)

// greet takes the first frame, which says whose session this is, and begins to follow it. False
// when the connection has been refused.
func (c *conn) greet() bool {
	f, ok := c.firstFrame()
	if !ok {
		return false
	}
	switch {
	case f.kind != typeInit:
		c.refuse(CloseBadFrame, f.id, errNotInit)
	case f.fault != nil && f.fault.code == CodeUnauthenticated:
		c.refuse(CloseUnauthorized, f.id, f.fault)
	case f.fault != nil:
		c.refuse(CloseBadFrame, f.id, f.fault)
	case f.init.sessionID != c.sessionID:
		c.refuse(CloseUnauthorized, f.id, errWrongSession)
	default:
		return c.signIn(f)
	}
	return false
}

func (c *conn) firstFrame() (f frame, ok bool) {
	late := time.AfterFunc(c.server.cfg.InitWithin, func() { c.refuse(CloseTimeout, nil, errLate) })
	b, err := c.receive(true)
	if !late.Stop() {
		<-c.done // by the very reason that it was late
		return f, false
	}
	if _, bad := errors.AsType[*fault](err); bad {
		return f, true
	} else if err != nil {
		c.hangUp(err)
		return f, false
	}
	defer b.free()
	return parse(b.data), true
}

// signIn finds out whose the token is.
func (c *conn) signIn(f frame) bool {
	caller, err := c.server.cfg.Admit(c.ctx, c.remote, f.init.token)
	switch {
	case err == nil && (caller.Kind != auth.AccessToken || caller.SessionID != c.sessionID):
		c.refuse(CloseUnauthorized, f.id, errWrongToken)
	case err == nil:
		return c.follow(f, caller)
	case errors.Is(err, models.ErrUnauthenticated):
		c.refuse(CloseUnauthorized, f.id, errWrongToken)
	case models.KindOf(err) == models.KindRateLimited:
		c.refuse(CloseUnauthorized, f.id, &fault{CodeRateLimited, "too many wrong tokens from this address: wait a second"})
	default:
		c.server.cfg.Log.Warn("cannot sign a stream in", "session", c.sessionID, "error", err)
		c.refuse(websocket.StatusTryAgainLater, f.id, errNotNow)
	}
	return false
}

// follow watches the session on the caller's behalf, and makes this socket its stream.
func (c *conn) follow(f frame, caller *auth.Caller) bool {
	c.ctx = auth.WithCaller(c.ctx, caller)
	states, err := c.server.cfg.Sessions.Watch(c.ctx, c.sessionID)
	if errors.Is(err, models.ErrNotFound) {
		c.refuse(CloseUnauthorized, f.id, errWrongToken)
		return false
	} else if err != nil {
		c.server.cfg.Log.Warn("cannot follow a stream's session", "session", c.sessionID, "error", err)
		c.refuse(websocket.StatusTryAgainLater, f.id, errNotNow)
		return false
	}
	kept, release := c.server.cfg.Keep(c.ctx, f.init.token)
	present, ok := <-states
	if ok && present.EndedAt == nil {
		c.latest.Store(present)
		c.server.attach(c)
		c.server.attendance.arrive(c.ctx, c.sessionID)
		c.send(established{"connection.established", c.sessionID, f.id})
		c.wg.Go(func() {
			defer release()
			c.watch(kept, states)
		})
		return true
	}
	release()
	if ok {
		c.sayEnded(present, f.id)
	} // otherwise the connection has been shut meanwhile
	return false
}
