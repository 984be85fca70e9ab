package avatarserver_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"greenroom/avatarserver"
	"greenroom/models"
)

// pipes is a listener whose connections are in this process and have no buffers, so that the
// bubble of a test holds them and "does not read" means just that.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	// last is the dialling end of the newest connection.
	last net.Conn
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (l *pipes) dial(context.Context, string, string) (net.Conn, error) {
	mine, theirs := net.Pipe()
	l.last = mine
	l.conns <- theirs
	return mine, nil
}

// piped is setup within a bubble of fake time. The timings are the defaults.
func piped(t *testing.T) (*harness, *pipes) {
	t.Helper()
	h := newHarness(t)
	l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	web := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(l) }()
	h.url, h.client = "http://greenroom"+avatarserver.Path, &http.Client{Transport: &http.Transport{DialContext: l.dial}}
	t.Cleanup(func() {
		h.stop(t)
		_ = web.Close()
		h.client.CloseIdleConnections()
	})
	return h, l
}

// pass lets fake time pass.
func pass(d time.Duration) { <-time.After(d) }

// beats sends heartbeats until stop is called.
func (p *peer) beats() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(5 * time.Second):
				_ = p.ws.Write(context.Background(), websocket.MessageText, avatarserver.Encode(avatarserver.Heartbeat{}))
			}
		}
	}()
	return cancel
}

// reads keeps the socket empty, as if nothing it says mattered.
func (p *peer) reads() <-chan error {
	done := make(chan error, 1)
	go func() {
		for {
			if _, _, err := p.ws.Read(context.Background()); err != nil {
				done <- err
				return
			}
		}
	}()
	return done
}

func TestSilence(t *testing.T) {
	t.Parallel()

	t.Run("Of15SecondsLosesTheSessions", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, _ := piped(t)
			p, _ := h.hello(t, "a", 1)
			s1 := h.started(t, p, "s1")
			h.ledger.expect(t, "ready a s1 1")
			closed := p.reads()
			from := time.Now()
			h.ledger.expect(t, "lost a s1 1")
			if took := time.Since(from); took != 15*time.Second {
				t.Errorf("lost after %v", took)
			}
			if code := websocket.CloseStatus(<-closed); code != avatarserver.CloseTimeout {
				t.Errorf("closed with %d", code)
			}
			if h.Carries(s1) || len(h.Servers()) != 0 {
				t.Error("still there")
			}
		})
	})

	t.Run("HeartbeatsKeepItAlive", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, _ := piped(t)
			p, _ := h.hello(t, "a", 1)
			s1 := h.started(t, p, "s1")
			p.reads()
			stop := p.beats()
			pass(time.Hour)
			stop()
			h.ledger.quiet(t)
			if !h.Carries(s1) || !h.connected("a") {
				t.Error("gone")
			}
		})
	})

	t.Run("PingsAreSignsOfLifeToo", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, _ := piped(t)
			p, _ := h.hello(t, "a", 1)
			p.reads()
			for range 100 {
				pass(10 * time.Second)
				if err := p.ws.Ping(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
}

func TestGrace(t *testing.T) {
	t.Parallel()

	t.Run("EndsAfter15SecondsWithALoss", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, _ := piped(t)
			p, _ := h.hello(t, "a", 1)
			s1 := h.started(t, p, "s1")
			h.ledger.expect(t, "ready a s1 1")
			_ = p.ws.CloseNow()
			pass(14 * time.Second)
			if !h.Carries(s1) || h.connected("a") {
				t.Error("not within the grace")
			}
			h.ledger.quiet(t)
			h.ledger.expect(t, "lost a s1 1")
			pass(time.Hour)
			h.ledger.quiet(t)
		})
	})

	t.Run("AReconnectWithinItLosesNothing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, _ := piped(t)
			p, _ := h.hello(t, "a", 1)
			s1 := h.started(t, p, "s1")
			for range 5 {
				_ = p.ws.CloseNow()
				pass(14 * time.Second)
				p, _ = h.hello(t, "a", 1, s1)
			}
			p.reads()
			stop := p.beats()
			pass(time.Minute)
			stop()
			h.ledger.quiet(t)
			if !h.Carries(s1) {
				t.Error("lost")
			}
		})
	})

	t.Run("ADispatchWithoutAnotherServerWaitsForItsEnd", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, _ := piped(t)
			p, _ := h.hello(t, "a", 1)
			done, _ := h.dispatch(t.Context(), "s1", 1)
			expect[avatarserver.Assign](p)
			_ = p.ws.CloseNow()
			from := time.Now()
			if got := <-done; !isKind(got.err, models.KindNoAvatarServer) {
				t.Errorf("got %v", got.err)
			}
			if took := time.Since(from); took != 15*time.Second {
				t.Errorf("took %v", took)
			}
			h.ledger.quiet(t)
		})
	})

	t.Run("ADispatchDoesNotWaitForItWhenAnotherServerIsFree", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, _ := piped(t)
			first, _ := h.hello(t, "a", 1)
			done, _ := h.dispatch(t.Context(), "s1", 1)
			a := expect[avatarserver.Assign](first)
			_ = first.ws.CloseNow()
			pass(time.Second)
			from := time.Now()
			second, _ := h.hello(t, "b", 1)
			second.take()
			if got := <-done; got.err != nil || got.ref.Generation != 2 {
				t.Errorf("got %+v", got)
			}
			_, w := h.hello(t, "a", 1, ref(a.Address))
			if d := cmp.Diff([]ref{ref(a.Address)}, w.Release); d != "" {
				t.Error(d)
			}
			if took := time.Since(from); took != 0 {
				t.Errorf("took %v", took)
			}
		})
	})

	t.Run("OneServerNeverReadyIsLeftForAnother", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, _ := piped(t)
			a, _ := h.hello(t, "a", 1)
			b, _ := h.hello(t, "b", 1)
			defer a.beats()()
			defer b.beats()()
			a.reads()
			done, _ := h.dispatch(t.Context(), "s1", 1)
			from := time.Now()
			b.take()
			if took := time.Since(from); took != time.Minute {
				t.Errorf("took %v", took)
			}
			if got := <-done; got.err != nil {
				t.Error(got.err)
			}
		})
	})
}

