package stream

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"greenroom/avatarserver"
	"greenroom/db/dbtest"
)

// large is an agent.speak of so many bytes, and how many samples are in it.
func large(bytes int) (frame string, samples int) {
	head, tail := `{"type": "agent.speak", "id": "large", "audio": "`, `", "sample_rate": 48000}`
	samples = (bytes - len(head) - len(tail)) / 8 * 3
	frame = head + silence(samples) + tail
	return frame + strings.Repeat(" ", bytes-len(frame)), samples
}

func TestLargeFrames(t *testing.T) {
	t.Parallel()
	t.Run("ArriveWhole", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.connect(w.started())
		for _, size := range []int{firstBuffer, firstBuffer + 1, largeFrame, largeFrame + 1, MaxFrame} {
			frame, samples := large(size)
			c.send(frame)
			c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: avatarserver.ResampledSamples(samples, 48000), ID: "large"})
		}
		if free := w.free(); free != 8 {
			t.Errorf("%d slots are free", free)
		}
	})
	t.Run("MayBeTooLarge", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		of := w.started()
		c := w.connect(of)
		frame, _ := large(MaxFrame + 1)
		c.send(frame)
		c.fails("", CodeBadFrame)
		c.closes(CloseTooBig)
		w.eventually("its slot is free", func() bool { return w.free() == 8 })
		w.connect(of).speak("", 1, 16000)
	})
}

