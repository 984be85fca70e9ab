package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// A phone is a client's end of the stream behind a wsUri.
type phone struct {
	t  *testing.T
	ws *websocket.Conn
}

// phone dials a session's wsUri and signs in.
func (s *site) phone(of made, wsURI string) *phone {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, wsURI, &websocket.DialOptions{HTTPClient: s.client}) //nolint:bodyclose // Dial closes it
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = ws.CloseNow() })
	p := &phone{s.t, ws}
	got := p.exchange(vars{"type": "session.init", "config": vars{
		"session_id": of.id, "access_token": of.token, "room": vars{"platform": "daily", "url": text(of.session, "dailyRoom.url")},
	}})
	if text(got, "type") != "connection.established" || text(got, "session_id") != of.id {
		s.t.Fatalf("session.init was answered %v", got)
	}
	return p
}

// exchange sends a frame and gives what comes next.
func (p *phone) exchange(frame vars) vars {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	if err := wsjson.Write(ctx, p.ws, frame); err != nil {
		p.t.Fatal(err)
	}
	return p.hears()
}

func (p *phone) hears() vars {
	p.t.Helper()
	var got vars
	if err := p.next(&got); err != nil {
		p.t.Fatal(err)
	}
	return got
}

func (p *phone) next(got *vars) error {
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	return wsjson.Read(ctx, p.ws, got)
}

func (p *phone) closes(code websocket.StatusCode) {
	p.t.Helper()
	var got vars
	if err := p.next(&got); websocket.CloseStatus(err) != code {
		p.t.Errorf("got %v, %v; want a close with %d", got, err, code)
	}
}

// TestStream plays a session through its wsUri, from the start to an end that another caller
// makes.
func TestStream(t *testing.T) {
	t.Parallel()
	t.Run("CarriesASession", func(t *testing.T) {
		t.Parallel()
		s := serve(t)
		of := s.create(nil)
		p := s.phone(of, text(s.start(of.token, of.id), "startSession.wsUri"))
		got := p.exchange(vars{"type": "agent.speak", "id": "a", "audio": make([]byte, 9600), "sample_rate": 48000})
		if text(got, "type") != "agent.speak.confirmed" || count(got, "audio_samples") != 1600 || text(got, "id") != "a" {
			t.Errorf("agent.speak was answered %v", got)
		}
		if got := p.exchange(vars{"type": "agent.interrupt"}); text(got, "type") != "agent.interrupt.confirmed" {
			t.Errorf("agent.interrupt was answered %v", got)
		}
		got = p.exchange(vars{"type": "agent.speak", "audio": "not base64"})
		if text(got, "type") != "error" || text(got, "code") != "INVALID_INPUT" {
			t.Errorf("a bad frame was answered %v", got)
		}
		if got := p.exchange(vars{"type": "session.keep_alive"}); count(got, "remaining_seconds") < 1 {
			t.Errorf("session.keep_alive was answered %v", got)
		}
		s.end(s.key, of.id)
		if got := p.hears(); text(got, "type") != "session.ended" || text(got, "end_reason") != "CLIENT_ENDED" {
			t.Errorf("the end was told as %v", got)
		}
		p.closes(4410)
		seen := s.must(of.token, `{ viewer { session { events { type actor } } } }`, nil)
		if text(seen, "viewer.session.events.4.type") != "CLIENT_CONNECTED" || text(seen, "viewer.session.events.4.actor") != "ACCESS_TOKEN" {
			t.Errorf("timeline %v", seen)
		}
		if strings.Contains(s.logs.String(), of.token) {
			t.Error("the access token is in the log")
		}
	})
	t.Run("ClosesWithTheServerAndResumesWithTheNext", func(t *testing.T) {
		t.Parallel()
		flags := []string{"--database=" + sqlite(t)}
		s := serve(t, flags...)
		of := s.create(nil)
		p := s.phone(of, text(s.start(of.token, of.id), "startSession.wsUri"))
		began := time.Now()
		s.stop()
		if took := time.Since(began); took > drainWithin {
			t.Errorf("draining took %s", took)
		}
		p.closes(websocket.StatusServiceRestart)
		s = serve(t, flags...)
		p = s.phone(of, text(s.start(of.token, of.id), "startSession.wsUri"))
		until(t, "the avatar speaks again", func() bool {
			return text(p.exchange(vars{"type": "agent.speak", "text": "Hello"}), "type") == "agent.speak.confirmed"
		})
	})
	// With one place for all, the second frame gets through only when the first, which stops
	// half-way, has lost it. By default there were room for both.
	t.Run("HasRoomForAsManyLargeFramesAsIsConfigured", func(t *testing.T) {
		t.Parallel()
		s := serve(t, "--database="+sqlite(t), "--max-large-frames=1")
		one, two := s.create(nil), s.create(nil)
		first := s.phone(one, text(s.start(one.token, one.id), "startSession.wsUri"))
		second := s.phone(two, text(s.start(two.token, two.id), "startSession.wsUri"))
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		frame, err := first.ws.Writer(ctx, websocket.MessageText)
		if err == nil { // more than sockets buffer, so that the server has begun to read
			_, err = frame.Write([]byte(`{"type": "session.keep_alive"` + strings.Repeat(" ", 12_000_000)))
		}
		if err != nil {
			t.Fatal(err)
		}
		got := second.exchange(vars{"type": "agent.speak", "audio": make([]byte, 1_500_000)})
		if text(got, "type") != "agent.speak.confirmed" {
			t.Errorf("answered %v", got)
		}
		_, _ = frame.Write([]byte("}"))
		_ = frame.Close()
		first.closes(4408)
	})
}