func TestAServerThatDoesNotReadIsCutOffAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := piped(t)
		deaf, _ := h.hello(t, "deaf", 1)
		s1 := h.started(t, deaf, "s1")
		good, _ := h.hello(t, "good", 1)
		s2 := h.started(t, good, "s2")
		defer deaf.beats()()
		defer good.beats()()
		from := time.Now()
		lost := h.speak(t.Context(), s1, avatarserver.Speech{Audio: audio(1 << 20), SampleRate: 16000})
		for range 3 {
			heard := h.speak(t.Context(), s2, avatarserver.Speech{Text: "still here"})
			head := expect[avatarserver.Speak](good)
			good.send(avatarserver.SpeakConfirmed{Address: head.Address, Command: head.Command, AudioSamples: 1})
			if got := <-heard; got.err != nil {
				t.Error(got.err)
			}
		}
		if took := time.Since(from); took != 0 {
			t.Errorf("the other one was held up for %v", took)
		}
		if got := <-lost; !errors.Is(got.err, avatarserver.ErrRelayLost) {
			t.Errorf("got %v", got.err)
		}
		if took := time.Since(from); took != 10*time.Second {
			t.Errorf("cut off after %v", took)
		}
		if !h.connected("good") || h.connected("deaf") {
			t.Error("the wrong one was cut off")
		}
		good.reads()
	})
}

func TestAPeerThatStretchesItsFarewellIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, l := piped(t)
		h.hello(t, "a", 1)
		// The header of a frame of 1000 bytes, of which two come; nor does it read the close frame.
		if _, err := l.last.Write([]byte{0x81, 0xfe, 0x03, 0xe8, 1, 2, 3, 4, 'a', 'b'}); err != nil {
			t.Fatal(err)
		}
		from := time.Now()
		h.stop(t)
		if took := time.Since(from); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestWhatWaitsForTheSocket(t *testing.T) {
	t.Parallel()
	const window = avatarserver.CreditWindow / avatarserver.MaxChunk
	whole := avatarserver.Speech{Audio: audio(avatarserver.CreditWindow), SampleRate: 16000}

	t.Run("IsOvertakenAndCancelledByAnInterrupt", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, _ := piped(t)
			p, _ := h.hello(t, "a", 1)
			s1 := h.started(t, p, "s1")
			speech := h.speak(t.Context(), s1, whole)
			expect[avatarserver.Speak](p)
			// Nothing is read: one chunk is being written, and some wait.
			synctest.Wait()
			go func() { _ = h.Interrupt(t.Context(), s1) }()
			if got := <-speech; !errors.Is(got.err, avatarserver.ErrInterrupted) {
				t.Errorf("got %v", got.err)
			}
			expect[avatarserver.Chunk](p)
			i := expect[avatarserver.Interrupt](p)
			p.send(avatarserver.InterruptConfirmed(i))
			// One chunk's credit is out, that of the others is there again.
			rest := whole
			rest.Audio = rest.Audio[avatarserver.MaxChunk:]
			speech = h.speak(t.Context(), s1, rest)
			head := expect[avatarserver.Speak](p)
			for seq := range uint32(window - 1) {
				if c := expect[avatarserver.Chunk](p); c.Command != head.Command || c.Seq != seq {
					t.Errorf("got chunk %d of command %d", c.Seq, c.Command)
				}
			}
			p.send(avatarserver.SpeakConfirmed{Address: head.Address, Command: head.Command, AudioSamples: 1})
			if got := <-speech; got.err != nil {
				t.Error(got.err)
			}
		})
	})

	t.Run("IsTakenFromTheSessionsInTurn", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, _ := piped(t)
			p, _ := h.hello(t, "a", 2)
			s1, s2 := h.started(t, p, "s1"), h.started(t, p, "s2")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			h.speak(ctx, s1, whole)
			synctest.Wait()
			h.speak(ctx, s2, whole)
			synctest.Wait()
			expect[avatarserver.Speak](p)
			expect[avatarserver.Chunk](p)
			expect[avatarserver.Speak](p)
			last := ""
			for range 2 * (window - 1) {
				// Both have filled their places in the queue again.
				synctest.Wait()
				c := expect[avatarserver.Chunk](p)
				if c.SessionID == last {
					t.Errorf("two chunks of %s in a row, at %d", last, c.Seq)
				}
				last = c.SessionID
			}
		})
	})
}
