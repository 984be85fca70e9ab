package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"greenroom/avatarserver"
)

const (
	// answerWithin is how long dialling, and then the welcome, may take.
	answerWithin = 10 * time.Second
	writeWithin  = 10 * time.Second
	// maxQueue is how many frames may wait for the socket.
	maxQueue = 4096
)

// A link is one connection to Greenroom. One goroutine writes.
type link struct {
	ws   *websocket.Conn
	out  chan []byte
	done chan struct{}
	once sync.Once
	// bye is closed once everything queued before it may be followed by the end.
	bye chan struct{}
}

// send queues a frame. On a link that has ended it does nothing: answers die with their
// connection. One that does not drain is closed.
func (l *link) send(f avatarserver.Frame) {
	select {
	case <-l.done:
	case l.out <- avatarserver.Encode(f):
	default:
		l.end()
	}
}

// end stops the writer, which closes the socket.
func (l *link) end() { l.once.Do(func() { close(l.done) }) }

func (l *link) write(beat time.Duration) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	defer l.end()
	for {
		var data []byte
		select {
		case data = <-l.out:
		case <-ticker.C:
			data = avatarserver.Encode(avatarserver.Heartbeat{})
		case <-l.done:
			_ = l.ws.CloseNow()
			return
		case <-l.bye:
			l.flush()
			_ = l.ws.Close(websocket.StatusNormalClosure, "")
			return
		}
		if l.put(data) != nil {
			_ = l.ws.CloseNow()
			return
		}
	}
}

// flush writes what is queued.
func (l *link) flush() {
	for {
		select {
		case data := <-l.out:
			if l.put(data) != nil {
				return
			}
		default:
			return
		}
	}
}

func (l *link) put(data []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	return l.ws.Write(ctx, websocket.MessageText, data)
}

// connect dials, says hello, and serves the connection until it ends.
func (s *server) connect(ctx context.Context) (welcomed bool, err error) {
	ws, err := s.dial(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(avatarserver.MaxControl)
	welcome, err := s.greet(ctx, ws)
	if err != nil {
		return false, final(err)
	}
	l := &link{ws: ws, out: make(chan []byte, maxQueue), done: make(chan struct{}), bye: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() { l.write(time.Duration(welcome.HeartbeatMS) * time.Millisecond) })
	s.resume(l, welcome)
	stop := context.AfterFunc(ctx, func() { s.goodbye(l) })
	err = s.read(l, time.Duration(welcome.LostAfterMS)*time.Millisecond)
	s.unlink()
	if stop() {
		l.end()
	}
	wg.Wait()
	return true, final(err)
}

func (s *server) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, s.endpoint, &websocket.DialOptions{ //nolint:bodyclose // Dial closes it
		HTTPClient: s.cfg.HTTPClient,
		HTTPHeader: http.Header{"Authorization": {"Bearer " + s.cfg.Key}},
	})
	if resp != nil && resp.StatusCode == http.StatusUnauthorized {
		return nil, fmt.Errorf("%w: Greenroom refuses the avatar-server key", errFinal)
	}
	return ws, err
}

// greet says hello and waits for the welcome.
func (s *server) greet(ctx context.Context, ws *websocket.Conn) (avatarserver.Welcome, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageText, avatarserver.Encode(s.hello())); err != nil {
		return avatarserver.Welcome{}, err
	}
	_, data, err := ws.Read(ctx)
	if err != nil {
		return avatarserver.Welcome{}, err
	}
	f, err := avatarserver.Decode(data)
	if err != nil {
		return avatarserver.Welcome{}, err
	}
	w, ok := f.(avatarserver.Welcome)
	if !ok || w.HeartbeatMS < 1 || w.LostAfterMS < 1 {
		return avatarserver.Welcome{}, errors.New("the first answer was not a welcome")
	}
	return w, nil
}

// read takes frames until the connection ends or Greenroom has been silent for too long.
func (s *server) read(l *link, lostAfter time.Duration) error {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), lostAfter)
		kind, data, err := l.ws.Read(ctx)
		cancel()
		if err != nil {
			return err
		}
		if kind == websocket.MessageBinary {
			err = s.chunk(l, data)
		} else {
			err = s.control(l, data)
		}
		if err != nil {
			return fmt.Errorf("a frame that cannot be: %w", err)
		}
	}
}

// goodbye ends a connection in good order: Greenroom learns at once that the sessions are gone,
// and need not wait out the grace.
func (s *server) goodbye(l *link) {
	s.mu.Lock()
	l.send(avatarserver.Drain{})
	for _, x := range s.sessions {
		l.send(avatarserver.Lost{Address: avatarserver.Address(x.ref), Reason: "shutting down"})
	}
	s.mu.Unlock()
	close(l.bye)
}

// final marks the errors after which dialling again is of no use.
func final(err error) error {
	switch websocket.CloseStatus(err) {
	case avatarserver.CloseBadFrame, avatarserver.CloseKeyRevoked, avatarserver.CloseTakenOver:
		return fmt.Errorf("%w: %w", errFinal, err)
	}
	return err
}
