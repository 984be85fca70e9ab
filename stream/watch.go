package stream

import (
	"context"
	"errors"
	"time"

	"github.com/coder/websocket"

	"greenroom/models"
	"greenroom/session"
)

var errTokenDied = &fault{CodeUnauthenticated, "the access token is not valid any more"}

// watch follows the session and the connection until one of them ends. kept ends when the token
// does.
func (c *conn) watch(kept context.Context, states <-chan *models.Session) {
	defer func() {
		for state := range states { // until whoever sends has noticed that we are gone
			c.latest.Store(state)
		}
		c.server.attendance.leave(c.ctx, c.sessionID, c.latest.Load().EndedAt != nil)
	}()
	ping := time.NewTicker(c.server.cfg.PingEvery)
	defer ping.Stop()
	warned := false
	for {
		warned = warned || c.warn()
		select {
		case <-c.done:
			return
		case state, ok := <-states:
			if ok {
				c.learn(state)
			} else {
				c.shut(websocket.StatusServiceRestart, draining)
			}
		case <-c.untilWarning(warned):
		case <-kept.Done():
			if errors.Is(context.Cause(kept), models.ErrUnauthenticated) {
				c.refuse(CloseUnauthorized, nil, errTokenDied)
			}
			return
		case <-ping.C:
			if c.silence() > c.server.cfg.LostAfter && !c.paused.Load() {
				c.shut(CloseTimeout, "no sign of life")
				return
			}
			c.wg.Go(c.ping)
		}
	}
}

// learn takes a newer state of the session. After its end everything that waits is answered, then
// comes the end itself.
func (c *conn) learn(state *models.Session) {
	c.latest.Store(state)
	if state.EndedAt == nil {
		return
	}
	c.queue.refuse(errSessionEnded)
	select {
	case <-c.queue.empty:
	case <-c.done:
	case <-time.After(closeWithin):
	}
	c.sayEnded(state, c.endedBy.Load())
}

// sayEnded is the last that a client hears of its session.
func (c *conn) sayEnded(state *models.Session, id *string) {
	c.send(ended{"session.ended", string(*state.EndReason), id})
	c.shut(CloseEnded, "the session has ended")
}

// left is how long the session has until its deadline; ok is false when nothing limits it.
func (c *conn) left() (left time.Duration, ok bool) {
	state := c.latest.Load()
	if state.Deadline == nil {
		return 0, false
	}
	return max(0, state.Deadline.Sub(c.server.cfg.Clock())), true
}

// remaining is left in seconds, rounded up.
func (c *conn) remaining() *int {
	left, ok := c.left()
	if !ok {
		return nil
	}
	seconds := roundUp(left)
	return &seconds
}

func roundUp(d time.Duration) (seconds int) {
	return int((d + time.Second - 1) / time.Second)
}

// warn tells that a running session is about to reach its deadline, once, and whether it has.
func (c *conn) warn() bool {
	left, ok := c.left()
	if !ok || left > session.WarnBefore || c.latest.Load().Status() != models.StatusStarted {
		return false
	}
	if left > 0 { // otherwise its end is on the way
		c.send(expiring{"session.expiring", roundUp(left)})
	}
	return true
}

// untilWarning receives when it is time to look again. With every ping it is reckoned anew, so
// that a clock that is set makes it late by a little only.
func (c *conn) untilWarning(warned bool) <-chan time.Time {
	left, ok := c.left()
	if warned || !ok || c.latest.Load().Status() != models.StatusStarted {
		return nil
	}
	return time.After(left - session.WarnBefore)
}
