package stream

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/coder/websocket"
)

var (
	// errTooBig is a frame above MaxFrame.
	errTooBig = errors.New("a frame is too big")
	// Frames that were read to their end and thrown away.
	errBinary   = badFrame("frames are JSON text, not binary")
	errNoMemory = &fault{CodeUnavailable, "too many large frames are under way: send it again, or in pieces of up to 1 MiB"}
	errNotInit  = badFrame("First message must be session.init")
)

const (
	// piece is how many bytes are read at a time: a frame that comes slowly is a sign of life.
	piece = 64 << 10
	// minPace is the fewest bytes a second that a frame may come at while it has a slot.
	minPace = 64_000
)

// receive reads the next frame, which the caller frees. A *fault says that it was thrown away and
// that the socket is good; after any other error it is not. Strangers are read little of.
func (c *conn) receive(stranger bool) (*buffer, error) {
	kind, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return nil, err
	}
	c.incoming.Reset(c.server.cfg.FrameWithin)
	defer c.incoming.Stop()
	in := &living{c: c, r: r}
	defer in.stop()
	if kind != websocket.MessageText {
		return nil, in.discard(0, errBinary)
	}
	b := &buffer{data: make([]byte, 0, c.usual)}
	if err := in.fill(b, stranger); err != nil {
		b.free()
		return nil, err
	}
	// Clients send their audio in pieces of one length: the next one fits as it is.
	if n := len(b.data); n > firstBuffer {
		c.usual = min(n, usualBuffer)
	}
	return b, nil
}

// living is a frame on its way in. Each piece of it tells that the client is there.
type living struct {
	c *conn
	r io.Reader
	// slow runs out when a frame in a slot does not come fast enough: it has until then for so
	// many bytes. Nil without a slot.
	slow  *time.Timer
	bytes int
}

// Read reads a piece. The library comes back with the whole of it only, so a piece never goes
// beyond the bytes that are due.
func (in *living) Read(p []byte) (int, error) {
	most := piece
	if in.slow != nil {
		most = min(most, in.bytes)
	}
	n, err := in.r.Read(p[:min(len(p), most)])
	in.c.alive()
	if in.bytes -= n; in.slow != nil && in.bytes == 0 {
		in.hurry()
	}
	return n, err
}

// hurry sets the time for the next bytes. Who does not keep it loses the socket rather than the
// slot alone: a read that is under way still writes into the slot's memory.
func (in *living) hurry() {
	over := in.c.server.cfg.PaceOver
	in.bytes = max(1, int(minPace*over.Seconds()))
	if in.slow != nil {
		in.slow.Reset(over)
		return
	}
	in.slow = time.AfterFunc(over, func() {
		in.c.shut(CloseTimeout, "a frame above 1 MiB came too slowly: send pieces of up to 1 MiB")
	})
}

// stop ends the hurry.
func (in *living) stop() {
	if in.slow != nil {
		in.slow.Stop()
	}
}

// fill reads the whole frame into b.
func (in *living) fill(b *buffer, stranger bool) error {
	for {
		if len(b.data) < cap(b.data) {
			n, err := in.Read(b.data[len(b.data):cap(b.data)])
			b.data = b.data[:len(b.data)+n]
			if done, err := over(err); done {
				return err
			}
			continue
		}
		// The frame may end right here: then nothing has to grow.
		var next [1]byte
		n, err := in.Read(next[:])
		if n > 0 {
			if err := in.makeRoom(b, stranger); err != nil {
				return err
			}
			b.data = append(b.data, next[0])
		}
		if done, err := over(err); done {
			return err
		}
	}
}

// over tells whether a frame's end has been reached, or that of the connection.
func over(err error) (bool, error) {
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return err != nil, err
}

// makeRoom lets b hold more. While it waits for a slot the socket is not read.
func (in *living) makeRoom(b *buffer, stranger bool) error {
	switch {
	case stranger && cap(b.data) >= maxInit:
		return in.discard(len(b.data)+1, errNotInit)
	case b.grow():
		return nil
	case b.slot != nil:
		return errTooBig
	}
	c := in.c
	c.incoming.Stop()
	c.pause()
	slot := c.server.large.take(c.turn, c.latest.Load().AccountID, c.done, c.server.cfg.SlotWithin)
	c.resume()
	c.incoming.Reset(c.server.cfg.FrameWithin)
	if slot == nil {
		return in.discard(len(b.data)+1, errNoMemory)
	}
	b.move(slot)
	in.hurry()
	return nil
}

// discard reads the rest of a frame, of which so many bytes have been read, and answers why.
func (in *living) discard(read int, why *fault) error {
	n, err := io.Copy(io.Discard, io.LimitReader(in, int64(MaxFrame-read)+1))
	switch {
	case err != nil:
		return err
	case n > int64(MaxFrame-read):
		return errTooBig
	}
	return why
}
