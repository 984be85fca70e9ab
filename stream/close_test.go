package stream

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"greenroom/auth"
	"greenroom/avatarserver"
	"greenroom/models"
	"greenroom/session"
)

func initFrame(of pair) string {
	return `{"type": "session.init", "session_id": "` + of.id + `", "access_token": "` + of.token + `"}`
}

func TestFirstFrame(t *testing.T) {
	t.Parallel()
	w := setup(t)
	of := w.create(nil)
	first := func(t *testing.T, kind websocket.MessageType, frame string) *client {
		t.Helper()
		c := w.dial(of.id)
		c.t = t
		if err := c.write(kind, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, frame := range map[string]string{
		"Speak": `{"type": "agent.speak", "text": "hi"}`, "Unknown": `{"type": "hello"}`, "Garbage": "\x00\xff", "Half": `{"type": "session.in`,
		"Empty": "", "Long": `{"type": "session.init", "x": "` + strings.Repeat("x", maxInit) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := first(t, websocket.MessageText, frame)
			if got := c.fails("", CodeBadFrame); got.Error != "First message must be session.init" {
				t.Errorf("error %q", got.Error)
			}
			c.closes(CloseBadFrame)
		})
	}
	t.Run("Binary", func(t *testing.T) {
		t.Parallel()
		c := first(t, websocket.MessageBinary, initFrame(of))
		c.fails("", CodeBadFrame)
		c.closes(CloseBadFrame)
	})
	t.Run("OtherPlatform", func(t *testing.T) {
		t.Parallel()
		c := first(t, websocket.MessageText, strings.Replace(initFrame(of), "{", `{"id": "a", "room": {"platform": "livekit"},`, 1))
		if got := c.fails("a", CodeInvalidInput); got.Error != "Invalid room platform" {
			t.Errorf("error %q", got.Error)
		}
		c.closes(CloseBadFrame)
	})
	t.Run("TooBig", func(t *testing.T) {
		t.Parallel()
		c := first(t, websocket.MessageText, strings.Repeat(" ", MaxFrame+1))
		c.fails("", CodeBadFrame)
		c.closes(CloseTooBig)
	})
	t.Run("Never", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(cfg *Config) { cfg.InitWithin = 50 * time.Millisecond })
		c := w.dial(w.create(nil).id)
		c.fails("", CodeBadFrame)
		c.closes(CloseTimeout)
	})
}

