package avatarserver

import (
	"context"

	"github.com/coder/websocket"
)

// queue puts a control frame in line. A server that lets so many pile up is cut off alone. The
// caller holds Registry.mu.
func (c *conn) queue(data []byte) {
	if len(c.control) >= maxControlQueue {
		c.shut(websocket.StatusPolicyViolation, "frames are not being read")
		return
	}
	c.control = append(c.control, data)
	signal(c.wake)
}

// beat queues a heartbeat, unless other frames wait: they say as much.
func (r *Registry) beat(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.server != nil && c.server.conn == c && len(c.control) == 0 {
		c.queue(Encode(Heartbeat{}))
	}
}

// write is the one writer of the connection. Each frame has its time; one that does not get
// through ends the connection.
func (c *conn) write() {
	for {
		select {
		case <-c.done:
			_ = c.ws.Close(c.code, c.reason)
			return
		default:
		}
		kind, data := c.next()
		if data == nil {
			select {
			case <-c.wake:
			case <-c.done:
			}
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), c.r.cfg.WriteWithin)
		err := c.ws.Write(ctx, kind, data)
		cancel()
		if err != nil {
			c.shut(websocket.StatusPolicyViolation, "frames are not being read")
		}
	}
}

// next takes the frame to write: control overtakes speech, and sessions with speech take turns.
func (c *conn) next() (websocket.MessageType, []byte) {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	if len(c.control) > 0 {
		data := c.control[0]
		c.control = c.control[1:]
		return websocket.MessageText, data
	}
	for len(c.speaking) > 0 {
		a := c.speaking[0]
		c.speaking = c.speaking[1:]
		a.queued = false
		if len(a.frames) == 0 {
			continue
		}
		f := a.frames[0]
		a.frames = a.frames[1:]
		if len(a.frames) > 0 {
			a.queued = true
			c.speaking = append(c.speaking, a)
		}
		f.of.begun, f.of.sent = true, f.last
		if f.kind == websocket.MessageBinary {
			f.of.chunks++
		}
		signal(a.room)
		return f.kind, f.data
	}
	return 0, nil
}
