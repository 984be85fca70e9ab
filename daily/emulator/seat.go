package emulator

import (
	"context"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// SampleRate is that of all speech in emulated rooms, in samples a second: signed 16 bit little
// endian, mono.
const SampleRate = 16_000

const (
	// maxBacklog is how many bytes of speech wait for a slow reader: 5 s. What is older is
	// dropped, as a call on a bad line drops it.
	maxBacklog = 5 * 2 * SampleRate
	// maxUnread is how many messages may wait altogether; whoever lets more pile up is cut off.
	maxUnread = 512
	// writeWithin is how long one message may take.
	writeWithin = 10 * time.Second
)

// Close codes of a room's socket, besides the WebSocket standard's own.
const (
	// closeBadFrame: a frame was not as expected.
	closeBadFrame websocket.StatusCode = 4400
	// closeRefused: the room did not let the participant in; the frame before says why.
	closeRefused websocket.StatusCode = 4403
	// closeTimeout: nobody said who is joining.
	closeTimeout websocket.StatusCode = 4408
	// closeEnded: the participant was put out; the frame before says why.
	closeEnded websocket.StatusCode = 4410
)

// A seat is the socket of a participant: a browser's or an avatar's. Whoever joins by a call to
// the API has none.
type seat struct {
	ws *websocket.Conn
	// avatar may send speech; picture is its image's address, or empty.
	avatar  bool
	picture string
	// Set with the emulator's mu held, on joining.
	meeting *meeting
	p       *Participant

	mu    sync.Mutex
	queue []message
	// backlog is how many bytes of speech are in the queue.
	backlog int
	// last tells that the queue ends with the closing.
	last bool
	wake chan struct{}
}

// A message goes to the socket: a frame, or with a code the end.
type message struct {
	kind   websocket.MessageType
	data   []byte
	code   websocket.StatusCode
	reason string
}

func newSeat(ws *websocket.Conn) *seat { return &seat{ws: ws, wake: make(chan struct{}, 1)} }

// tell queues a frame.
func (s *seat) tell(frame object) {
	s.push(message{kind: websocket.MessageText, data: compact(frame)})
}

// play queues speech.
func (s *seat) play(pcm []byte) { s.push(message{kind: websocket.MessageBinary, data: pcm}) }

// end queues the closing; nothing comes after it.
func (s *seat) end(code websocket.StatusCode, reason string) {
	s.push(message{code: code, reason: reason})
}

// push never waits: it is called with the emulator's mu held.
func (s *seat) push(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last {
		return
	}
	if len(s.queue) >= maxUnread && m.code == 0 {
		s.queue, s.backlog = nil, 0
		m = message{code: websocket.StatusPolicyViolation, reason: "nothing is being read"}
	}
	s.queue = append(s.queue, m)
	s.last = m.code != 0
	if m.kind == websocket.MessageBinary {
		s.backlog += len(m.data)
		s.drop(maxBacklog)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// silence drops the speech that waits.
func (s *seat) silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(0)
}

// drop takes the oldest speech out of the queue until so many bytes are left. mu is held.
func (s *seat) drop(most int) {
	if s.backlog <= most {
		return
	}
	kept := s.queue[:0]
	for _, m := range s.queue {
		if m.kind == websocket.MessageBinary && s.backlog > most {
			s.backlog -= len(m.data)
			continue
		}
		kept = append(kept, m)
	}
	clear(s.queue[len(kept):])
	s.queue = kept
}

func (s *seat) next() (message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return message{}, false
	}
	m := s.queue[0]
	s.queue = s.queue[1:]
	if m.kind == websocket.MessageBinary {
		s.backlog -= len(m.data)
	}
	return m, true
}

// write sends what is queued until ctx ends or the closing is sent.
func (s *seat) write(ctx context.Context) {
	defer func() { _ = s.ws.CloseNow() }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		for m, more := s.next(); more; m, more = s.next() {
			if m.code != 0 {
				_ = s.ws.Close(m.code, m.reason) // the other side may be gone
				return
			}
			if s.put(ctx, m) != nil {
				return
			}
		}
	}
}

func (s *seat) put(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	return s.ws.Write(ctx, m.kind, m.data)
}

// beat cuts off who gives no sign of life, such as a laptop that was closed: it has left then.
func (s *seat) beat(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		alive, cancel := context.WithTimeout(ctx, every)
		err := s.ws.Ping(alive)
		cancel()
		if err != nil {
			_ = s.ws.CloseNow()
			return
		}
	}
}
