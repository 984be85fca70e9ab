package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// A Guest is an avatar that asks to be let into a room.
type Guest struct {
	// Token is a meeting token of the room.
	Token string
	// Name is shown unless the token has one. Picture is an image's address; empty is none.
	Name, Picture string
}

// An Attendee is an avatar in an emulated room, over the room's socket. Once it is put out it
// speaks to nobody.
type Attendee struct {
	ws *websocket.Conn
	// reading waits for the goroutine that answers signs of life.
	reading sync.WaitGroup
}

// leaveWithin is how long the room may take to say that it has understood a leave.
const leaveWithin = 2 * time.Second

// Attend joins the room at the address of its page. It dials with client, nil is
// http.DefaultClient. A *JoinError tells why the room does not let in.
func Attend(ctx context.Context, client *http.Client, roomURL string, g Guest) (*Attendee, error) {
	ctx, cancel := context.WithTimeout(ctx, joinWithin)
	defer cancel()
	address := strings.TrimSuffix(roomURL, "/") + "/join"
	ws, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: client}) //nolint:bodyclose // Dial closes it
	if err != nil {
		return nil, fmt.Errorf("join %s: %w", roomURL, err)
	}
	ws.SetReadLimit(maxFrame)
	if err := introduce(ctx, ws, g); err != nil {
		_ = ws.CloseNow()
		return nil, fmt.Errorf("join %s: %w", roomURL, err)
	}
	a := &Attendee{ws: ws}
	a.reading.Go(func() {
		for {
			if _, _, err := ws.Read(context.Background()); err != nil {
				return
			}
		}
	})
	return a, nil
}

// introduce says who is joining and waits for the answer.
func introduce(ctx context.Context, ws *websocket.Conn, g Guest) error {
	join := said{Type: "join", Token: g.Token, Name: g.Name, Avatar: true, Picture: g.Picture}
	if err := ws.Write(ctx, websocket.MessageText, compact(join)); err != nil {
		return err
	}
	_, data, err := ws.Read(ctx)
	if err != nil {
		return err
	}
	var answer struct{ Type, Error, Info string }
	if err := json.Unmarshal(data, &answer); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch answer.Type {
	case "joined":
		return nil
	case "refused":
		return &JoinError{answer.Error, answer.Info}
	}
	return errors.New("the first answer was neither joined nor refused")
}

// Play sends speech that is to be heard now: signed 16 bit little endian, mono, at SampleRate.
func (a *Attendee) Play(pcm []byte) { a.write(websocket.MessageBinary, pcm) }

// Caption shows a text; an empty one takes it away.
func (a *Attendee) Caption(text string) {
	a.write(websocket.MessageText, compact(said{Type: "caption", Text: text}))
}

// Interrupt silences at once what was played and takes captions away.
func (a *Attendee) Interrupt() { a.write(websocket.MessageText, compact(said{Type: "interrupt"})) }

// Leave leaves the room and returns when the room knows.
func (a *Attendee) Leave() {
	a.write(websocket.MessageText, compact(said{Type: "leave"}))
	deaf := time.AfterFunc(leaveWithin, func() { _ = a.ws.CloseNow() })
	a.reading.Wait() // the room closes the socket
	deaf.Stop()
	_ = a.ws.CloseNow()
}

// write gives up a socket that does not take a frame in time: the room has lost the avatar then.
func (a *Attendee) write(kind websocket.MessageType, data []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	_ = a.ws.Write(ctx, kind, data)
}
