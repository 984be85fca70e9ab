package transport

import "sync"

// largestKept is the most bytes of a buffer that is used again: an answer is seldom larger, and one
// that is should not hold its memory.
const largestKept = 256 << 10

var buffers sync.Pool

// Buffer gives an empty buffer to write an answer's data into. The transport that has sent the answer
// takes it back: nobody else keeps a response's data.
func Buffer() []byte {
	if b, ok := buffers.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, 4<<10)
}

// release takes back what an answer was written into.
func release(b []byte) {
	if cap(b) >= 1<<10 && cap(b) <= largestKept {
		buffers.Put(&b)
	}
}
