package avatarserver

import (
	"errors"
	"time"
)

// A server is one instance of an avatar server, over all its connections. Guarded by
// Registry.mu.
type server struct {
	instance string
	name     string
	capacity int
	all      bool
	avatars  map[string]bool
	draining bool

	// conn is the newest connection, nil while there is none; welcomed, whether it has been told
	// what to keep. Only then is it sent anything.
	conn     *conn
	welcomed bool
	// grace runs while there is no connection; absence tells an old one's timer from a new one's.
	grace   *time.Timer
	absence int

	carries map[*assignment]bool
	// chosen counts hand-overs that are being recorded and are not in carries yet.
	chosen int
	// released were taken back while nothing could be sent.
	released map[Ref]bool
}

// takes tells whether the server can be handed a session with this avatar.
func (s *server) takes(avatarID string) bool {
	return s.welcomed && !s.draining && len(s.carries)+s.chosen < s.capacity && (s.all || s.avatars[avatarID])
}

// lessLoaded compares the used shares of two servers' capacities, without dividing.
func (s *server) lessLoaded(t *server) bool {
	used, other := (len(s.carries)+s.chosen)*t.capacity, (len(t.carries)+t.chosen)*s.capacity
	if used != other {
		return used < other
	}
	return s.instance < t.instance
}

func (s *server) send(f Frame) {
	if s.welcomed {
		s.conn.queue(Encode(f))
	}
}

func (s *server) stopGrace() {
	s.absence++
	if s.grace != nil {
		s.grace.Stop()
	}
}

// ending is why a server does not have an assignment any more.
type ending string

const (
	endRefused  ending = "refused"
	endLost     ending = "lost"
	endReleased ending = "released"
	endUnwanted ending = "unwanted"
)

// An assignment is one hand-over of a session that a server carries. Guarded by Registry.mu,
// except for the channels and what never changes.
type assignment struct {
	ref    Ref
	server *server
	// dispatched: a Dispatch has made it, rather than a hello.
	dispatched bool
	// accepting: the server is ready and Sessions is being told; accepted, it agreed.
	accepting bool
	accepted  bool
	// end is empty while the server has it; err says more about endUnwanted.
	end ending
	err error
	// changed wakes the Dispatch that waits for the outcome.
	changed chan struct{}

	speech
}

func newAssignment(ref Ref, s *server) *assignment {
	return &assignment{ref: ref, server: s, changed: make(chan struct{}, 1), speech: newSpeech()}
}

// hold makes a the session's present hand-over, in place of an older one.
func (r *Registry) hold(a *assignment) error {
	if old := r.held[a.ref.SessionID]; old != nil {
		if old.ref.Generation >= a.ref.Generation {
			return errors.New("a newer hand-over of the session is there already")
		}
		r.release(old, endReleased)
	}
	r.held[a.ref.SessionID] = a
	a.server.carries[a] = true
	return nil
}

// drop forgets a. Commands on their way to it fail.
func (r *Registry) drop(a *assignment, why ending) {
	if a.end != "" {
		return
	}
	a.end = why
	delete(a.server.carries, a)
	if r.held[a.ref.SessionID] == a {
		delete(r.held, a.ref.SessionID)
	}
	a.failCommands(relayLost("the avatar has left the session"))
	signal(a.changed)
}

// release takes a back from its server, now or at its next hello.
func (r *Registry) release(a *assignment, why ending) {
	if a.end != "" {
		return
	}
	r.drop(a, why)
	if a.server.welcomed {
		a.server.send(Release{Address(a.ref)})
	} else {
		a.server.released[a.ref] = true
	}
}

// lose records that the server does not have a any more. A Dispatch that still waits for its
// ready tries another server; otherwise the session has to hear of it.
func (r *Registry) lose(a *assignment, why ending) {
	if a.end != "" {
		return
	}
	untold := a.dispatched && !a.accepting && !a.accepted
	r.drop(a, why)
	if untold {
		return
	}
	r.tellLost(a)
}

// attach makes c the server's connection. An older one is closed: what is new is alive.
func (r *Registry) attach(c *conn, h *Hello) *server {
	s := r.servers[h.Instance]
	if s == nil {
		s = &server{instance: h.Instance, carries: map[*assignment]bool{}, released: map[Ref]bool{}}
		r.servers[h.Instance] = s
	}
	if old := s.conn; old != nil {
		r.unplug(s)
		old.shut(CloseTakenOver, "a newer connection of this instance has taken over")
	}
	s.stopGrace()
	s.conn, c.server = c, s
	s.name, s.capacity, s.all = h.Name, h.Capacity, h.Avatars.All
	s.avatars, s.draining = map[string]bool{}, false
	for _, id := range h.Avatars.IDs {
		s.avatars[id] = true
	}
	return s
}

// unplug takes the connection away from s. Commands that were on it fail now: their answers
// cannot come any more.
func (r *Registry) unplug(s *server) {
	s.conn.control, s.conn.speaking = nil, nil
	s.conn, s.welcomed = nil, false
	for a := range s.carries {
		a.failCommands(relayLost("the connection to the avatar server broke"))
		signal(a.changed)
	}
}

// detach follows the end of c. From its last sign of life the server has the grace to come
// back; then what it carried is lost.
func (r *Registry) detach(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
	s := c.server
	if s == nil || s.conn != c {
		return
	}
	r.unplug(s)
	if r.closed {
		return
	}
	absence := s.absence
	s.grace = time.AfterFunc(r.cfg.LostAfter-c.silence(), func() { r.giveUp(s, absence) })
}

// giveUp is the end of the grace that began with this absence.
func (r *Registry) giveUp(s *server, absence int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || s.absence != absence {
		return
	}
	r.cfg.Log.Warn("avatar server is lost", "instance", s.instance, "sessions", len(s.carries))
	delete(r.servers, s.instance)
	for a := range s.carries {
		r.lose(a, endLost)
	}
}
