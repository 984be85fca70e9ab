package stream

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"greenroom/models"
	"greenroom/session"
)

// noteWithin is how long a line on the timeline may take.
const noteWithin = 5 * time.Second

// attendance tells sessions' timelines when clients come and go: a line when the first socket of
// a session is there, and one when the last has been gone for a while. A socket that takes over
// from another, or comes back at once, is neither. It is done as well as can be: a line that
// cannot be written is logged.
type attendance struct {
	sessions *session.Service
	grace    time.Duration
	log      *slog.Logger
	// notes counts lines of leaving that are still to come.
	notes sync.WaitGroup

	mu sync.Mutex
	of map[string]*presence
}

// A presence is whether one session has clients.
type presence struct {
	// mu is held while a line is written, so that they come in order. Guards told.
	mu   sync.Mutex
	told bool

	// Guarded by attendance.mu: the sockets, and what waits for the grace to pass.
	sockets int
	leaving *time.Timer
}

func newAttendance(s *session.Service, grace time.Duration, log *slog.Logger) *attendance {
	return &attendance{sessions: s, grace: grace, log: log, of: map[string]*presence{}}
}

// arrive counts a socket, and returns when the timeline has it.
func (a *attendance) arrive(ctx context.Context, id string) {
	a.mu.Lock()
	p := a.of[id]
	if p == nil {
		p = &presence{}
		a.of[id] = p
	}
	p.sockets++
	if p.leaving != nil && p.leaving.Stop() {
		a.notes.Done()
	}
	p.leaving = nil
	a.mu.Unlock()

	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.told {
		p.told = true
		a.note(ctx, id, a.sessions.ClientConnected)
	}
}

// leave counts a socket that is gone. Its caller's context may have ended. An ended session's
// timeline is closed.
func (a *attendance) leave(ctx context.Context, id string, ended bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.of[id]
	p.sockets--
	if p.sockets > 0 {
		return
	}
	if ended {
		delete(a.of, id)
		return
	}
	a.notes.Add(1)
	p.leaving = time.AfterFunc(a.grace, func() {
		defer a.notes.Done()
		a.gone(context.WithoutCancel(ctx), id, p)
	})
}

// gone tells that nobody is there, unless somebody came back meanwhile.
func (a *attendance) gone(ctx context.Context, id string, p *presence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !a.empty(p) || !p.told {
		return
	}
	p.told = false
	a.note(ctx, id, a.sessions.ClientLeft)
	a.forget(id, p)
}

// empty tells whether no socket is there.
func (a *attendance) empty(p *presence) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return p.sockets == 0
}

// forget drops the presence, unless a socket has come while the line was written.
func (a *attendance) forget(id string, p *presence) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.sockets == 0 && a.of[id] == p {
		delete(a.of, id)
	}
}

func (a *attendance) note(ctx context.Context, id string, line func(context.Context, string) error) {
	ctx, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	if err := line(ctx, id); err != nil && !errors.Is(err, models.ErrSessionEnded) && ctx.Err() == nil {
		a.log.Warn("note a client on the timeline", "session", id, "error", err)
	}
}

// flush tells of all who have left, without waiting any longer, and returns when that is done.
// Nobody arrives any more.
func (a *attendance) flush() {
	a.mu.Lock()
	for _, p := range a.of {
		if p.leaving != nil && p.leaving.Stop() {
			p.leaving.Reset(0)
		}
	}
	a.mu.Unlock()
	a.notes.Wait()
}
