package sandbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"greenroom/avatarserver"
)

// A session is one that was handed over. Its own goroutine joins the room, says ready, and then
// works off the queue.
type session struct {
	ref    avatarserver.Ref
	avatar avatarserver.Avatar
	room   avatarserver.Room
	stop   context.CancelFunc
	// gone is closed when the room is left.
	gone chan struct{}

	// Guarded by server.mu.
	ready bool
	queue []item
	wake  chan struct{}
}

// An item is a frame to act on, and the connection that its answer belongs to.
type item struct {
	link  *link
	frame any
}

// resume follows a welcome: what Greenroom does not keep is dropped, what is ready is said to
// be ready again. From here on news goes to this link.
func (s *server) resume(l *link, w avatarserver.Welcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = l
	for _, x := range s.sessions {
		if !slices.Contains(w.Keep, x.ref) {
			s.drop(x)
		} else if x.ready {
			l.send(avatarserver.Ready{Address: avatarserver.Address(x.ref)})
		}
	}
	s.cfg.Log.Info("Greenroom says welcome", "keep", len(w.Keep), "release", len(w.Release))
}

// unlink follows the end of a connection. What was queued from it is forgotten, as Greenroom
// has; the sessions stay.
func (s *server) unlink() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link = nil
	for _, x := range s.sessions {
		x.put(item{frame: forget{}})
	}
}

// forget makes a session throw away what it has been sent.
type forget struct{}

// put replaces the queue for items that overtake it, and otherwise appends.
func (x *session) put(it item) (dropped []item) {
	switch it.frame.(type) {
	case avatarserver.Interrupt, forget:
		dropped, x.queue = x.queue, nil
	}
	x.queue = append(x.queue, it)
	select {
	case x.wake <- struct{}{}:
	default:
	}
	return dropped
}

// assign takes a session, or refuses it.
func (s *server) assign(l *link, f avatarserver.Assign) {
	ref := avatarserver.Ref(f.Address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.sessions[ref.SessionID]; old != nil {
		if old.ref.Generation >= ref.Generation {
			return
		}
		s.drop(old)
	}
	if err := s.refuses(f); err != nil {
		l.send(avatarserver.Refused{Address: f.Address, Reason: err.Error()})
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	x := &session{
		ref: ref, avatar: f.Avatar, room: f.Room, stop: stop,
		gone: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	s.sessions[ref.SessionID] = x
	// The same avatar cannot be in the room twice: the new one waits until the old has left.
	earlier := s.leaving[ref.SessionID]
	s.wg.Go(func() { s.play(ctx, x, earlier) })
}

func (s *server) refuses(f avatarserver.Assign) error {
	if len(s.sessions) >= s.cfg.Capacity {
		return errors.New("all places are taken")
	}
	if s.cfg.Avatars != nil && !slices.Contains(s.cfg.Avatars, f.Avatar.ID) {
		return errors.New("no such avatar here")
	}
	return nil
}

// drop forgets a session; its goroutine leaves the room. The caller holds mu.
func (s *server) drop(x *session) {
	x.stop()
	if s.sessions[x.ref.SessionID] == x {
		delete(s.sessions, x.ref.SessionID)
		s.leaving[x.ref.SessionID] = x
	}
}

// left follows the end of a session's goroutine.
func (s *server) left(x *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leaving[x.ref.SessionID] == x {
		delete(s.leaving, x.ref.SessionID)
	}
	close(x.gone)
}

// play is a session's life.
func (s *server) play(ctx context.Context, x, earlier *session) {
	defer s.left(x)
	if earlier != nil {
		<-earlier.gone
	}
	if ctx.Err() != nil {
		return
	}
	in, err := s.join(ctx, x)
	if in != nil {
		defer in.Leave()
	}
	if err != nil {
		s.giveUp(ctx, x, err)
		return
	}
	s.announce(ctx, x)
	var m mouth
	if in != nil {
		v := newVoice(in, s.cfg.Log)
		var speaking sync.WaitGroup
		defer speaking.Wait() // ctx has ended by then
		speaking.Go(func() { v.run(ctx) })
		m.voice = v
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
		}
		for it, ok := s.next(x); ok; it, ok = s.next(x) {
			m.act(it)
		}
	}
}

func (s *server) join(ctx context.Context, x *session) (in Participant, err error) {
	if s.cfg.Join != nil {
		if in, err = s.cfg.Join(ctx, x.avatar, x.room); err != nil {
			return in, err
		}
	}
	select {
	case <-ctx.Done():
		return in, ctx.Err()
	case <-time.After(s.cfg.ReadyAfter):
		return in, nil
	}
}

// giveUp refuses a session whose room cannot be joined. If it was released meanwhile, nobody
// waits for word.
func (s *server) giveUp(ctx context.Context, x *session, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	s.cfg.Log.Warn("cannot join the room", "session", x.ref.SessionID, "err", err)
	s.drop(x)
	if s.link != nil {
		s.link.send(avatarserver.Refused{Address: avatarserver.Address(x.ref), Reason: "cannot join the room"})
	}
}

// announce says ready now, or after the next welcome when there is no connection.
func (s *server) announce(ctx context.Context, x *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	x.ready = true
	if s.link != nil {
		s.link.send(avatarserver.Ready{Address: avatarserver.Address(x.ref)})
	}
}

func (s *server) next(x *session) (item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(x.queue) == 0 {
		return item{}, false
	}
	it := x.queue[0]
	x.queue = x.queue[1:]
	return it, true
}
