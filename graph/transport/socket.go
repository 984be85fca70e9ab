package transport

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"greenroom/auth"
)

// A socket is one client's. Its end is its context's end, whose cause is the close frame; who
// ends it waits for nobody.
type socket struct {
	t    *WebSocket
	exec graphql.GraphExecutor
	ctx  context.Context
	end  context.CancelCauseFunc
	ws   *websocket.Conn
	wire *wire
	// remote is who has dialled; secret is the credential of the handshake, or badSecret why it is none.
	remote, secret string
	badSecret      error

	// These belong to the reader. base is what operations run in, nil before the connection_ack, and
	// the same ever after; release lets go of what Keep holds.
	initialised *time.Timer
	base        context.Context
	release     func()

	mu         sync.Mutex
	operations map[string]*operation
	draining   bool
	// slots are taken by operations until their goroutines have ended.
	slots   chan struct{}
	running sync.WaitGroup
}

func newSocket(t *WebSocket, r *http.Request, exec graphql.GraphExecutor, ctx context.Context, end context.CancelCauseFunc) *socket { //nolint:revive // the context is the socket's, not the call's
	s := &socket{
		t: t, exec: exec, ctx: ctx, end: end, remote: r.RemoteAddr, release: func() {},
		operations: map[string]*operation{}, slots: make(chan struct{}, 2*maxOperations),
	}
	s.secret, s.badSecret = auth.Credential(r.Header)
	return s
}

// serve runs the socket until its end, and returns when nothing of it is left.
func (s *socket) serve() {
	farewell := make(chan struct{})
	context.AfterFunc(s.ctx, func() {
		defer close(farewell)
		s.wakeAll()
		s.farewell()
	})
	if s.ws.Subprotocol() == "" {
		s.end(errBadSubprotocol)
	}
	s.initialised = time.AfterFunc(initWithin, func() { s.end(errTimeout) })
	pulse := newPulse(s)
	s.end(s.read())
	s.initialised.Stop()
	pulse.stop()
	<-farewell
	s.wakeAll() // those that have begun since
	s.running.Wait()
	s.release()
}

// wakeAll has operations that rest find out that the socket has ended.
func (s *socket) wakeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.operations {
		o.wake()
	}
}

// read handles messages until one is wrong or the connection has ended.
func (s *socket) read() (err error) {
	defer func() { s.caught(recover(), &err) }()
	for {
		kind, frame, err := s.ws.Read(context.Background())
		if err != nil {
			return hungUp(err)
		}
		if s.ctx.Err() != nil {
			return s.ctx.Err() // it has ended already
		}
		// In a goroutine of its own, for the sake of this one's stack, which would keep for as long as
		// the socket lives what a look-up of its credential needs once.
		handled := make(chan error)
		go func() {
			var err error
			defer func() { handled <- err }()
			defer func() { s.caught(recover(), &err) }()
			err = s.receive(kind, frame)
		}()
		if err := <-handled; err != nil {
			return err
		}
	}
}

// caught makes of a panic the socket's end.
func (s *socket) caught(panicked any, err *error) {
	if panicked != nil {
		_ = presentPanic(s.ctx, s.exec, panicked) // which logs it
		*err = errCutOff
	}
}

// receive does what a frame asks for. An error is the close frame.
func (s *socket) receive(kind websocket.MessageType, frame []byte) error {
	if kind != websocket.MessageText {
		return closeBadFrame("messages are text")
	}
	m, err := parse(frame)
	if err != nil {
		return closeBadFrame(err.Error())
	}
	return s.handle(m)
}

// hungUp is how a socket ends whose connection has: the library has told the client why, if it
// was that which ended it.
func hungUp(err error) error {
	if errors.Is(err, websocket.ErrMessageTooBig) {
		return websocket.CloseError{Code: websocket.StatusMessageTooBig, Reason: "the message is too big"}
	}
	return errCutOff
}

// handle does what a message asks for. An error is the close frame.
func (s *socket) handle(m *message) error {
	switch m.kind {
	case typeInit:
		if !s.initialised.Stop() {
			return errSecondInit
		}
		if err := s.signIn(m.payload); err != nil {
			return err
		}
		s.send(simple(typeAck, nil))
	case typePing:
		s.send(simple(typePong, m.payload))
	case typeSubscribe:
		if s.base == nil {
			return errNotInitialised
		}
		return s.subscribe(m)
	case typeComplete:
		s.forget(m.id)
	}
	return nil
}

// send writes a message that belongs to no operation.
func (s *socket) send(text []byte) {
	s.wire.writing.Lock()
	defer s.wire.writing.Unlock()
	s.write(text)
}

// write writes one message. The caller holds the wire's writing. A client that does not take it in
// time is cut off: a frame that has been written in part cannot be taken back.
func (s *socket) write(text []byte) {
	if s.ctx.Err() != nil {
		return
	}
	frame := append(appendHead(Buffer(), len(text)), text...)
	rest, err := s.wire.writeNow(frame)
	if err == nil && len(rest) > 0 {
		err = s.wire.writeRest(rest)
	}
	if err != nil {
		s.end(errCutOff)
		return
	}
	release(frame)
}

// farewell tells the client why its socket has ended, and hangs up.
func (s *socket) farewell() {
	last := time.Now().Add(closeWithin) // without it the client would decide how long it takes
	s.wire.deadline.end(last)
	_ = s.wire.SetReadDeadline(last) // a connection that is closed has none to move
	why, ok := errors.AsType[websocket.CloseError](context.Cause(s.ctx))
	if !ok || why.Code == errCutOff.Code {
		_ = s.ws.CloseNow() // nobody is there to be told
		return
	}
	_ = s.ws.Close(why.Code, why.Reason) // whether the client has answered or not
}

// drain ends the socket because the server stops: when nothing but subscriptions is left.
func (s *socket) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	s.endIfDrained()
}

// endIfDrained ends a draining socket that has no query or mutation under way. Their answers
// are worth waiting for: a client that has lost one may do the same again. The caller holds mu.
func (s *socket) endIfDrained() {
	if !s.draining {
		return
	}
	for _, o := range s.operations {
		if !o.subscription {
			return
		}
	}
	s.end(errDraining)
}

// A pulse asks the client for signs of life, so that one whose network has gone is found out.
type pulse struct {
	s     *socket
	mu    sync.Mutex
	timer *time.Timer
}

func newPulse(s *socket) *pulse {
	p := &pulse{s: s}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(pingEvery, p.beat)
	return p
}

func (p *pulse) beat() {
	// Whoever is writing will find out what becomes of it.
	if p.s.wire.writing.TryLock() {
		p.s.wire.writing.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), pingEvery)
		defer cancel()
		if p.s.ws.Ping(ctx) != nil {
			p.s.end(errCutOff)
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s.ctx.Err() == nil {
		p.timer.Reset(pingEvery)
	}
}

// stop ends the pulse; a ping that is under way ends with the connection.
func (p *pulse) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.Stop()
}
