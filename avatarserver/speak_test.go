package avatarserver_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/avatarserver"
	"greenroom/models"
)

type spoken struct {
	samples int
	err     error
}

func (h *harness) speak(ctx context.Context, to ref, s avatarserver.Speech) <-chan spoken {
	done := make(chan spoken, 1)
	go func() {
		n, err := h.Speak(ctx, to, s)
		done <- spoken{n, err}
	}()
	return done
}

// audio is n bytes of which no two neighbouring chunks are alike.
func audio(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i >> 8)
	}
	return b
}

func TestSpeak(t *testing.T) {
	t.Parallel()

	t.Run("ArrivesInChunksAndIsConfirmed", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		pcm := audio(2*avatarserver.MaxChunk + 100)
		done := h.speak(t.Context(), s1, avatarserver.Speech{Audio: pcm, SampleRate: 48000})
		head := expect[avatarserver.Speak](p)
		want := avatarserver.Speak{Address: avatarserver.Address(s1), Command: 1, SampleRate: 48000, Bytes: len(pcm)}
		if d := cmp.Diff(want, head); d != "" {
			t.Error(d)
		}
		var got []byte
		for seq := uint32(0); ; seq++ {
			c := expect[avatarserver.Chunk](p)
			if ref(c.Address) != s1 || c.Command != 1 || c.Seq != seq || c.Abandoned {
				t.Fatalf("chunk %d: %+v", seq, c.Address)
			}
			if got = append(got, c.PCM...); c.Last {
				break
			}
		}
		if !bytes.Equal(got, pcm) {
			t.Error("other audio arrived")
		}
		p.send(avatarserver.SpeakConfirmed{Address: head.Address, Command: 1, AudioSamples: 4242})
		if got := wait(t, done); got.err != nil || got.samples != 4242 {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("TextGoesAsText", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		done := h.speak(t.Context(), s1, avatarserver.Speech{Text: "Grüß dich", SampleRate: 16000})
		got := expect[avatarserver.Speak](p)
		if d := cmp.Diff(avatarserver.Speak{Address: avatarserver.Address(s1), Command: 1, Text: "Grüß dich"}, got); d != "" {
			t.Error(d)
		}
		p.send(avatarserver.CommandFailed{Address: got.Address, Command: 1, Code: "TEXT_UNSUPPORTED", Message: "this avatar has no voice"})
		failed, ok := errors.AsType[*avatarserver.CommandError](wait(t, done).err)
		if !ok || failed.Code != "TEXT_UNSUPPORTED" || failed.Message != "this avatar has no voice" {
			t.Errorf("got %+v", failed)
		}
	})

	t.Run("WaitsForCredit", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 2)
		s1, s2 := h.started(t, p, "s1"), h.started(t, p, "s2")
		const window = avatarserver.CreditWindow / avatarserver.MaxChunk
		done := h.speak(t.Context(), s1, avatarserver.Speech{Audio: audio((window + 2) * avatarserver.MaxChunk), SampleRate: 16000})
		expect[avatarserver.Speak](p)
		for range window {
			expect[avatarserver.Chunk](p)
		}
		// The window is used up: the other session's speech is next, which has its own.
		other := h.speak(t.Context(), s2, avatarserver.Speech{Audio: audio(2), SampleRate: 16000})
		expect[avatarserver.Speak](p)
		if c := expect[avatarserver.Chunk](p); ref(c.Address) != s2 {
			t.Errorf("got chunk %d of %s without credit", c.Seq, c.SessionID)
		}
		p.send(avatarserver.SpeakConfirmed{Address: avatarserver.Address(s2), Command: 1, AudioSamples: 1})
		wait(t, other)
		for seq := uint32(window); seq < window+2; seq++ {
			p.send(avatarserver.Credit{Address: avatarserver.Address(s1), Bytes: avatarserver.MaxChunk})
			if c := expect[avatarserver.Chunk](p); ref(c.Address) != s1 || c.Seq != seq || c.Last != (seq == window+1) {
				t.Errorf("got chunk %d of %s", c.Seq, c.SessionID)
			}
		}
		p.send(avatarserver.SpeakConfirmed{Address: avatarserver.Address(s1), Command: 1, AudioSamples: 1})
		if got := wait(t, done); got.err != nil {
			t.Error(got.err)
		}
	})

	t.Run("OneSpeechAfterAnother", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		const n = 8
		all := make([]<-chan spoken, n)
		for i := range all {
			all[i] = h.speak(t.Context(), s1, avatarserver.Speech{Audio: audio(3 * avatarserver.MaxChunk), SampleRate: 16000})
		}
		for range n {
			head := expect[avatarserver.Speak](p)
			for seq := range uint32(3) {
				if c := expect[avatarserver.Chunk](p); c.Command != head.Command || c.Seq != seq {
					t.Fatalf("chunk %d of %d within %d", c.Seq, c.Command, head.Command)
				}
				p.send(avatarserver.Credit{Address: head.Address, Bytes: avatarserver.MaxChunk})
			}
			p.send(avatarserver.SpeakConfirmed{Address: head.Address, Command: head.Command, AudioSamples: int(head.Command)})
		}
		sum := 0
		for _, done := range all {
			got := wait(t, done)
			if got.err != nil {
				t.Error(got.err)
			}
			sum += got.samples
		}
		if sum != n*(n+1)/2 {
			t.Errorf("confirmations went astray: %d", sum)
		}
	})

	t.Run("SessionsTakeTurns", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 2)
		s1, s2 := h.started(t, p, "s1"), h.started(t, p, "s2")
		ctx, cancel := context.WithCancel(t.Context())
		long := h.speak(ctx, s1, avatarserver.Speech{Audio: audio(8 << 20), SampleRate: 16000})
		expect[avatarserver.Speak](p)
		short := h.speak(t.Context(), s2, avatarserver.Speech{Audio: audio(100), SampleRate: 16000})
		// Credit for the long one is returned at once, and still the short one gets through.
		for seen := 0; ; {
			f, err := p.read()
			if err != nil {
				t.Fatal(err)
			}
			c, ok := f.(avatarserver.Chunk)
			if ok && c.SessionID == "s2" {
				p.send(avatarserver.SpeakConfirmed{Address: c.Address, Command: c.Command, AudioSamples: 50})
				break
			}
			if ok {
				p.send(avatarserver.Credit{Address: c.Address, Bytes: len(c.PCM)})
			}
			if seen++; seen > 127 {
				t.Fatal("the long speech came first as a whole")
			}
		}
		if got := wait(t, short); got.err != nil || got.samples != 50 {
			t.Errorf("got %+v", got)
		}
		cancel()
		wait(t, long)
	})

	t.Run("IsNotLostInSilence", func(t *testing.T) {
		t.Parallel()
		h := setup(t, func(c *avatarserver.Config) { c.AnswerWithin = 50 * time.Millisecond })
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		little := avatarserver.Speech{Audio: audio(2), SampleRate: 16000}
		for name, c := range map[string]struct {
			to     ref
			speech avatarserver.Speech
		}{
			"ToNobody":              {ref{SessionID: "s9", Generation: 1}, little},
			"ToAnotherGeneration":   {ref{SessionID: "s1", Generation: 2}, little},
			"WithoutAConfirmation":  {s1, little},
			"WithoutCreditReturned": {s1, avatarserver.Speech{Audio: audio(2 << 20), SampleRate: 16000}},
		} {
			if got := wait(t, h.speak(t.Context(), c.to, c.speech)); !errors.Is(got.err, avatarserver.ErrRelayLost) {
				t.Errorf("%s: got %v", name, got.err)
			}
		}
		if err := h.Interrupt(t.Context(), s1); !errors.Is(err, avatarserver.ErrRelayLost) {
			t.Errorf("interrupt: got %v", err)
		}
	})

	t.Run("FailsWhenTheConnectionBreaks", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		done := h.speak(t.Context(), s1, avatarserver.Speech{Audio: audio(2 << 20), SampleRate: 16000})
		expect[avatarserver.Speak](p)
		_ = p.ws.CloseNow()
		if got := wait(t, done); !errors.Is(got.err, avatarserver.ErrRelayLost) {
			t.Errorf("got %v", got.err)
		}
		until(t, "disconnected", func() bool { return !h.connected("a") })
		if _, err := h.Speak(t.Context(), s1, avatarserver.Speech{Text: "hello?"}); !errors.Is(err, avatarserver.ErrRelayLost) {
			t.Errorf("got %v", err)
		}
		// Back again, the way is free and the window whole.
		p, _ = h.hello(t, "a", 1, s1)
		done = h.speak(t.Context(), s1, avatarserver.Speech{Audio: audio(avatarserver.CreditWindow), SampleRate: 16000})
		head := expect[avatarserver.Speak](p)
		for last := false; !last; {
			last = expect[avatarserver.Chunk](p).Last
		}
		p.send(avatarserver.SpeakConfirmed{Address: head.Address, Command: head.Command, AudioSamples: 5})
		if got := wait(t, done); got.err != nil || got.samples != 5 {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("FailsWhenTheSessionIsReleased", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		done := h.speak(t.Context(), s1, avatarserver.Speech{Text: "bye"})
		expect[avatarserver.Speak](p)
		h.Release(s1)
		if got := wait(t, done); !errors.Is(got.err, avatarserver.ErrRelayLost) {
			t.Errorf("got %v", got.err)
		}
	})

	t.Run("ACallerThatGivesUpIsToldToTheServer", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		ctx, cancel := context.WithCancel(t.Context())
		done := h.speak(ctx, s1, avatarserver.Speech{Audio: audio(2 << 20), SampleRate: 16000})
		expect[avatarserver.Speak](p)
		seq := uint32(0)
		for ; seq < 16; seq++ {
			expect[avatarserver.Chunk](p)
		}
		cancel()
		if got := wait(t, done); !errors.Is(got.err, context.Canceled) {
			t.Errorf("got %v", got.err)
		}
		if c := expect[avatarserver.Chunk](p); !c.Abandoned || !c.Last || c.Seq != seq || len(c.PCM) != 0 {
			t.Errorf("got %+v", c)
		}
		next := h.speak(t.Context(), s1, avatarserver.Speech{Text: "next"})
		head := expect[avatarserver.Speak](p)
		p.send(avatarserver.SpeakConfirmed{Address: head.Address, Command: 1, AudioSamples: 9})
		p.send(avatarserver.SpeakConfirmed{Address: head.Address, Command: head.Command, AudioSamples: 7})
		if got := wait(t, next); got.err != nil || got.samples != 7 {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("BadInputIsRefused", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		for name, s := range map[string]avatarserver.Speech{
			"Nothing":      {SampleRate: 16000},
			"Both":         {Audio: audio(2), SampleRate: 16000, Text: "hello"},
			"HalfASample":  {Audio: audio(3), SampleRate: 16000},
			"TooSlow":      {Audio: audio(2), SampleRate: 7999},
			"TooFast":      {Audio: audio(2), SampleRate: 48001},
			"NotUTF8":      {Text: "\xff"},
			"TooMuchToSay": {Text: string(make([]byte, avatarserver.MaxText+1))},
		} {
			if _, err := h.Speak(t.Context(), ref{}, s); !isKind(err, models.KindInvalidInput) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

func TestInterrupt(t *testing.T) {
	t.Parallel()

	t.Run("OvertakesAndCancelsQueuedSpeech", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		sending := h.speak(t.Context(), s1, avatarserver.Speech{Audio: audio(4 << 20), SampleRate: 16000})
		head := expect[avatarserver.Speak](p)
		for range 16 {
			expect[avatarserver.Chunk](p)
		}
		waiting := h.speak(t.Context(), s1, avatarserver.Speech{Text: "and then"})
		until(t, "the second speech waits", func() bool { return h.Commands(s1) == 2 })
		done := make(chan error, 1)
		go func() { done <- h.Interrupt(t.Context(), s1) }()
		got := expect[avatarserver.Interrupt](p)
		for _, s := range []<-chan spoken{sending, waiting} {
			if got := wait(t, s); !errors.Is(got.err, avatarserver.ErrInterrupted) {
				t.Errorf("got %v", got.err)
			}
		}
		p.send(avatarserver.InterruptConfirmed(got))
		if err := wait(t, done); err != nil {
			t.Error(err)
		}
		// The old speech's credit comes back, and what comes next is new speech.
		p.send(avatarserver.Credit{Address: head.Address, Bytes: avatarserver.CreditWindow})
		next := h.speak(t.Context(), s1, avatarserver.Speech{Audio: audio(2), SampleRate: 8000})
		head = expect[avatarserver.Speak](p)
		if c := expect[avatarserver.Chunk](p); c.Command != head.Command || c.Seq != 0 || !c.Last {
			t.Errorf("got chunk %d of command %d", c.Seq, c.Command)
		}
		p.send(avatarserver.SpeakConfirmed{Address: head.Address, Command: head.Command, AudioSamples: 2})
		if got := wait(t, next); got.err != nil {
			t.Error(got.err)
		}
	})

	t.Run("LeavesTheAnswerOfWhatIsWhollySentToTheServer", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		p, _ := h.hello(t, "a", 1)
		s1 := h.started(t, p, "s1")
		speech := h.speak(t.Context(), s1, avatarserver.Speech{Text: "done already"})
		head := expect[avatarserver.Speak](p)
		done := make(chan error, 1)
		go func() { done <- h.Interrupt(t.Context(), s1) }()
		i := expect[avatarserver.Interrupt](p)
		p.send(avatarserver.SpeakConfirmed{Address: head.Address, Command: head.Command, AudioSamples: 3})
		p.send(avatarserver.InterruptConfirmed(i))
		if got := wait(t, speech); got.err != nil || got.samples != 3 {
			t.Errorf("got %+v", got)
		}
		if err := wait(t, done); err != nil {
			t.Error(err)
		}
	})

	t.Run("ToNobodyIsRelayLost", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		if err := h.Interrupt(t.Context(), ref{SessionID: "s9", Generation: 1}); !errors.Is(err, avatarserver.ErrRelayLost) {
			t.Errorf("got %v", err)
		}
	})
}
