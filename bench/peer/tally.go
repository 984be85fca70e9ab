package peer

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// A Tally counts what many callers do at once.
type Tally struct {
	mu     sync.Mutex
	done   int
	failed int
	err    error // the first
}

// A Count is what a tally prints: of how many writes a second was answered that they are durable,
// and the CPU time of each, in microseconds. What was refused is not among them.
type Count struct {
	Rate   float64 `json:"rate"`
	CPU    float64 `json:"cpu"`
	Failed int     `json:"failed"`
}

// Note takes one outcome.
func (t *Tally) Note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.done++
		return
	}
	if t.failed++; t.err == nil {
		t.err = err
	}
}

// Print writes the count of everything noted in that time as a line of JSON. It is an error when
// nothing was done.
func (t *Tally) Print(out io.Writer, in time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done == 0 {
		return fmt.Errorf("nothing was done: %w", t.err)
	}
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	return json.NewEncoder(out).Encode(Count{
		Rate: float64(t.done) / in.Seconds(), CPU: float64(cpu.Microseconds()) / float64(t.done), Failed: t.failed,
	})
}
