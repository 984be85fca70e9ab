package stream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"greenroom/models"
)

const (
	// closeWithin is how long a connection has for its farewell.
	closeWithin = 2 * time.Second
	// maxOut is how many frames may wait for the socket; whoever has more to say waits too.
	maxOut = 16
)

// errGone ends what is under way for a client whose socket has closed: it cannot be answered
// any more, and will ask again when it is back.
var errGone = errors.New("the socket has closed")

// A conn is one client's socket. Its reader is the HTTP handler's goroutine. Another one writes,
// and says farewell; a third follows the session; a fourth carries out commands while there are
// any.
type conn struct {
	server *Server
	ws     *websocket.Conn
	net    net.Conn
	remote string
	// sessionID is what the URL says until the token has proved it.
	sessionID string
	// ctx is whose doing it is; it ends with the connection.
	ctx    context.Context // the connection's own
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	queue  queue
	// incoming runs out when a frame takes too long to arrive.
	incoming *time.Timer
	// usual is how long the client's longest frames are of late; the reader's alone.
	usual int
	// turn is for the one large frame that the connection may have in memory.
	turn tokens
	out  chan []byte

	// latest is the session's newest state that is known.
	latest atomic.Pointer[models.Session]
	// endedBy is the id of the client's own session.end.
	endedBy atomic.Pointer[string]
	// seen is the last sign of life, since born. Nobody sees one while the socket is not read.
	born   time.Time
	seen   atomic.Int64
	paused atomic.Bool

	once   sync.Once
	done   chan struct{}
	code   websocket.StatusCode
	reason string
}

// accept upgrades the request.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) (*conn, error) {
	c := &conn{
		server: s, remote: r.RemoteAddr, sessionID: r.PathValue("id"), born: time.Now(),
		usual: firstBuffer, turn: newTokens(1), out: make(chan []byte, maxOut), done: make(chan struct{}),
	}
	tap := &hijackTap{ResponseWriter: w}
	ws, err := websocket.Accept(tap, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // allows has looked at the origin
		OnPingReceived:     func(context.Context, []byte) bool { c.alive(); return true },
		OnPongReceived:     func(context.Context, []byte) { c.alive() },
	})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(-1) // receive has limits of its own
	c.ws, c.net = ws, tap.conn
	c.ctx, c.cancel = context.WithCancelCause(context.WithoutCancel(r.Context()))
	c.queue.init(c)
	c.incoming = time.AfterFunc(s.cfg.FrameWithin, func() { c.shut(CloseTimeout, "the frame did not arrive in time") })
	c.incoming.Stop()
	return c, nil
}

// hijackTap keeps the network connection: a deadline on it bounds the closing handshake, which
// the library otherwise lets a peer stretch at will.
type hijackTap struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack takes over the connection.
func (h *hijackTap) Hijack() (c net.Conn, rw *bufio.ReadWriter, err error) {
	c, rw, err = http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = c
	return c, rw, err
}

func (c *conn) alive() { c.seen.Store(int64(time.Since(c.born))) }

// silence is how long ago the last sign of life was.
func (c *conn) silence() time.Duration { return time.Since(c.born) - time.Duration(c.seen.Load()) }

// pause says that the socket is not read for a while, and so no sign of life can be seen.
func (c *conn) pause() { c.paused.Store(true) }

func (c *conn) resume() {
	c.alive()
	c.paused.Store(false)
}

// shut ends the connection, for the first reason given. It does not wait. Frames that are queued
// go out before the farewell.
func (c *conn) shut(code websocket.StatusCode, reason string) {
	c.once.Do(func() {
		c.code, c.reason = code, reason
		_ = c.net.SetDeadline(time.Now().Add(closeWithin))
		close(c.done)
		c.cancel(errGone)
	})
}

// serve runs the connection until its end.
func (c *conn) serve() {
	c.wg.Go(c.write)
	if c.greet() {
		c.read()
	}
	c.shut(websocket.StatusNormalClosure, "")
	c.wg.Wait()
	c.incoming.Stop()
	c.server.cfg.Log.Debug("stream closed", "session", c.sessionID, "code", int(c.code), "reason", c.reason)
}

// read takes frames until the connection ends.
func (c *conn) read() {
	for {
		b, err := c.receive(false)
		if bad, ok := errors.AsType[*fault](err); ok {
			c.queue.add(&command{frame: frame{fault: bad}})
		} else if err != nil {
			c.hangUp(err)
			return
		} else {
			c.handle(b)
		}
		if !c.queue.awaitRoom() {
			return
		}
	}
}

// hangUp ends a connection that cannot be read any more.
func (c *conn) hangUp(err error) {
	switch code := websocket.CloseStatus(err); {
	case errors.Is(err, errTooBig):
		text := fmt.Sprintf("a frame has at most %d bytes", MaxFrame)
		c.refuse(CloseTooBig, nil, badFrame(text))
	case code != -1:
		c.shut(websocket.StatusNormalClosure, fmt.Sprintf("closed by the client with %d", code))
	default:
		c.shut(websocket.StatusNormalClosure, "the connection broke")
	}
}

// handle acts on a frame after the first. What is for the avatar is done in its turn, and so is
// the answer to what cannot be understood: answers come in the order of the frames.
func (c *conn) handle(b *buffer) {
	f := parse(b.data)
	if f.fault == nil {
		switch f.kind {
		case typeKeepAlive:
			b.free()
			c.send(keepAliveConfirmed{"session.keep_alive.confirmed", c.remaining(), f.id})
			return
		case typeEnd:
			b.free()
			c.endSession(f.id)
			return
		case typeInit:
			f.fault = badFrame("session.init has been sent already")
		}
	}
	cmd := &command{frame: f}
	if f.fault == nil && f.speak.audio != nil {
		cmd.buffer = b
	} else {
		b.free()
	}
	c.queue.add(cmd)
}

// endSession answers by session.ended, which follows when the end is known.
func (c *conn) endSession(id *string) {
	c.endedBy.Store(id)
	if _, err := c.server.cfg.Sessions.End(c.ctx, c.sessionID); err != nil {
		c.send(c.failed(id, err))
	}
}
