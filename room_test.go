package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// A visitor is a person's browser in an emulated room.
type visitor struct {
	t  *testing.T
	ws *websocket.Conn
}

// visit joins the session's room as its page does.
func (s *site) visit(of made) *visitor {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	address := text(of.session, "dailyRoom.url") + "/join"
	ws, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: s.client}) //nolint:bodyclose // Dial closes it
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = ws.CloseNow() })
	seen := s.must(of.token, `{ viewer { session { dailyRoom { token } } } }`, nil)
	join := vars{"type": "join", "token": text(seen, "viewer.session.dailyRoom.token"), "name": "Ann"}
	if err := wsjson.Write(ctx, ws, join); err != nil {
		s.t.Fatal(err)
	}
	var got vars
	if err := wsjson.Read(ctx, ws, &got); err != nil || text(got, "type") != "joined" {
		s.t.Fatalf("joining was answered %v, %v", got, err)
	}
	return &visitor{s.t, ws}
}

// hears collects so many bytes of speech.
func (v *visitor) hears(n int) []byte {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), patience)
	defer cancel()
	var speech []byte
	for len(speech) < n {
		kind, data, err := v.ws.Read(ctx)
		if err != nil {
			v.t.Fatalf("after %d bytes: %v", len(speech), err)
		}
		if kind == websocket.MessageBinary {
			speech = append(speech, data...)
		}
	}
	return speech
}

// What a client has the avatar speak is what a person in the room hears, to the byte.
func TestRoom(t *testing.T) {
	t.Parallel()
	hears := func(t *testing.T, s *site) made {
		t.Helper()
		of := s.create(nil)
		p := s.phone(of, text(s.start(of.token, of.id), "startSession.wsUri"))
		v := s.visit(of)
		said := make([]byte, 16_000) // half a second
		_, _ = rand.Read(said)
		if got := p.exchange(vars{"type": "agent.speak", "audio": said}); count(got, "audio_samples") != 8000 {
			t.Errorf("agent.speak was answered %v", got)
		}
		if got := v.hears(len(said)); !bytes.Equal(got, said) {
			t.Errorf("%d other bytes were heard", len(got))
		}
		s.end(s.key, of.id)
		for {
			if _, _, err := v.ws.Read(t.Context()); err != nil {
				if websocket.CloseStatus(err) != 4410 {
					t.Errorf("the end closed it with %v", err)
				}
				return of
			}
		}
	}
	t.Run("UnderDev", func(t *testing.T) {
		t.Parallel()
		s := serve(t, "--database="+sqlite(t))
		of := hears(t, s)
		until(t, "coming and leaving are on the timeline", func() bool {
			lines := strings.Join(s.timeline(of), "\n")
			return strings.Contains(lines, "PARTICIPANT_JOINED") && strings.Contains(lines, "PARTICIPANT_LEFT")
		})
	})
	t.Run("WithProgramsOfTheirOwn", func(t *testing.T) {
		t.Parallel()
		p := build(t, sqlite(t))
		s := p.serve()
		p.avatars(s, "--join")
		hears(t, s)
	})
	t.Run("HasItsAddressInDailysAnswer", func(t *testing.T) {
		t.Parallel()
		s := serve(t, "--database="+sqlite(t))
		room, err := url.Parse(text(s.create(nil).session, "dailyRoom.url"))
		if err != nil || "http://"+room.Host != s.url || !strings.HasPrefix(room.Path, "/dev/rooms/dev-s-") {
			t.Errorf("%v, %v", room, err)
		}
	})
}