// begin sends so much of a large frame that it needs a slot, and gives the rest.
func (c *client) begin() (rest func() error) {
	c.t.Helper()
	frame, _ := large(2_000_000)
	w, err := c.ws.Writer(context.Background(), websocket.MessageText)
	if err == nil {
		_, err = w.Write([]byte(frame[:1_200_000]))
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return func() error {
		if _, err := w.Write([]byte(frame[1_200_000:])); err != nil {
			return err
		}
		return w.Close()
	}
}

// conn is the server's end of a session's stream.
func (w *world) conn(of pair) *conn {
	w.streams.mu.Lock()
	defer w.streams.mu.Unlock()
	return w.streams.current[of.id]
}

// free is how many slots are free.
func (w *world) free() int { return len(w.streams.large.free) }

// atOnce answers UNAVAILABLE to a large frame as soon as it has to wait for others.
func atOnce(cfg *Config) { cfg.SlotWithin = time.Nanosecond }

// patient lets frames take their time.
func patient(cfg *Config) { cfg.PaceOver, cfg.FrameWithin = patience, 2*patience }

func TestSlots(t *testing.T) {
	t.Parallel()
	t.Run("AreWaitedFor", func(t *testing.T) {
		t.Parallel()
		w := setup(t, patient, func(cfg *Config) { cfg.LargeFrames = 1 })
		w.sandbox()
		one, two := w.create(nil), w.create(nil)
		w.start(one)
		w.start(two)
		first, second := w.connect(one), w.connect(two)
		rest := first.begin()
		w.eventually("the slot is taken", func() bool { return w.free() == 0 })
		frame, samples := large(2_000_000)
		confirmed := answer{Type: "agent.speak.confirmed", AudioSamples: avatarserver.ResampledSamples(samples, 48000), ID: "large"}
		sent := make(chan error, 1)
		go func() { sent <- second.write(websocket.MessageText, []byte(frame)) }()
		w.eventually("the second waits", w.conn(two).paused.Load)
		if err := rest(); err != nil {
			t.Error(err)
		}
		first.expect(confirmed)
		second.expect(confirmed)
		if err := <-sent; err != nil {
			t.Error(err)
		}
	})
	t.Run("AreWaitedForInVain", func(t *testing.T) {
		t.Parallel()
		w := setup(t, atOnce, func(cfg *Config) { cfg.LargeFrames = 1 })
		p := w.puppet()
		_, holder := w.spent(p)
		frame, _ := large(2_000_000)
		holder.send(frame)
		next[avatarserver.Speak](p)
		of := w.create(nil)
		w.start(of)
		c := w.connect(of)
		c.send(frame)
		c.fails("", CodeUnavailable)
		// A small one needs no turn.
		c.speak("small", 10, 16000)
		head := next[avatarserver.Speak](p)
		p.send(avatarserver.SpeakConfirmed{Address: head.Address, Command: head.Command, AudioSamples: 10})
		c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 10, ID: "small"})
		// Whoever goes leaves the place.
		_ = holder.ws.CloseNow()
		w.eventually("the slot is free", func() bool { return w.free() == 1 })
		c.send(frame)
		if head := next[avatarserver.Speak](p); head.SessionID != of.id || head.Bytes < 1_400_000 {
			t.Errorf("got %+v", head)
		}
	})
	t.Run("AreLostByWhoIsSlow", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(cfg *Config) { cfg.LargeFrames, cfg.PaceOver = 1, 200*time.Millisecond })
		of := w.started()
		slow := w.connect(of)
		slow.begin()
		slow.closes(CloseTimeout)
		w.eventually("its slot is free", func() bool { return w.free() == 1 })
		w.eventually("the log says why", func() bool { return strings.Contains(w.log.String(), "came too slowly") })
		w.connect(of) // and may be back
	})
	// A frame that stands still while it waits, or waits to be spoken, is not slow.
	t.Run("AreKeptByWhoIsNot", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(cfg *Config) { cfg.LargeFrames, cfg.PaceOver = 4, 2*time.Second })
		p := w.puppet()
		_, c := w.spent(p)
		frame, _ := large(2_000_000)
		c.send(frame)
		next[avatarserver.Speak](p)
		late := time.After(2 * w.streams.cfg.PaceOver)
		for done := false; !done; {
			select {
			case <-late:
				done = true
			default:
			}
			c.send(`{"type": "session.keep_alive"}`)
			if got := c.receive(); got.Type != "session.keep_alive.confirmed" {
				t.Fatalf("got %+v", got)
			}
			<-time.After(50 * time.Millisecond)
		}
	})
	t.Run("OfAnAccountAreAQuarter", func(t *testing.T) {
		t.Parallel()
		w := setup(t, patient, atOnce)
		w.sandbox()
		var crowd []*client
		var rests []func() error
		for range 8 {
			of := w.create(nil)
			w.start(of)
			c := w.connect(of)
			crowd, rests = append(crowd, c), append(rests, c.begin())
		}
		w.eventually("the share is used up", func() bool { return w.free() == 6 })
		other := dbtest.NewWorld(t, w.store)
		w.account, w.avatar = other.Account, other.Avatar
		of := w.create(nil)
		w.start(of)
		c := w.connect(of)
		frame, samples := large(2_000_000)
		confirmed := answer{Type: "agent.speak.confirmed", AudioSamples: avatarserver.ResampledSamples(samples, 48000), ID: "large"}
		c.send(frame)
		c.expect(confirmed)
		got := map[string]int{}
		for i, c := range crowd {
			if err := rests[i](); err != nil {
				t.Fatal(err)
			}
			got[c.receive().Type]++
		}
		if got["agent.speak.confirmed"] < 2 || w.free() != 8 {
			t.Errorf("%v, and %d slots are free", got, w.free())
		}
		w.streams.large.mu.Lock()
		defer w.streams.large.mu.Unlock()
		if left := len(w.streams.large.shares); left != 0 {
			t.Errorf("%d shares are kept", left)
		}
	})
	// The second of two large speeches waits for the first however long that takes.
	t.Run("OfAStreamAreOne", func(t *testing.T) {
		t.Parallel()
		for _, n := range []int{1, 8} {
			w := setup(t, atOnce, func(cfg *Config) { cfg.LargeFrames = n })
			p := w.puppet()
			of, c := w.spent(p)
			frame, _ := large(2_000_000)
			c.send(frame)
			head := next[avatarserver.Speak](p)
			sent := make(chan error, 1)
			go func() { sent <- c.write(websocket.MessageText, []byte(frame)) }()
			w.eventually("the second waits", w.conn(of).paused.Load)
			p.send(avatarserver.Credit{Address: head.Address, Bytes: avatarserver.CreditWindow})
			for range 2 {
				for last := false; !last; {
					if w.free() < n-1 {
						t.Fatal("one stream has two slots")
					}
					chunk := next[avatarserver.Chunk](p)
					if last = chunk.Command > 1 && chunk.Last; last {
						p.send(avatarserver.SpeakConfirmed{Address: chunk.Address, Command: chunk.Command, AudioSamples: 1})
					}
					p.send(avatarserver.Credit{Address: chunk.Address, Bytes: len(chunk.PCM)})
				}
				c.expect(answer{Type: "agent.speak.confirmed", AudioSamples: 1, ID: "large"})
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
			w.eventually("all slots are free", func() bool { return w.free() == n })
		}
	})
}