func TestWhoMayConnect(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, w *world, path string, as pair, code Code) {
		t.Helper()
		c := w.dial(path)
		c.t = t
		c.send(initFrame(as))
		c.fails("", code)
		c.closes(CloseUnauthorized)
	}
	t.Run("OnlyTheSessionsOwnToken", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		of, other := w.create(nil), w.create(nil)
		refused(t, w, of.id, pair{of.id, other.token}, CodeUnauthenticated)
		refused(t, w, of.id, other, CodeUnauthenticated)
		refused(t, w, other.id, of, CodeUnauthenticated)
		refused(t, w, "nobody", of, CodeUnauthenticated)
		refused(t, w, "nobody", pair{"nobody", of.token}, CodeUnauthenticated)
		refused(t, w, of.id, pair{of.id, ""}, CodeUnauthenticated)
		refused(t, w, of.id, pair{of.id, auth.DevKey}, CodeUnauthenticated)
		w.connect(of)
	})
	t.Run("GuessesAreCountedByAddress", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		of := w.create(nil)
		for range 3 {
			refused(t, w, of.id, pair{of.id, "gr_sess_guess"}, CodeUnauthenticated)
		}
		refused(t, w, of.id, pair{of.id, "gr_sess_guess"}, CodeRateLimited)
		w.connect(of) // a right token passes all the same
	})
	t.Run("UntilTheTokenIsRotated", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		of := w.create(nil)
		c := w.connect(of)
		rotated, err := w.sessions.RotateAccessToken(w.key(), of.id)
		if err != nil {
			t.Fatal(err)
		}
		c.fails("", CodeUnauthenticated)
		c.closes(CloseUnauthorized)
		refused(t, w, of.id, of, CodeUnauthenticated)
		w.connect(pair{of.id, *rotated.AccessToken})
	})
	t.Run("FromWhichPages", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		of := w.create(nil)
		for origin, allowed := range map[string]bool{
			"https://app.example.com": true, w.url: true, strings.Replace(w.url, "http", "https", 1): true,
			"http://app.example.com": false, "https://app.example.com.evil.example": false, "https://app.example.com:8443": false,
			"null": false, "": false, "file://": false, "http://[": false,
		} {
			c, status, err := w.tryDial(of.id, http.Header{"Origin": {origin}})
			if (err == nil) != allowed || err != nil && status != http.StatusForbidden {
				t.Errorf("%q: %v", origin, err)
			}
			if c != nil {
				_ = c.ws.CloseNow()
			}
		}
		if _, _, err := w.tryDial(of.id, http.Header{"Origin": {"https://app.example.com", "https://evil.example"}}); err == nil {
			t.Error("two origins are allowed")
		}
	})
	t.Run("NotWhoDoesNotUpgrade", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		response, err := w.http.Get(w.url + strings.Replace(Path, "{id}", "x", 1))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusUpgradeRequired {
			t.Errorf("answered %d", response.StatusCode)
		}
	})
	t.Run("NotWhileTheDatabaseDoesNotAnswer", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(cfg *Config) {
			dead, err := auth.NewAuthenticator(auth.Lookup{
				Session: func(context.Context, []byte, models.Time) (*models.Session, error) {
					return nil, context.DeadlineExceeded
				},
			}, models.SystemClock, "")
			if err != nil {
				t.Error(err)
			}
			cfg.Admit = auth.NewGate(dead, auth.Failures{}).Admit
		})
		of := w.create(nil)
		c := w.dial(of.id)
		c.send(initFrame(of))
		c.fails("", CodeUnavailable)
		c.closes(websocket.StatusTryAgainLater)
	})
}

func TestEnd(t *testing.T) {
	t.Parallel()
	t.Run("IsToldToWhoComesLate", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		of := w.create(nil)
		w.end(of)
		c := w.dial(of.id)
		c.send(initFrame(of))
		c.expect(answer{Type: "session.ended", EndReason: "CLIENT_ENDED"})
		c.closes(CloseEnded)
	})
	t.Run("IsToldAfterEveryAnswer", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		p := w.puppet()
		of := w.create(nil)
		w.start(of)
		c := w.connect(of)
		c.speak("spoken", 1000, 16000)
		c.speak("waits", 1000, 16000)
		c.send(`{"type": "session.keep_alive"}`)
		c.receive() // so all have been read
		head := next[avatarserver.Speak](p)
		w.end(of)
		c.fails("spoken", CodeSessionEnded)
		c.fails("waits", CodeSessionEnded)
		c.expect(answer{Type: "session.ended", EndReason: "CLIENT_ENDED"})
		c.closes(CloseEnded)
		if head.SessionID != of.id {
			t.Errorf("spoken in %s", head.SessionID)
		}
	})
	t.Run("IsAnnouncedAndComesAtTheDeadline", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(cfg *Config) { cfg.PingEvery = 10 * time.Millisecond })
		w.sandbox()
		length := 3600
		of := w.create(func(in *session.CreateInput) { in.MaxDuration = &length })
		early := w.connect(of) // before the start, whose own deadline is not announced
		w.pass(9*time.Minute + 30*time.Second)
		w.start(of)
		early.speak("", 160, 16000)
		early.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 160})
		w.pass(59 * time.Minute)
		got := early.receive()
		if got.Type != "session.expiring" || got.Seconds < 1 || got.Seconds > 60 {
			t.Errorf("got %+v", got)
		}
		late := w.connect(of)
		early.closes(CloseTakenOver)
		if again := late.receive(); again.Type != "session.expiring" || again.Seconds < 1 || again.Seconds > got.Seconds {
			t.Errorf("got %+v, after %+v", again, got)
		}
		late.send(`{"type": "session.keep_alive"}`)
		if got := late.receive(); got.RemainingSeconds == nil || *got.RemainingSeconds > 60 {
			t.Errorf("got %+v", got)
		}
		w.pass(time.Minute)
		late.expect(answer{Type: "session.ended", EndReason: "EXPIRED"})
		late.closes(CloseEnded)
	})
}

