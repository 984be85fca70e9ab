package session

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"greenroom/auth"
	"greenroom/events"
	"greenroom/models"
)

const (
	// rereadEvery is how often, on average, a watched session is read without news: what a lost
	// message hid is seen by then.
	rereadEvery = 30 * time.Second
	// sweepLate is how long after a deadline a watch trusts the sweep to tell of the end, before
	// it looks itself. Whoever has begun to move the deadline has finished by then.
	sweepLate = 250 * time.Millisecond
)

// Watch tells the present state of a session that the caller may see, and then newer ones: some
// may be left out, the last never, and none comes twice or out of order. The channel closes
// after an ended state, and when ctx ends.
func (s *Service) Watch(ctx context.Context, id string) (<-chan *models.Session, error) {
	woken := make(chan struct{}, 1)
	f, err := s.Follow(ctx, id, func() { wake(woken) })
	if err != nil {
		return nil, err
	}
	out := make(chan *models.Session)
	go f.pour(ctx, woken, out)
	return out, nil
}

// pour tells all states through a channel.
func (f *Following) pour(ctx context.Context, woken <-chan struct{}, into chan<- *models.Session) {
	defer close(into)
	defer f.Close()
	for !f.over() {
		// A nil channel takes nothing: there is nothing new to tell.
		var out chan<- *models.Session
		if f.isNew() {
			out = into
		}
		select {
		case <-ctx.Done():
			return
		case out <- f.latest:
			f.told = f.latest.Revision
		case <-woken:
			f.learn(ctx)
		}
	}
}

// A Following follows one session for one subscriber, who asks for its states one by one. It takes
// no goroutine while nothing happens. Its methods are for one caller at a time.
type Following struct {
	service *Service
	scope   models.Scope
	news    *events.Watch
	wake    func()
	// latest is the newest state known; told, its revision once the subscriber has it.
	latest *models.Session
	told   int
	// due is when the session is to be read without news, and isDue whether that moment has come.
	due   *time.Timer
	isDue atomic.Bool
}

// Follow is Watch for who is woken rather than waits: wake is called whenever Next may have
// something, from any goroutine, and must not block. The first state is there at once. The caller
// calls Close in the end, also after a state that was the last.
func (s *Service) Follow(ctx context.Context, id string, wake func()) (*Following, error) {
	caller, err := auth.Require(ctx)
	if err != nil {
		return nil, err
	}
	f := &Following{service: s, scope: caller.Scope(), wake: wake}
	f.news = s.Hub.SessionWaking(id, wake) // before reading, so that nothing falls in between
	f.latest, err = s.read(s.Clock.WithInstant(ctx), f.scope, id)
	if err != nil {
		f.news.Close()
		return nil, err
	}
	f.due = time.AfterFunc(f.untilDue(), f.ring)
	return f, nil
}

// Next is the newest state, nil when the subscriber has it. over says that it will have no newer
// one. The state is shared: copy it before changing it.
func (f *Following) Next(ctx context.Context) (state *models.Session, over bool) {
	f.learn(ctx)
	if f.isNew() {
		state, f.told = f.latest, f.latest.Revision
	}
	return state, f.over()
}

// Close ends the following. wake may be called once more.
func (f *Following) Close() {
	f.due.Stop()
	f.news.Close()
}

func (f *Following) isNew() bool { return f.latest.Revision > f.told }

func (f *Following) over() bool { return f.latest.EndedAt != nil && !f.isNew() }

func (f *Following) ring() {
	f.isDue.Store(true)
	f.wake()
}

// untilDue is how long the session waits for news before it is read without.
func (f *Following) untilDue() time.Duration {
	rest := rereadEvery/2 + rand.N(rereadEvery) //nolint:gosec // G404: jitter, not a secret
	if f.latest.EndedAt == nil && f.latest.Deadline != nil {
		if due := f.latest.Deadline.Sub(f.service.Clock()) + sweepLate; due > 0 {
			rest = min(rest, due)
		}
	}
	return rest
}

// learn takes what is new: from the hub, and from the database when its time has come or news may
// have been lost.
func (f *Following) learn(ctx context.Context) {
	newest, doubts := f.news.Take()
	f.take(newest)
	if f.isDue.Swap(false) || doubts {
		f.look(ctx)
	}
	f.due.Reset(f.untilDue())
}

func (f *Following) take(s *models.Session) {
	if s != nil && s.Revision > f.latest.Revision {
		f.latest = s
	}
}

// look asks the database. When it fails, the following goes on with what it knows, and asks again.
func (f *Following) look(ctx context.Context) {
	present, err := f.service.Store.Session(ctx, f.scope, f.latest.ID, f.service.Clock())
	if err == nil {
		f.take(present)
	} else if ctx.Err() == nil {
		f.service.Log.Warn("watch", "session", f.latest.ID, "error", err)
	}
}
