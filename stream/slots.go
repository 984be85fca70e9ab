package stream

import (
	"sync"
	"time"
)

const (
	// firstBuffer is what the reading of a frame begins with; most are not longer.
	firstBuffer = 4 << 10
	// largeFrame is above how many bytes a frame is large.
	largeFrame = 1 << 20
	// maxInit is the most bytes of a session.init: strangers get no more.
	maxInit = 64 << 10
)

// slots bound what large frames take of memory, of all streams together: each has one from
// before its second megabyte is read until its audio is handed on.
type slots struct {
	free chan struct{}
	// buffers are of *[MaxFrame]byte. Those that nobody needs are the garbage collector's.
	buffers sync.Pool
}

func newSlots(n int) *slots {
	s := &slots{free: make(chan struct{}, n)}
	s.buffers.New = func() any { return new([MaxFrame]byte) }
	for range n {
		s.free <- struct{}{}
	}
	return s
}

// take waits for a slot, and gives nil when there is none in time or done is closed.
func (s *slots) take(done <-chan struct{}, within time.Duration) *[MaxFrame]byte {
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-s.free:
		return s.buffers.Get().(*[MaxFrame]byte) //nolint:errcheck,forcetypeassert // New makes nothing else
	case <-done:
	case <-late.C:
	}
	return nil
}

func (s *slots) give(b *[MaxFrame]byte) {
	s.buffers.Put(b)
	s.free <- struct{}{}
}

// A buffer holds one frame: in memory of its own, or in a slot.
type buffer struct {
	data  []byte
	slot  *[MaxFrame]byte
	slots *slots
}

// free gives the slot back. Nothing may point into the buffer any more.
func (b *buffer) free() {
	if b.slot != nil {
		b.slots.give(b.slot)
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
func (b *buffer) move(to *[MaxFrame]byte, of *slots) {
	b.slot, b.slots = to, of
	b.data = append(to[:0], b.data...)
}
