package avatarserver

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

const (
	// maxControlQueue is how many control frames may wait for the socket: two for each session
	// that a server can have, and some.
	maxControlQueue = 2*MaxSessions + 100
	// closeWithin is how long a connection has for its farewell.
	closeWithin = 2 * time.Second
	// maxCloseReason is what the WebSocket standard allows in a close frame.
	maxCloseReason = 123
)

// A conn is one connection of an avatar server. Its reader is the HTTP handler's goroutine; one
// other goroutine writes, and says farewell.
type conn struct {
	r      *Registry
	ws     *websocket.Conn
	net    net.Conn
	secret string
	born   time.Time
	// seen is the last sign of life, since born.
	seen atomic.Int64
	wg   sync.WaitGroup
	// greeted and hello, the timer that waits for it, belong to the reader.
	greeted bool
	hello   *time.Timer

	// Guarded by Registry.mu: the server, once it has said hello, and what waits to be written.
	server  *server
	control [][]byte
	// speaking are the assignments with speech to send, each once: they take turns.
	speaking []*assignment
	wake     chan struct{}

	once   sync.Once
	done   chan struct{}
	code   websocket.StatusCode
	reason string
}

// accept upgrades the request.
func (r *Registry) accept(w http.ResponseWriter, req *http.Request, secret string) (*conn, error) {
	c := &conn{r: r, secret: secret, born: time.Now(), wake: make(chan struct{}, 1), done: make(chan struct{})}
	tap := &hijackTap{ResponseWriter: w}
	ws, err := websocket.Accept(tap, req, &websocket.AcceptOptions{
		OnPingReceived: func(context.Context, []byte) bool { c.alive(); return true },
		OnPongReceived: func(context.Context, []byte) { c.alive() },
	})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(MaxControl)
	c.ws, c.net = ws, tap.conn
	return c, nil
}

// hijackTap keeps the network connection: a deadline on it bounds the closing handshake, which
// the library otherwise lets a peer stretch at will.
type hijackTap struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijackTap) Hijack() (c net.Conn, rw *bufio.ReadWriter, err error) {
	c, rw, err = http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = c
	return c, rw, err
}

func (c *conn) alive() { c.seen.Store(int64(time.Since(c.born))) }

// silence is how long ago the last sign of life was.
func (c *conn) silence() time.Duration { return time.Since(c.born) - time.Duration(c.seen.Load()) }

// shut ends the connection, for the first reason given. It does not wait.
func (c *conn) shut(code websocket.StatusCode, reason string) {
	c.once.Do(func() {
		c.code, c.reason = code, clip(reason, maxCloseReason)
		_ = c.net.SetDeadline(time.Now().Add(closeWithin))
		close(c.done)
	})
}

// serve runs the connection until its end.
func (c *conn) serve() {
	c.hello = time.AfterFunc(c.r.cfg.HelloWithin, func() { c.shut(CloseTimeout, "no hello in time") })
	defer c.hello.Stop()
	c.wg.Go(c.write)
	c.read()
	c.r.detach(c)
	c.wg.Wait()
	c.r.cfg.Log.Info("avatar server hung up", "code", int(c.code), "reason", c.reason)
}

func (c *conn) read() {
	for {
		kind, data, err := c.ws.Read(context.Background())
		if err != nil {
			c.shut(websocket.StatusNormalClosure, hangUp(err))
			return
		}
		select {
		case <-c.done:
			return
		default:
		}
		c.alive()
		if kind != websocket.MessageText {
			c.shut(CloseBadFrame, "binary frames go to avatar servers, not from them")
			return
		}
		f, err := Decode(data)
		if err == nil && f != nil {
			err = c.r.handle(c, f)
		}
		if err != nil {
			c.shut(CloseBadFrame, err.Error())
			return
		}
	}
}

// hangUp is the reason for the log when the other side ended the connection.
func hangUp(err error) string {
	if code := websocket.CloseStatus(err); code != -1 {
		return fmt.Sprintf("closed by the avatar server with %d", code)
	}
	return "the connection broke"
}

// pulse sends heartbeats, watches for the other side's, and checks the key again: a revoked one
// does not outlive a heartbeat.
func (c *conn) pulse() {
	beat := time.NewTicker(c.r.cfg.Heartbeat)
	defer beat.Stop()
	lost := time.NewTimer(c.r.cfg.LostAfter)
	defer lost.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-lost.C:
			left := c.r.cfg.LostAfter - c.silence()
			if left <= 0 {
				c.shut(CloseTimeout, "no sign of life")
				return
			}
			lost.Reset(left)
		case <-beat.C:
			c.r.beat(c)
			ctx, cancel := context.WithTimeout(c.r.base, c.r.cfg.Heartbeat)
			if err := c.r.cfg.Authenticate(ctx, c.secret); refuses(err) {
				c.shut(CloseKeyRevoked, "the key is not valid any more")
			}
			cancel()
		}
	}
}

// clip cuts s to at most n bytes of valid UTF-8.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "?")
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
