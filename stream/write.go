package stream

import (
	"context"

	"github.com/coder/websocket"
)

// send queues a frame for the client. It waits while the client does not read, and gives the
// frame up with the connection.
func (c *conn) send(answer any) {
	select {
	case <-c.done: // the last frame is queued already
		return
	default:
	}
	select {
	case c.out <- encode(answer):
	case <-c.done:
	}
}

// refuse says why, and ends the connection.
func (c *conn) refuse(code websocket.StatusCode, id *string, why *fault) {
	c.send(failure{"error", string(why.code), why.text, id})
	c.shut(code, why.text)
}

// write is the one writer of the connection. Each frame has its time; one that does not get
// through ends the connection.
func (c *conn) write() {
	for {
		select {
		case data := <-c.out:
			if c.put(data) != nil {
				c.shut(websocket.StatusPolicyViolation, "frames are not being read")
			}
		case <-c.done:
			c.farewell()
			return
		}
	}
}

// farewell writes what is queued, and closes.
func (c *conn) farewell() {
	for {
		select {
		case data := <-c.out:
			if c.put(data) == nil {
				continue
			}
		default:
		}
		_ = c.ws.Close(c.code, c.reason)
		return
	}
}

func (c *conn) put(data []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), c.server.cfg.WriteWithin)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, data)
}

// ping asks for a sign of life; the answer comes by the reader. It has the time of any frame: the
// library closes the connection when a write is cut short.
func (c *conn) ping() {
	ctx, cancel := context.WithTimeout(context.Background(), c.server.cfg.WriteWithin)
	defer cancel()
	_ = c.ws.Ping(ctx)
}

// Frames that the server sends. ID is the one of the frame that they answer.
type (
	established struct {
		Type      string  `json:"type"`
		SessionID string  `json:"session_id"`
		ID        *string `json:"id,omitempty"`
	}
	// speakConfirmed tells the length of a speech after resampling to 16 kHz.
	speakConfirmed struct {
		Type         string  `json:"type"`
		AudioSamples int     `json:"audio_samples"`
		ID           *string `json:"id,omitempty"`
	}
	interruptConfirmed struct {
		Type string  `json:"type"`
		ID   *string `json:"id,omitempty"`
	}
	// keepAliveConfirmed tells when the session ends by itself; null when nothing limits it.
	keepAliveConfirmed struct {
		Type             string  `json:"type"`
		RemainingSeconds *int    `json:"remaining_seconds"`
		ID               *string `json:"id,omitempty"`
	}
	expiring struct {
		Type    string `json:"type"`
		Seconds int    `json:"seconds"`
	}
	ended struct {
		Type      string  `json:"type"`
		EndReason string  `json:"end_reason"`
		ID        *string `json:"id,omitempty"`
	}
	failure struct {
		Type  string  `json:"type"`
		Code  string  `json:"code"`
		Error string  `json:"error"`
		ID    *string `json:"id,omitempty"`
	}
)
