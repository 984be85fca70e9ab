package daily

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A Rate is how many calls may be made in any span of Per. The zero Rate stands for Daily's
// own limit, a negative Count for none.
type Rate struct {
	Count int
	Per   time.Duration
}

// Daily's documented limits, per domain.
var (
	DefaultCalls   = Rate{Count: 100, Per: 5 * time.Second}
	DefaultDeletes = Rate{Count: 50, Per: 30 * time.Second}
)

func (r Rate) orDefault(d Rate) (Rate, error) {
	switch {
	case r.Count == 0:
		return d, nil
	case r.Count > 0 && r.Per <= 0:
		return r, fmt.Errorf("a rate of %d calls needs a period", r.Count)
	}
	return r, nil
}

// noPlaceError says that the rate has no place before the caller's deadline.
type noPlaceError struct{ after time.Duration }

func (e *noPlaceError) Error() string {
	return fmt.Sprintf("the rate limit has no place for another %s", e.after.Round(time.Millisecond))
}

// A limiter hands out the places of one rate, first come first served.
//
// A place is taken when a call may begin and is free again Per after that call has *ended*.
// Daily sees a call somewhere between the two. So when a call begins, every call that Daily
// may have counted in the last Per still holds its place: however slow the network is, Daily
// never counts more than Count in any span of Per. A nil limiter limits nothing.
type limiter struct {
	rate Rate

	mu      sync.Mutex
	running int         // places of calls under way
	cooling []time.Time // when the places of ended calls are free again, ascending
	waiting []chan struct{}
	paused  time.Time // nobody begins before
	timer   *time.Timer
}

func newLimiter(r Rate) *limiter {
	if r.Count < 0 {
		return nil
	}
	return &limiter{rate: r}
}

// acquire waits for a place. When the deadline of ctx certainly comes first it fails at once
// with a noPlaceError, and the others do not wait behind it.
func (l *limiter) acquire(ctx context.Context) error {
	if l == nil {
		return ctx.Err()
	}
	l.mu.Lock()
	if err := ctx.Err(); err != nil {
		l.mu.Unlock()
		return err
	}
	now := time.Now()
	if len(l.waiting) == 0 && l.free(now) {
		l.running++
		l.mu.Unlock()
		return nil
	}
	at := l.earliest(now)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(at) {
		l.mu.Unlock()
		return &noPlaceError{after: at.Sub(now)}
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	l.arm(now)
	l.mu.Unlock()

	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.abandon(turn)
		return ctx.Err()
	}
}

// release ends a call: its place begins to cool.
func (l *limiter) release() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.running--
	l.cooling = append(l.cooling, now.Add(l.rate.Per))
	l.admit(now)
}

// pause holds everybody back for d: Daily has said that it counts more calls than we do.
func (l *limiter) pause(d time.Duration) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if until := now.Add(d); until.After(l.paused) {
		l.paused = until
	}
	l.arm(now)
}

// abandon takes a caller out of the queue. If its turn came in the same moment, the place goes
// to the next: no call was made with it.
func (l *limiter) abandon(turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, turn); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	} else {
		l.running--
	}
	l.admit(time.Now())
}

// free tells whether a call may begin now.
func (l *limiter) free(now time.Time) bool {
	n := 0
	for n < len(l.cooling) && !l.cooling[n].After(now) {
		n++
	}
	l.cooling = slices.Delete(l.cooling, 0, n)
	return !l.paused.After(now) && l.running+len(l.cooling) < l.rate.Count
}

// admit lets in whoever may begin now, and sees to it that somebody comes back for the rest.
func (l *limiter) admit(now time.Time) {
	for len(l.waiting) > 0 && l.free(now) {
		l.running++
		close(l.waiting[0])
		l.waiting = slices.Delete(l.waiting, 0, 1)
	}
	l.arm(now)
}

// arm sets the timer for the next moment at which a place may come free. With every place in a
// call under way there is none: release comes back.
func (l *limiter) arm(now time.Time) {
	if l.timer != nil {
		l.timer.Stop()
	}
	if len(l.waiting) == 0 {
		return
	}
	at := l.paused
	if l.running+len(l.cooling) >= l.rate.Count {
		if len(l.cooling) == 0 {
			return
		}
		at = later(at, l.cooling[0])
	}
	l.timer = time.AfterFunc(at.Sub(now), func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.admit(time.Now())
	})
}

// earliest is the soonest that one more caller can begin: behind all who wait, and with every
// call under way ending this instant.
func (l *limiter) earliest(now time.Time) time.Time {
	n := len(l.waiting)
	round := time.Duration(n/l.rate.Count) * l.rate.Per
	n %= l.rate.Count
	at := now
	if n -= l.rate.Count - l.running - len(l.cooling); n >= 0 {
		if n < len(l.cooling) {
			at = l.cooling[n]
		} else {
			at = now.Add(l.rate.Per)
		}
	}
	return later(at, l.paused).Add(round)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
