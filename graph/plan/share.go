package plan

import (
	"sync"
	"time"

	"greenroom/models"
)

// sharedFor is how long a message that was made for one subscriber is given to others. Within it
// falls the telling of ten thousand; and who takes its message later is told what is read then.
const sharedFor = 250 * time.Millisecond

// A shareKey is what a message follows from, but for what is read for it: all who have it are told
// the same at the same moment.
type shareKey struct {
	plan     *plan
	lasts    string
	scope    models.Scope
	session  string
	revision int
	// ended tells an end that follows from the clock from a change that another server, whose clock is
	// late, has written under the same revision.
	ended bool
	// quarter is the one whose tokens are shown.
	quarter models.Time
}

// A share is a message that is made once for all who are told of a change at about the same time.
type share struct {
	begun time.Time
	once  sync.Once
	text  []byte
}

// shares are those that were made last.
type shares struct {
	mu    sync.Mutex
	known map[shareKey]*share
	// old forgets those that nobody may have any more, while there are any.
	old *time.Timer
}

func newShares() *shares { return &shares{known: map[shareKey]*share{}} }

// take gives the message that somebody has begun to make at or after since, or makes it. Nobody may
// write to it. It is nil when write has made none.
func (s *shares) take(key shareKey, since time.Time, write func() []byte) []byte {
	one := s.find(key, since)
	one.once.Do(func() { one.text = write() })
	return one.text
}

func (s *shares) find(key shareKey, since time.Time) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.known[key]
	if one == nil || one.begun.Before(since) {
		one = &share{begun: time.Now()}
		s.known[key] = one
		if s.old == nil {
			s.old = time.AfterFunc(2*sharedFor, s.forget)
		}
	}
	return one
}

// forget drops what is too old for everybody.
func (s *shares) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for key, one := range s.known {
		if now.Sub(one.begun) > sharedFor {
			delete(s.known, key)
		}
	}
	s.old = nil
	if len(s.known) > 0 {
		s.old = time.AfterFunc(2*sharedFor, s.forget)
	} else {
		s.known = map[shareKey]*share{} // a map keeps the room that it has once had
	}
}
