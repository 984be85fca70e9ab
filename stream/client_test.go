package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// A client is a phone's end of a stream.
type client struct {
	t  *testing.T
	ws *websocket.Conn
}

// An answer is any frame of the server's.
type answer struct {
	Type             string
	ID               string
	Code             string
	Error            string
	SessionID        string `json:"session_id"`
	AudioSamples     int    `json:"audio_samples"`
	RemainingSeconds *int   `json:"remaining_seconds"`
	Seconds          int
	EndReason        string `json:"end_reason"`
}

// dial opens a socket; the server has not heard anything yet.
func (w *world) dial(sessionID string) *client {
	w.t.Helper()
	c, _, err := w.tryDial(sessionID, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// tryDial is dial for a handshake that may be refused, with an HTTP status.
func (w *world) tryDial(sessionID string, header http.Header) (c *client, status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, response, err := websocket.Dial(ctx, w.url+strings.Replace(Path, "{id}", sessionID, 1), //nolint:bodyclose // Dial closes it
		&websocket.DialOptions{HTTPClient: w.http, HTTPHeader: header})
	if response != nil {
		status = response.StatusCode
	}
	if err != nil {
		return nil, status, err
	}
	ws.SetReadLimit(-1)
	w.t.Cleanup(func() { _ = ws.CloseNow() })
	return &client{w.t, ws}, status, nil
}

// connect opens a stream and says hello.
func (w *world) connect(of pair) *client {
	w.t.Helper()
	c := w.dial(of.id)
	c.send(`{"type": "session.init", "session_id": "` + of.id + `", "access_token": "` + of.token + `"}`)
	if got := c.receive(); got != (answer{Type: "connection.established", SessionID: of.id}) {
		w.t.Fatalf("established: %+v", got)
	}
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := c.write(websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

func (c *client) write(kind websocket.MessageType, data []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.ws.Write(ctx, kind, data)
}

// speak sends silence of so many samples under an id.
func (c *client) speak(id string, samples, rate int) {
	c.t.Helper()
	c.send(fmt.Sprintf(`{"type": "agent.speak", "id": %q, "audio": "%s", "sample_rate": %d}`, id, silence(samples), rate))
}

// silence is base64 of so many samples.
func silence(samples int) string {
	return strings.Repeat("AAAA", 2*samples/3) + []string{"", "AA==", "AAA="}[2*samples%3]
}

func (c *client) read() (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var got answer
	_, data, err := c.ws.Read(ctx)
	if err == nil {
		err = json.Unmarshal(data, &got)
	}
	return got, err
}

func (c *client) receive() answer {
	c.t.Helper()
	got, err := c.read()
	if err != nil {
		c.t.Fatalf("receive: %v", err)
	}
	return got
}

// expect receives a frame and compares it.
func (c *client) expect(want answer) {
	c.t.Helper()
	if got := c.receive(); got != want {
		c.t.Fatalf("got %+v, want %+v", got, want)
	}
}

// fails receives an error with the code, for the frame with the id.
func (c *client) fails(id string, code Code) answer {
	c.t.Helper()
	got := c.receive()
	if got.Type != "error" || got.Code != string(code) || got.ID != id || got.Error == "" {
		c.t.Fatalf("got %+v, want %s for %q", got, code, id)
	}
	return got
}

// closes receives nothing more but the close.
func (c *client) closes(code websocket.StatusCode) {
	c.t.Helper()
	got, err := c.read()
	if websocket.CloseStatus(err) != code {
		c.t.Fatalf("got %+v, %v; want a close with %d", got, err, code)
	}
}
