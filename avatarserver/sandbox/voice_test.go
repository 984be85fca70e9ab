package sandbox_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greenroom/avatarserver"
	"greenroom/avatarserver/sandbox"
)

func noise(samples int) []int16 {
	made := make([]int16, samples)
	for i := range made {
		made[i] = int16(rand.IntN(1 << 16))
	}
	return made
}

// heard is how much a guest was told to play.
func (g *guest) heard() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Duration(len(g.pcm)/2) * time.Second / sandbox.SampleRate
}

func (g *guest) shown() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.said...)
}

// speaking runs a test in a bubble of time with a voice.
func speaking(t *testing.T, test func(v sandbox.Voice, g *guest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer cancel()
		g := &guest{}
		test(sandbox.NewVoice(ctx, g), g)
	})
}

// pass lets time pass, which in a bubble costs none.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestVoice(t *testing.T) {
	t.Parallel()

	t.Run("SpeaksAsFastAsItIsHeard", func(t *testing.T) {
		t.Parallel()
		speaking(t, func(v sandbox.Voice, g *guest) {
			said := noise(10 * sandbox.SampleRate)
			v.Say(1, said[:1000])
			v.Say(1, said[1000:])
			for second := range 10 {
				early := g.heard() - time.Duration(second)*time.Second
				if second > 0 && (early < 100*time.Millisecond || early > 400*time.Millisecond) {
					t.Errorf("after %d s it is %s ahead", second, early)
				}
				pass(time.Second)
			}
			if !bytes.Equal(g.pcm, pcm(said)) {
				t.Errorf("%d bytes, and not those that were said", len(g.pcm))
			}
		})
	})

	t.Run("IsSilentAtOnceWhenInterrupted", func(t *testing.T) {
		t.Parallel()
		speaking(t, func(v sandbox.Voice, g *guest) {
			v.Say(1, noise(60*sandbox.SampleRate))
			pass(time.Second)
			v.Interrupt()
			until := g.heard()
			pass(time.Minute)
			if g.heard() != until {
				t.Errorf("spoke on from %s to %s", until, g.heard())
			}
			if d := cmp.Diff([]string{"(interrupted)"}, g.shown()); d != "" {
				t.Error(d)
			}
			v.Say(2, noise(sandbox.SampleRate))
			pass(2 * time.Second)
			if g.heard() != until+time.Second {
				t.Errorf("heard %s after it", g.heard()-until)
			}
		})
	})

	t.Run("ForgetsOnlyTheSpeechThatBroke", func(t *testing.T) {
		t.Parallel()
		speaking(t, func(v sandbox.Voice, g *guest) {
			v.Say(1, noise(2*sandbox.SampleRate))
			v.Say(2, noise(10*sandbox.SampleRate))
			v.Forget(2)
			v.Say(3, noise(sandbox.SampleRate))
			pass(time.Minute)
			if g.heard() != 3*time.Second {
				t.Errorf("heard %s", g.heard())
			}
		})
	})

	t.Run("ShowsATextLineByLineAndBabblesAsLong", func(t *testing.T) {
		t.Parallel()
		speaking(t, func(v sandbox.Voice, g *guest) {
			v.Read(1, "One.  Two is\nlonger!", 3*sandbox.SampleRate)
			pass(2900 * time.Millisecond)
			if d := cmp.Diff([]string{"One.", "Two is", "longer!"}, g.shown()); d != "" {
				t.Error(d)
			}
			pass(time.Second)
			if last := g.shown()[3]; last != "" || g.heard() != 3*time.Second {
				t.Errorf("%q, heard %s", last, g.heard())
			}
		})
	})

	t.Run("KeepsNoMoreThanTwentyMinutes", func(t *testing.T) {
		t.Parallel()
		speaking(t, func(v sandbox.Voice, g *guest) {
			for range 30 {
				v.Say(1, make([]int16, 60*sandbox.SampleRate))
			}
			pass(time.Hour)
			if g.heard() < 19*time.Minute || g.heard() > 21*time.Minute {
				t.Errorf("heard %s", g.heard())
			}
		})
	})
}

func TestBabble(t *testing.T) {
	t.Parallel()

	t.Run("LinesAreTheText", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			text := rapid.String().Draw(t, "text")
			lines := sandbox.Lines(text)
			if strings.Join(lines, "") != string([]rune(text)) {
				t.Fatalf("%q became %q", text, lines)
			}
			for _, line := range lines {
				if n := len([]rune(line)); n == 0 || n > 60 {
					t.Fatalf("%d letters in %q", n, line)
				}
				if n := rapid.IntRange(0, 5000).Draw(t, "n"); len(sandbox.Babble(line, n)) != n {
					t.Fatal("another length")
				}
			}
		})
	})

	t.Run("SoundsForWordsAndNotBetweenThem", func(t *testing.T) {
		t.Parallel()
		loudest := func(samples []int16) (most int16) {
			for _, s := range samples {
				most = max(most, s, -s)
			}
			return most
		}
		made := sandbox.Babble("hello   . banana", 16000)
		for word, part := range map[string][]int16{"hello": made[:5000], "banana": made[10000:]} {
			if most := loudest(part); most < 3000 || most > 12000 {
				t.Errorf("%s is %d loud", word, most)
			}
		}
		if most := loudest(made[5000:10000]); most != 0 {
			t.Errorf("the pause is %d loud", most)
		}
	})
}

func TestWhatIsSentIsHeardInTheRoom(t *testing.T) {
	t.Parallel()
	g := setup(t)
	book := &roomBook{notes: make(chan string, 10), in: make(chan *guest, 1)}
	g.run(t, func(c *sandbox.Config) { c.Join = book.join })
	s1 := g.started(t, "s1")
	in := wait(t, book.in)
	said := pcm(noise(sandbox.SampleRate / 4))
	if _, err := g.Speak(t.Context(), s1, avatarserver.Speech{Audio: said, SampleRate: sandbox.SampleRate}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); in.heard() < time.Second/4; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("heard %s", in.heard())
		}
	}
	in.mu.Lock()
	if !bytes.Equal(in.pcm, said) {
		t.Error("something else was heard")
	}
	in.mu.Unlock()
	// A confirmed interrupt leaves nothing of an hour of speech.
	if _, err := g.Speak(t.Context(), s1, avatarserver.Speech{Text: strings.Repeat("Hour. ", 900)}); err != nil {
		t.Fatal(err)
	}
	if err := g.Interrupt(t.Context(), s1); err != nil {
		t.Fatal(err)
	}
	if shown := in.shown(); shown[len(shown)-1] != "(interrupted)" {
		t.Errorf("confirmed before %q", shown)
	}
}
