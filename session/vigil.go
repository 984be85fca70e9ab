package session

import (
	"sync"
	"time"

	"greenroom/models"
)

// A vigil knows for how long this process has seen waits go on, by a clock that nobody sets. What
// ends a session after a grace asks it besides the rows, whose times are the machine's clock's: set
// forward, that would take the grace away. A new process begins to count anew.
type vigil struct {
	// uptime is for how long the process has run.
	uptime func() time.Duration

	mu    sync.Mutex
	began map[wait]time.Duration
}

// A wait is a session that has waited for an avatar, or for people, since an instant.
type wait struct {
	session string
	since   models.Time
}

// begin says that a wait was seen at an uptime. The earliest word counts.
func (v *vigil) begin(w wait, at time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.first(w, at)
}

// held is for how long a wait has been seen: 0 for one that is seen for the first time.
func (v *vigil) held(w wait) time.Duration {
	now := v.uptime()
	v.mu.Lock()
	defer v.mu.Unlock()
	return now - v.first(w, now)
}

func (v *vigil) first(w wait, at time.Duration) time.Duration {
	if began, ok := v.began[w]; ok {
		at = min(at, began)
	}
	v.began[w] = at
	return at
}

// forget drops waits that began longer ago than that, so that what is over takes no memory.
func (v *vigil) forget(longer time.Duration) {
	now := v.uptime()
	v.mu.Lock()
	defer v.mu.Unlock()
	for w, began := range v.began {
		if now-began > longer {
			delete(v.began, w)
		}
	}
}
