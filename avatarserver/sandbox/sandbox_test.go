package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"greenroom/avatarserver"
	"greenroom/avatarserver/sandbox"
	"greenroom/models"
)

// talking is a sandbox with a session that is ready.
func talking(t *testing.T) (*greenroom, ref) {
	t.Helper()
	g := setup(t)
	g.run(t, nil)
	return g, g.started(t, "s1")
}

func TestSpeak(t *testing.T) {
	t.Parallel()

	t.Run("CountsWhatItHasResampled", func(t *testing.T) {
		t.Parallel()
		g, s1 := talking(t)
		for _, rate := range []int{8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000} {
			for _, samples := range []int{1, rate / 10, 3*avatarserver.MaxChunk/2 + 7} {
				got, err := g.Speak(t.Context(), s1, avatarserver.Speech{Audio: make([]byte, 2*samples), SampleRate: rate})
				if want := avatarserver.ResampledSamples(samples, rate); err != nil || got != want {
					t.Errorf("%d samples at %d: got %d, %v; want %d", samples, rate, got, err, want)
				}
			}
		}
	})

	t.Run("MoreThanTheCreditWindow", func(t *testing.T) {
		t.Parallel()
		g, s1 := talking(t)
		const bytes = 3*avatarserver.CreditWindow + 2
		got, err := g.Speak(t.Context(), s1, avatarserver.Speech{Audio: make([]byte, bytes), SampleRate: 16000})
		if err != nil || got != bytes/2 {
			t.Errorf("got %d, %v", got, err)
		}
	})

	t.Run("TextIsEstimatedAt15LettersASecond", func(t *testing.T) {
		t.Parallel()
		g, s1 := talking(t)
		got, err := g.Speak(t.Context(), s1, avatarserver.Speech{Text: "Grüße aus Köln."})
		if err != nil || got != 16000 {
			t.Errorf("got %d, %v", got, err)
		}
	})

	t.Run("WithInterruptsInBetweenEveryOneIsAnswered", func(t *testing.T) {
		t.Parallel()
		g, s1 := talking(t)
		const bytes = avatarserver.CreditWindow
		var said, cut int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				n, err := g.Speak(t.Context(), s1, avatarserver.Speech{Audio: make([]byte, bytes), SampleRate: 16000})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && n == bytes/2:
					said++
				case errors.Is(err, avatarserver.ErrInterrupted):
					cut++
				default:
					t.Errorf("got %d, %v", n, err)
				}
			})
			wg.Go(func() {
				if err := g.Interrupt(t.Context(), s1); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if said+cut != 10 {
			t.Errorf("%d said and %d cut of 10", said, cut)
		}
		// All credit has come back: a whole window goes through without waiting for a refund.
		if n, err := g.Speak(t.Context(), s1, avatarserver.Speech{Audio: make([]byte, bytes), SampleRate: 16000}); err != nil || n != bytes/2 {
			t.Errorf("got %d, %v", n, err)
		}
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()

	t.Run("JoinTheRoomAndLeaveItWhenReleased", func(t *testing.T) {
		t.Parallel()
		g := setup(t)
		book := &roomBook{notes: make(chan string, 10)}
		g.run(t, func(c *sandbox.Config) { c.Join, c.ReadyAfter = book.join, time.Millisecond })
		s1 := g.started(t, "s1")
		if got := wait(t, book.notes); got != "joined s1" {
			t.Error(got)
		}
		g.Release(s1)
		if got := wait(t, book.notes); got != "left s1" {
			t.Error(got)
		}
	})

	t.Run("ANewHandOverLeavesBeforeItJoins", func(t *testing.T) {
		t.Parallel()
		g := setup(t)
		book := &roomBook{notes: make(chan string, 10)}
		g.run(t, func(c *sandbox.Config) { c.Join = book.join })
		g.started(t, "s1")
		if _, err := g.dispatch(t.Context(), "s1", 2); err != nil {
			t.Fatal(err)
		}
		var got []string
		for range 3 {
			got = append(got, wait(t, book.notes))
		}
		if d := cmp.Diff([]string{"joined s1", "left s1", "joined s1"}, got); d != "" {
			t.Error(d)
		}
	})

	t.Run("ARoomThatCannotBeJoinedIsRefused", func(t *testing.T) {
		t.Parallel()
		g := setup(t)
		g.run(t, func(c *sandbox.Config) { c.Join = (&roomBook{fail: errors.New("no such room")}).join })
		g.dialledIn(t)
		if _, err := g.dispatch(t.Context(), "s1", 1); models.KindOf(err) != models.KindNoAvatarServer {
			t.Errorf("got %v", err)
		}
	})

	t.Run("OfOtherAvatarsAreNotTaken", func(t *testing.T) {
		t.Parallel()
		g := setup(t)
		g.run(t, func(c *sandbox.Config) { c.Avatars = []string{"avat_2"} })
		g.dialledIn(t)
		if _, err := g.dispatch(t.Context(), "s1", 1); models.KindOf(err) != models.KindNoAvatarServer {
			t.Errorf("got %v", err)
		}
	})

	t.Run("SurviveARestartOfGreenroom", func(t *testing.T) {
		t.Parallel()
		g := setup(t)
		book := &roomBook{notes: make(chan string, 10)}
		g.run(t, func(c *sandbox.Config) { c.Join = book.join })
		s1 := g.started(t, "s1")
		ended := g.started(t, "ended")
		wait(t, book.notes)
		wait(t, book.notes)
		g.stop(t)
		if len(g.ledger.news) != 0 {
			t.Errorf("draining made news: %s", <-g.ledger.news)
		}
		g.start(t)
		g.ledger.expect(t, "ready box s1 1")
		if !g.Carries(s1) || g.Carries(ended) {
			t.Error("carries the wrong ones")
		}
		if got := wait(t, book.notes); got != "left ended" {
			t.Error(got)
		}
		if n, err := g.Speak(t.Context(), s1, avatarserver.Speech{Audio: make([]byte, 20), SampleRate: 16000}); err != nil || n != 10 {
			t.Errorf("got %d, %v", n, err)
		}
	})

	t.Run("AReadyWhileGreenroomWasAwayIsSaidAfterTheWelcome", func(t *testing.T) {
		t.Parallel()
		g := setup(t)
		joined, let := make(chan struct{}), make(chan struct{})
		g.run(t, func(c *sandbox.Config) {
			c.Join = func(context.Context, avatarserver.Avatar, avatarserver.Room) (sandbox.Participant, error) {
				close(joined)
				<-let
				return nil, nil
			}
		})
		g.dialledIn(t)
		done := make(chan error, 1)
		go func() {
			_, err := g.dispatch(context.Background(), "s1", 1)
			done <- err
		}()
		wait(t, joined)
		g.stop(t)
		if err := wait(t, done); models.KindOf(err) != models.KindUnavailable {
			t.Errorf("got %v", err)
		}
		close(let)
		g.start(t)
		g.ledger.expect(t, "ready box s1 1")
	})

	t.Run("AreLostAtOnceWhenItStops", func(t *testing.T) {
		t.Parallel()
		g := setup(t)
		book := &roomBook{notes: make(chan string, 10)}
		stop := g.run(t, func(c *sandbox.Config) { c.Join = book.join })
		g.started(t, "s1")
		if err := stop(); err != nil {
			t.Error(err)
		}
		g.ledger.expect(t, "lost box s1 1")
		wait(t, book.notes)
		if got := wait(t, book.notes); got != "left s1" {
			t.Error(got)
		}
	})
}

func TestAnInterruptAnswersForWhatItOvertakes(t *testing.T) {
	t.Parallel()
	to := avatarserver.Address{SessionID: "s1", Generation: 1}
	got := sandbox.Overtaken(
		to,
		avatarserver.Speak{Address: to, Command: 1, SampleRate: 16000, Bytes: 12},
		avatarserver.Chunk{Address: to, Command: 1, Seq: 0, PCM: make([]byte, 8)},
		avatarserver.Chunk{Address: to, Command: 1, Seq: 1, PCM: make([]byte, 4), Last: true},
		avatarserver.Speak{Address: to, Command: 2, Text: "and"},
		avatarserver.Speak{Address: to, Command: 3, SampleRate: 16000, Bytes: 400},
		avatarserver.Chunk{Address: to, Command: 3, Seq: 0, PCM: make([]byte, 16)},
	)
	var want []string
	for _, f := range []avatarserver.Frame{
		avatarserver.Credit{Address: to, Bytes: 8},
		avatarserver.Credit{Address: to, Bytes: 4},
		avatarserver.CommandFailed{Address: to, Command: 1, Code: "INTERRUPTED", Message: avatarserver.ErrInterrupted.Message},
		avatarserver.CommandFailed{Address: to, Command: 2, Code: "INTERRUPTED", Message: avatarserver.ErrInterrupted.Message},
		avatarserver.Credit{Address: to, Bytes: 16},
	} {
		want = append(want, string(avatarserver.Encode(f)))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Whoever is told of a loss hands the session over at once: not to this server again.
func TestStoppingSaysDrainBeforeLost(t *testing.T) {
	t.Parallel()
	frames := make(chan string, 10)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		defer close(frames)
		ws, err := websocket.Accept(w, req, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = ws.CloseNow() }()
		send := func(f avatarserver.Frame) {
			_ = ws.Write(req.Context(), websocket.MessageText, avatarserver.Encode(f))
		}
		for {
			_, data, err := ws.Read(req.Context())
			if err != nil {
				frames <- fmt.Sprint(int(websocket.CloseStatus(err)))
				return
			}
			f, _ := avatarserver.Decode(data)
			switch f.(type) {
			case avatarserver.Heartbeat:
				continue
			case avatarserver.Hello:
				send(avatarserver.Welcome{HeartbeatMS: 5000, LostAfterMS: 15000})
				send(avatarserver.Assign{Address: avatarserver.Address{SessionID: "s1", Generation: 1}})
			}
			frames <- strings.TrimPrefix(fmt.Sprintf("%T", f), "avatarserver.")
		}
	}))
	defer web.Close()
	g := &greenroom{addr: web.Listener.Addr().String()}
	stop := g.run(t, nil)
	for _, want := range []string{"Hello", "Ready"} {
		if got := wait(t, frames); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"Drain", "Lost", "1000"} {
		if got := wait(t, frames); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestRunEndsWhenDiallingAgainCannotHelp(t *testing.T) {
	t.Parallel()

	t.Run("WithARefusedKey", func(t *testing.T) {
		t.Parallel()
		g := setup(t)
		err := runOnce(t, g, sandbox.Config{Key: "gr_avsrv_secret", Capacity: 1})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
	})

	t.Run("WhenAnotherTakesOver", func(t *testing.T) {
		t.Parallel()
		g := setup(t)
		first := make(chan error, 1)
		go func() { first <- runOnce(t, g, sandbox.Config{Key: key, Instance: "box", Capacity: 1}) }()
		g.dialledIn(t)
		g.run(t, nil)
		if err := wait(t, first); err == nil {
			t.Error("no error")
		}
	})

	t.Run("WithABadConfiguration", func(t *testing.T) {
		t.Parallel()
		for name, cfg := range map[string]sandbox.Config{
			"NoKey":      {URL: "http://x", Capacity: 1},
			"NoCapacity": {URL: "http://x", Key: key},
			"NoURL":      {Key: key, Capacity: 1},
			"OtherURL":   {URL: "ftp://x", Key: key, Capacity: 1},
		} {
			if err := sandbox.Run(t.Context(), cfg); err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}

func runOnce(t *testing.T, g *greenroom, cfg sandbox.Config) error {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	cfg.URL, cfg.HTTPClient = "ws://"+g.addr+"/", client
	return sandbox.Run(t.Context(), cfg)
}
