package main

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestBenchmarks runs every benchmark in small. How long things take is not looked at.
func TestBenchmarks(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "greenroom")
	if out, err := exec.Command("go", "build", "-o", binary, "greenroom").CombinedOutput(); err != nil {
		t.Fatalf("build greenroom: %v\n%s", err, out)
	}
	for name, small := range map[string]struct {
		benchmark
		positive []string
	}{
		"Stream": {
			&streamBench{Pairs: 4, Interval: 20 * time.Millisecond, AvatarServers: 2, For: 200 * time.Millisecond},
			[]string{"due → avatar server has it, p99", "due → client has its confirmation, p99", "goroutines a pair, idle"},
		},
		"Live": {
			&liveBench{Subscribers: 4, Changes: 3},
			[]string{"change sent → last subscriber, p50", "goroutines a subscriber, idle"},
		},
		"Webhooks": {
			&webhookBench{Endpoints: 2, Sessions: 4, Rate: 100, Rounds: 1, Patience: time.Minute},
			[]string{"others, one hangs, p99", "others' p99, one drips / none"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &options{Binary: binary}
			figures, err := o.once(t.Context(), small.benchmark, t.Output())
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]float64{}
			for _, f := range figures {
				got[f.Name] = f.Value
			}
			for _, figure := range small.positive {
				if got[figure] <= 0 {
					t.Errorf("%s is %v", figure, got[figure])
				}
			}
			if lost := got["speeches never answered"] + got["speeches refused"]; lost != 0 {
				t.Errorf("%v speeches were lost: %v", lost, figures)
			}
		})
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	var s samples
	for i := range 100 {
		s.add(time.Duration(100-i) * time.Millisecond)
	}
	for i, want := range []float64{50, 99, 100, 100} {
		if got := s.quantiles("delay", 50, 99, 99.9, 100)[i]; got.Value != want {
			t.Errorf("%s is %v, want %v", got.Name, got.Value, want)
		}
	}
}

// Time that a speech waited because the one before it stalled counts for it too.
func TestStreamCountsFromWhenASpeechWasDue(t *testing.T) {
	t.Parallel()
	l := &streamLoad{streamBench: &streamBench{WarmUp: time.Second}, began: time.Now().Add(-time.Minute)}
	pcm := make([]byte, speechBytes)
	stamp(pcm, 2*time.Second)
	l.take(&l.heard, stamped(pcm[:headBytes]))
	l.take(&l.heard, time.Second-1) // in the warm-up
	if got := l.heard.count(); got != 1 || l.heard.all[0] < 58*time.Second {
		t.Errorf("%d delays were taken: %v", got, l.heard.all)
	}
}
