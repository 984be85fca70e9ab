package transport

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"net"
	"net/http"
	"time"
)

// A wire is a socket's connection. Whoever has writing writes one whole frame: this package messages,
// and the library pings, pongs and close frames, each with one Write.
type wire struct {
	net.Conn
	writing turnstile
	// closing: the close frame has been written, and nothing comes behind it. Guarded by writing.
	closing bool
	// deadline is the connection's for writing.
	deadline deadline
	now      nowWriter
}

// A turnstile is a mutex that goroutines wait at for a client's sake, for seconds: synctest takes
// that for waiting, as it does not of a sync.Mutex.
type turnstile chan struct{}

// Lock waits its turn.
func (t turnstile) Lock() { t <- struct{}{} }

// Unlock lets the next one in.
func (t turnstile) Unlock() { <-t }

// TryLock tells whether it is the caller's turn now.
func (t turnstile) TryLock() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

// Of the head of a frame. https://www.rfc-editor.org/rfc/rfc6455#section-5.2
const (
	finalText   = 0x81
	opcodeBits  = 0x0f
	opcodeClose = 0x8
)

// Write is the library's.
func (w *wire) Write(b []byte) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	if len(b) > 0 && b[0]&opcodeBits == opcodeClose {
		w.closing = true
	}
	return w.Conn.Write(b)
}

// appendHead appends the head of a text's frame.
func appendHead(b []byte, length int) []byte {
	switch {
	case length <= 125:
		return append(b, finalText, byte(length)) //nolint:gosec // G115: as the case says
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, finalText, 126), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(b, finalText, 127), uint64(length))
	}
}

// writeNow writes as much of a frame as the connection takes at once, and gives the rest. The caller
// holds writing.
func (w *wire) writeNow(frame []byte) (rest []byte, err error) {
	if w.closing {
		return nil, net.ErrClosed
	}
	n, err := w.now.write(frame)
	return frame[n:], err
}

// writeRest writes a frame, or what is left of it, within the time that a client has. The caller holds
// writing.
func (w *wire) writeRest(rest []byte) error {
	if w.closing {
		return net.ErrClosed
	}
	if err := w.deadline.move(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	if _, err := w.Conn.Write(rest); err != nil {
		return err
	}
	return w.deadline.move(time.Time{}) // the library's own frames have deadlines of theirs
}

const (
	// readBuffer is for the head of a frame, and what of it comes along: payloads are read past it.
	readBuffer = 512
	// writeBuffer holds the largest frame of control.
	writeBuffer = 256
)

// A hijackTap hands the library a wire, and buffers of the size that a socket needs: net/http's are
// 4 kB each. What the client has sent already is kept.
type hijackTap struct {
	http.ResponseWriter
	wire *wire
}

func (h *hijackTap) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.wire = &wire{Conn: conn, writing: make(turnstile, 1), now: newNowWriter(conn)}
	h.wire.deadline.set = conn.SetWriteDeadline
	sent, _ := rw.Peek(rw.Reader.Buffered())
	in := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(sent), conn), max(readBuffer, len(sent)))
	_, _ = in.Peek(len(sent)) // the library takes over what is buffered, and reads on by itself
	return h.wire, bufio.NewReadWriter(in, bufio.NewWriterSize(h.wire, writeBuffer)), nil
}
