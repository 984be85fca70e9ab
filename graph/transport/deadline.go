package transport

import (
	"sync"
	"time"
)

// A deadline is that of a connection's writes. Whoever writes moves it for each message; who
// ends the connection sets the last one, which nobody can put off any more.
type deadline struct {
	// set is the connection's, and may be called while another goroutine is writing.
	set func(time.Time) error

	mu   sync.Mutex
	last bool
}

// move does nothing once there is a last one.
func (d *deadline) move(to time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last {
		return nil
	}
	return d.set(to)
}

// end sets the last one, unless there is one.
func (d *deadline) end(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.last {
		d.last = true
		_ = d.set(at) // a connection that is closed has no deadline to move
	}
}
