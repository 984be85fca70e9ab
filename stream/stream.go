// Package stream is the WebSocket behind wsUri: a client says who it is with the session's access
// token, then sends what the avatar is to speak. Video and sound never travel here.
//
// The protocol is written down for client developers in docs/stream.md. What a session may do is
// decided in package session; this package checks frames, keeps their order, and sees to it that
// no client costs more than its share.
package stream

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"greenroom/auth"
	"greenroom/models"
	"greenroom/session"
)

// Path is where clients dial in, as a pattern of http.ServeMux.
const Path = "/v1/sessions/{id}/stream"

// Close codes of the socket, besides the WebSocket standard's own: 1008 for a client that does
// not read, 1012 while the server is draining, 1013 when it cannot tell whose the token is.
const (
	// CloseBadFrame: the first frame was not a session.init that can be understood.
	CloseBadFrame websocket.StatusCode = 4400
	// CloseUnauthorized: the token is wrong, is another session's, or has been rotated.
	CloseUnauthorized websocket.StatusCode = 4401
	// CloseTimeout: no session.init in time, a frame that never came to its end or a large one
	// that came too slowly, or no sign of life.
	CloseTimeout websocket.StatusCode = 4408
	// CloseTakenOver: a newer socket of the same session has taken over.
	CloseTakenOver websocket.StatusCode = 4409
	// CloseEnded: the session has ended.
	CloseEnded websocket.StatusCode = 4410
	// CloseTooBig: a frame was above MaxFrame.
	CloseTooBig websocket.StatusCode = 4413
)

// Config is what a Server needs. Numbers that are 0 take their defaults.
type Config struct {
	Sessions *session.Service
	// Admit tells whose a secret is, sent from the address remote; see auth.Gate.
	Admit func(ctx context.Context, remote, secret string) (*auth.Caller, error)
	// Keep gives a context that ends with the secret; see auth.Authenticator.
	Keep func(ctx context.Context, secret string) (kept context.Context, release func())
	// Origins are the pages that may connect from a browser.
	Origins auth.Origins
	Clock   models.Clock
	Log     *slog.Logger

	// LargeFrames is how many frames above 1 MiB may be in memory at once, each in 16 MiB, of all
	// streams together, 8. One account's may be a quarter of them, at least 1.
	LargeFrames int
	// InitWithin is how long a new socket has for its session.init, 10 s.
	InitWithin time.Duration
	// FrameWithin is how long a frame may take to arrive, 60 s.
	FrameWithin time.Duration
	// SlotWithin is how long a large frame waits for its turn in memory, 30 s. Its stream's own
	// last one does not count.
	SlotWithin time.Duration
	// PaceOver is over how long a large frame's pace is averaged, 5 s: at less than 64 kB a second
	// the stream is closed.
	PaceOver time.Duration
	// WriteWithin is how long one frame may take to be written, 10 s.
	WriteWithin time.Duration
	// PingEvery is the time between two pings, 25 s; LostAfter is how long a socket that is being
	// read may be silent, 30 s. A dead one is found within the sum of both.
	PingEvery, LostAfter time.Duration
	// LeftAfter is how long the last client of a session must be gone before the timeline tells,
	// 1 s: one that reconnects at once has not left.
	LeftAfter time.Duration
}

func (c *Config) fill() {
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	c.LargeFrames = cmp.Or(c.LargeFrames, 8)
	c.InitWithin = cmp.Or(c.InitWithin, 10*time.Second)
	c.FrameWithin = cmp.Or(c.FrameWithin, time.Minute)
	c.SlotWithin = cmp.Or(c.SlotWithin, 30*time.Second)
	c.PaceOver = cmp.Or(c.PaceOver, 5*time.Second)
	c.WriteWithin = cmp.Or(c.WriteWithin, 10*time.Second)
	c.PingEvery = cmp.Or(c.PingEvery, 25*time.Second)
	c.LostAfter = cmp.Or(c.LostAfter, 30*time.Second)
	c.LeftAfter = cmp.Or(c.LeftAfter, time.Second)
}

// A Server is all the streams of this process. It is an http.Handler, to be mounted at Path.
type Server struct {
	cfg        Config
	large      *slots
	attendance *attendance
	// wg counts connections.
	wg sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[*conn]bool
	// current has, by session id, the one stream that a session has.
	current map[string]*conn
}

// New makes a Server without any streams.
func New(cfg Config) *Server {
	cfg.fill()
	return &Server{
		cfg:        cfg,
		large:      newSlots(cfg.LargeFrames),
		attendance: newAttendance(cfg.Sessions, cfg.LeftAfter, cfg.Log),
		conns:      map[*conn]bool{},
		current:    map[string]*conn{},
	}
}

// ServeHTTP upgrades the request and serves the stream until its end. A page of a strange origin
// is answered 403 before the upgrade, and everybody 503 while the server is draining.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.cfg.Origins.Allow(r) {
		http.Error(w, "pages of this origin may not connect: the server's operator has to allow it", http.StatusForbidden)
		return
	}
	if !s.begin() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "not now: dial again", http.StatusServiceUnavailable)
		return
	}
	defer s.wg.Done()
	c, err := s.accept(w, r)
	if err != nil {
		s.cfg.Log.Debug("stream did not get through the handshake", "error", err)
		return
	}
	s.admit(c)
	defer s.dismiss(c)
	c.serve()
}

// begin counts a connection, unless the server is draining.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1)
	return true
}

// admit makes the connection known to Shutdown, which may have begun during the handshake.
func (s *Server) admit(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = true
	if s.closed {
		c.shut(websocket.StatusServiceRestart, draining)
	}
}

func (s *Server) dismiss(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.current[c.sessionID] == c {
		delete(s.current, c.sessionID)
	}
}

// attach makes c the session's stream. An older one is closed: what is new is alive.
func (s *Server) attach(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.current[c.sessionID]; old != nil {
		old.shut(CloseTakenOver, "a newer socket of this session has taken over")
	}
	s.current[c.sessionID] = c
}

// Open is how many streams there are.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.current)
}

// draining is the reason of a close with 1012.
const draining = "draining: dial again"

// Shutdown closes every stream with 1012 and waits until all is quiet, or ctx ends. No session
// ends by it: clients dial in again.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.shut(websocket.StatusServiceRestart, draining)
	}
	s.mu.Unlock()
	quiet := make(chan struct{})
	go func() {
		s.wg.Wait()
		s.attendance.flush()
		close(quiet)
	}()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
