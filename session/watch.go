package session

import (
	"context"
	"math/rand/v2"
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
	caller, err := auth.Require(ctx)
	if err != nil {
		return nil, err
	}
	news := s.Hub.Session(id) // before reading, so that nothing falls in between
	present, err := s.read(s.Clock.WithInstant(ctx), caller.Scope(), id)
	if err != nil {
		news.Close()
		return nil, err
	}
	w := &watch{service: s, scope: caller.Scope(), news: news, latest: present, out: make(chan *models.Session)}
	go w.run(ctx)
	return w.out, nil
}

// A watch follows one session for one subscriber.
type watch struct {
	service *Service
	scope   models.Scope
	news    *events.Watch
	// latest is the newest state known; told, its revision once the subscriber has it.
	latest *models.Session
	told   int
	out    chan *models.Session
}

func (w *watch) run(ctx context.Context) {
	defer close(w.out)
	defer w.news.Close()
	for {
		// A nil channel takes nothing: there is nothing new to tell.
		var out chan *models.Session
		if w.latest.Revision > w.told {
			out = w.out
		}
		look := time.NewTimer(w.untilLook())
		select {
		case <-ctx.Done():
			look.Stop()
			return
		case out <- w.latest:
			w.told = w.latest.Revision
		case <-w.news.News():
			newest, doubts := w.news.Take()
			w.learn(newest)
			if doubts {
				w.look(ctx)
			}
		case <-look.C:
			w.look(ctx)
		}
		look.Stop()
		if w.latest.EndedAt != nil && w.told == w.latest.Revision {
			return
		}
	}
}

// untilLook is how long the watch waits for news before it reads for itself.
func (w *watch) untilLook() time.Duration {
	rest := rereadEvery/2 + rand.N(rereadEvery) //nolint:gosec // G404: jitter, not a secret
	if w.latest.EndedAt == nil && w.latest.Deadline != nil {
		if due := w.latest.Deadline.Sub(w.service.Clock()) + sweepLate; due > 0 {
			rest = min(rest, due)
		}
	}
	return rest
}

// learn takes a newer state.
func (w *watch) learn(s *models.Session) {
	if s != nil && s.Revision > w.latest.Revision {
		w.latest = s
	}
}

// look asks the database. When it fails, the watch goes on with what it knows, and asks again.
func (w *watch) look(ctx context.Context) {
	present, err := w.service.Store.Session(ctx, w.scope, w.latest.ID, w.service.Clock())
	if err == nil {
		w.learn(present)
	} else if ctx.Err() == nil {
		w.service.Log.Warn("watch", "session", w.latest.ID, "error", err)
	}
}
