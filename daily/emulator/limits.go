package emulator

import (
	"sync"
	"time"

	"greenroom/daily"
)

// A tier is a group of endpoints that share a rate.
type tier int

const (
	calls tier = iota
	deletes
	starts
)

// A window counts calls in the last Per. A refused call does not count.
type window struct {
	rate daily.Rate

	mu    sync.Mutex
	taken []time.Time
}

func newWindows(l Limits) map[tier]*window {
	defaults := map[tier]struct{ given, own daily.Rate }{
		calls:   {l.Calls, daily.DefaultCalls},
		deletes: {l.Deletes, daily.DefaultDeletes},
		starts:  {l.Starts, daily.Rate{Count: 5, Per: 5 * time.Second}},
	}
	windows := map[tier]*window{}
	for t, r := range defaults {
		if r.given.Count == 0 {
			r.given = r.own
		}
		windows[t] = &window{rate: r.given}
	}
	return windows
}

// take counts a call, or refuses it.
func (w *window) take() bool {
	if w.rate.Count < 0 {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	n := 0
	for n < len(w.taken) && now.Sub(w.taken[n]) >= w.rate.Per {
		n++
	}
	w.taken = w.taken[n:]
	if len(w.taken) >= w.rate.Count {
		return false
	}
	w.taken = append(w.taken, now)
	return true
}
