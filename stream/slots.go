package stream

import (
	"sync"
	"time"
)

const (
	// firstBuffer is what the reading of a frame begins with, unless the client's frames are longer.
	firstBuffer = 4 << 10
	// usualBuffer is the most that it begins with.
	usualBuffer = 64 << 10
	// largeFrame is above how many bytes a frame is large.
	largeFrame = 1 << 20
	// maxInit is the most bytes of a session.init: strangers get no more.
	maxInit = 64 << 10
)

// tokens are taken out of the channel and put back: so many may have one at a time. Whoever has
// waited longest is next.
type tokens chan struct{}

func newTokens(n int) tokens {
	t := make(tokens, n)
	for range n {
		t.give()
	}
	return t
}

// take waits for a token, and answers false when there is none before late or done. One that is
// there is taken however late it is.
func (t tokens) take(done <-chan struct{}, late <-chan time.Time) bool {
	select {
	case <-t:
		return true
	default:
	}
	select {
	case <-t:
		return true
	case <-done:
	case <-late:
	}
	return false
}

func (t tokens) give() { t <- struct{}{} }

// slots bound what large frames take of memory, of all streams together: each has one from
// before its second megabyte is read until its audio is handed on. So that nobody keeps the
// others out, a stream has one at a time, and the streams of one account have a quarter of them.
type slots struct {
	free tokens
	// buffers are of *[MaxFrame]byte. Those that nobody needs are the garbage collector's.
	buffers sync.Pool

	mu sync.Mutex
	// shares are by account, of those that have a slot or wait for one.
	shares map[string]*share
}

// A share is the slots that one account may have.
type share struct {
	free  tokens
	users int
}

// A slot is the memory of one large frame.
type slot struct {
	memory *[MaxFrame]byte
	of     *slots
	// stream is where the slot's own stream waits for it.
	stream  tokens
	account string
	share   *share
}

func newSlots(n int) *slots {
	s := &slots{free: newTokens(n), shares: map[string]*share{}}
	s.buffers.New = func() any { return new([MaxFrame]byte) }
	return s
}

// take waits for a slot, and gives nil when there is none in time or done is closed. A stream
// waits for its own last slot as long as it takes: it keeps nobody else waiting.
func (s *slots) take(stream tokens, account string, done <-chan struct{}, within time.Duration) *slot {
	if !stream.take(done, nil) {
		return nil
	}
	late := time.NewTimer(within)
	defer late.Stop()
	own := s.join(account)
	if own.free.take(done, late.C) {
		if s.free.take(done, late.C) {
			memory := s.buffers.Get().(*[MaxFrame]byte) //nolint:errcheck // New makes nothing else
			return &slot{memory, s, stream, account, own}
		}
		own.free.give()
	}
	s.leave(account)
	stream.give()
	return nil
}

// give gives the slot back. Nothing may point into its memory any more.
func (t *slot) give() {
	t.of.buffers.Put(t.memory)
	t.of.free.give()
	t.share.free.give()
	t.of.leave(t.account)
	t.stream.give()
}

// join finds the account's share, and keeps it until leave.
func (s *slots) join(account string) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.shares[account]
	if own == nil {
		own = &share{free: newTokens(max(1, cap(s.free)/4))}
		s.shares[account] = own
	}
	own.users++
	return own
}

func (s *slots) leave(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.shares[account]
	if own.users--; own.users == 0 {
		delete(s.shares, account)
	}
}

// A buffer holds one frame: in memory of its own, or in a slot.
type buffer struct {
	data []byte
	slot *slot
}

// free gives the slot back. Nothing may point into the buffer any more.
func (b *buffer) free() {
	if b.slot != nil {
		b.slot.give()
	}
	b.data, b.slot = nil, nil
}

// grow makes room for more, and answers false when that would need a slot.
func (b *buffer) grow() bool {
	if cap(b.data) >= largeFrame {
		return false
	}
	b.data = append(make([]byte, 0, min(2*cap(b.data), largeFrame)), b.data...)
	return true
}

// move goes on in a slot.
func (b *buffer) move(to *slot) {
	b.slot = to
	b.data = append(to.memory[:0], b.data...)
}
