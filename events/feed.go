package events

import (
	"slices"
	"sync"

	"greenroom/models"
)

// waiting is how many sessions' news a feed keeps for a slow reader. Beyond it the reader is
// better off reading its pages again.
const waiting = 1000

// A Feed is one subscriber's places for the news of an account's sessions, one for each.
type Feed struct {
	hub       *Hub
	accountID string
	news      chan struct{}

	mu      sync.Mutex
	places  map[string]*models.Change
	order   []string
	isReset bool
}

// Feed subscribes to an account's sessions. The caller calls Close in the end.
func (h *Hub) Feed(accountID string) *Feed {
	f := &Feed{hub: h, accountID: accountID, news: make(chan struct{}, 1), places: map[string]*models.Change{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.topic(accountID).feeds[f] = struct{}{}
	return f
}

// News receives when Take has something.
func (f *Feed) News() <-chan struct{} { return f.news }

// Take gives the oldest news of at most most sessions, and News receives again when there is more.
// Of each session it has the oldest unread state before and the newest after, nil before for one
// that is new. reset says that changes were lost or too many: there are none then.
func (f *Feed) Take(most int) (changes []models.Change, reset bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isReset {
		f.isReset = false
		return nil, true
	}
	n := min(most, len(f.order))
	for _, id := range f.order[:n] {
		changes = append(changes, *f.places[id])
		delete(f.places, id)
	}
	f.order = slices.Delete(f.order, 0, n)
	if len(f.order) > 0 {
		signal(f.news)
	}
	return changes, false
}

// PutBack returns a change that is not to be told yet. News does not receive for it: the next
// change does.
func (f *Feed) PutBack(c models.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keep(&c)
}

// Close unsubscribes.
func (f *Feed) Close() {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	if t := f.hub.accounts[f.accountID]; t != nil {
		delete(t.feeds, f)
		f.hub.tidy(f.accountID)
	}
}

func (f *Feed) put(c *models.Change) {
	switch {
	case c.After == nil:
	case c.Missed:
		f.reset()
	default:
		f.mu.Lock()
		defer f.mu.Unlock()
		f.keep(c)
		signal(f.news)
	}
}

// keep merges a change into its session's place.
func (f *Feed) keep(c *models.Change) {
	if f.isReset {
		return
	}
	id := c.After.ID
	unread := f.places[id]
	if unread == nil {
		if len(f.places) == waiting {
			f.forget()
			return
		}
		f.places[id], f.order = c, append(f.order, id)
		return
	}
	f.places[id] = merged(unread, c)
}

// merged is both changes of one session as one, whichever came first.
func merged(a, b *models.Change) *models.Change {
	both := *a
	if both.After.Revision < b.After.Revision {
		both.After = b.After
	}
	if both.Before != nil && (b.Before == nil || b.Before.Revision < both.Before.Revision) {
		both.Before = b.Before
	}
	return &both
}

func (f *Feed) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget()
	signal(f.news)
}

// forget leaves the reader with nothing but the word to read its pages again. Until it has taken
// that, nothing is kept: whatever it reads then is newer.
func (f *Feed) forget() {
	clear(f.places)
	f.order, f.isReset = nil, true
}

// A Pulse is one subscriber's word that an account's places, minutes or keys may be others now.
type Pulse struct {
	hub       *Hub
	accountID string
	news      chan struct{}
}

// Account subscribes to an account itself. The caller calls Close in the end.
func (h *Hub) Account(id string) *Pulse {
	p := &Pulse{hub: h, accountID: id, news: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.topic(id).pulses[p] = struct{}{}
	return p
}

// News receives when the account is worth another look.
func (p *Pulse) News() <-chan struct{} { return p.news }

// Close unsubscribes.
func (p *Pulse) Close() {
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	if t := p.hub.accounts[p.accountID]; t != nil {
		delete(t.pulses, p)
		p.hub.tidy(p.accountID)
	}
}

func (p *Pulse) beat() { signal(p.news) }
