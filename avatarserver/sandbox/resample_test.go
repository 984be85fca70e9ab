package sandbox_test

import (
	"encoding/binary"
	"math"
	"testing"

	"pgregory.net/rapid"

	"greenroom/avatarserver"
	"greenroom/avatarserver/sandbox"
)

func pcm(samples []int16) []byte {
	b := make([]byte, 0, 2*len(samples))
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}

func TestResampler(t *testing.T) {
	t.Parallel()

	t.Run("MakesTheDocumentedCountHoweverTheAudioIsCut", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			rate := rapid.IntRange(avatarserver.MinSampleRate, avatarserver.MaxSampleRate).Draw(t, "rate")
			samples := rapid.SliceOf(rapid.Int16()).Draw(t, "samples")
			r := sandbox.NewResampler(rate)
			var out []int16
			for rest := samples; len(rest) > 0; {
				n := rapid.IntRange(1, len(rest)).Draw(t, "n")
				out = append(out, r.Write(pcm(rest[:n]))...)
				rest = rest[n:]
			}
			out = append(out, r.Flush()...)
			if want := avatarserver.ResampledSamples(len(samples), rate); len(out) != want {
				t.Fatalf("%d samples at %d: got %d, want %d", len(samples), rate, len(out), want)
			}
			if rate == 16000 {
				for i := range samples {
					if out[i] != samples[i] {
						t.Fatalf("sample %d changed", i)
					}
				}
			}
		})
	})

	t.Run("KeepsTheTone", func(t *testing.T) {
		t.Parallel()
		const tone = 440.0
		for _, rate := range []int{8000, 11025, 22050, 44100, 48000} {
			in := make([]int16, rate)
			for i := range in {
				in[i] = int16(20000 * math.Sin(2*math.Pi*tone*float64(i)/float64(rate)))
			}
			r := sandbox.NewResampler(rate)
			out := r.Write(pcm(in))
			for i, got := range out {
				want := 20000 * math.Sin(2*math.Pi*tone*float64(i)/16000)
				if math.Abs(float64(got)-want) > 500 {
					t.Fatalf("%d Hz: sample %d is %d, want about %.0f", rate, i, got, want)
				}
			}
		}
	})
}