func TestSocket(t *testing.T) {
	t.Parallel()
	t.Run("NewestWinsAndReconnectingResumes", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		of := w.started()
		first := w.connect(of)
		second := w.connect(of)
		first.closes(CloseTakenOver)
		second.speak("", 160, 16000)
		second.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 160})
		_ = second.ws.CloseNow()
		third := w.connect(of)
		third.speak("", 160, 16000)
		third.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 160})
		_ = third.ws.Close(websocket.StatusNormalClosure, "")
		w.eventually("the timeline tells that the client has left", func() bool {
			return w.timeline(of) == "CLIENT_CONNECTED CLIENT_LEFT"
		})
		w.connect(of)
		if got := w.timeline(of); got != "CLIENT_CONNECTED CLIENT_LEFT CLIENT_CONNECTED" {
			t.Errorf("timeline %q", got)
		}
	})
	t.Run("ClosesWhenTheServerDrains", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		of := w.started()
		c := w.connect(of)
		silent := w.dial(of.id)
		w.stop(w.streams.Shutdown)
		c.closes(websocket.StatusServiceRestart)
		silent.closes(websocket.StatusServiceRestart)
		if _, status, err := w.tryDial(of.id, nil); status != http.StatusServiceUnavailable {
			t.Errorf("a new one: %v", err)
		}
		if got := w.timeline(of); got != "CLIENT_CONNECTED CLIENT_LEFT" {
			t.Errorf("timeline %q", got)
		}
	})
	t.Run("OfADeadClientIsFound", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(cfg *Config) { cfg.PingEvery, cfg.LostAfter = 20*time.Millisecond, 50*time.Millisecond })
		of := w.create(nil)
		w.connect(of) // and does not read from here on, so it answers no ping
		w.eventually("the server gives it up", func() bool { return w.open() == 0 })
		if !strings.Contains(w.log.String(), "no sign of life") {
			t.Error("closed for another reason")
		}
	})
	t.Run("OfALivingClientStays", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(cfg *Config) { cfg.PingEvery, cfg.LostAfter = 10*time.Millisecond, 5*time.Second })
		c := w.connect(w.started())
		for range 50 {
			c.speak("", 160, 16000)
			c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 160})
			<-time.After(5 * time.Millisecond)
		}
	})
	t.Run("ClosesOverAFrameThatNeverComesToItsEnd", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(cfg *Config) { cfg.FrameWithin = 50 * time.Millisecond })
		c := w.connect(w.create(nil))
		frame, err := c.ws.Writer(t.Context(), websocket.MessageText)
		if err == nil {
			_, err = frame.Write(make([]byte, 100_000))
		}
		if err != nil {
			t.Fatal(err)
		}
		c.closes(CloseTimeout)
	})
	t.Run("OfAClientThatDoesNotReadIsCutOffAlone", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(cfg *Config) { cfg.WriteWithin = 200 * time.Millisecond })
		w.sandbox()
		deaf, other := w.create(nil), w.create(nil)
		w.start(other)
		d, c := w.connect(deaf), w.connect(other)
		flooded := make(chan struct{})
		go func() {
			defer close(flooded)
			for d.write(websocket.MessageText, []byte(`{"type": "session.keep_alive", "id": "`+strings.Repeat("x", MaxID)+`"}`)) == nil {
				continue
			}
		}()
		for done := false; !done; {
			c.speak("", 160, 16000)
			c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 160})
			select {
			case <-flooded:
				done = true
			default:
			}
		}
		w.eventually("the server gives it up", func() bool { return w.open() == 1 })
		c.speak("", 160, 16000)
		c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 160})
		if !strings.Contains(w.log.String(), "frames are not being read") {
			t.Error("cut off for another reason")
		}
	})
}

// open is how many sockets there are.
func (w *world) open() int {
	w.streams.mu.Lock()
	defer w.streams.mu.Unlock()
	return len(w.streams.conns)
}
