// Package events tells what has changed to those who watch: a bus carries changes between the
// servers of one installation, and a [Hub] hands them to this server's subscribers.
//
// The database is the truth and a message a hint: one that is lost delays an update, and is
// noticed. Nothing here waits for a slow reader.
package events

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"

	"greenroom/models"
)

// remembered is how many sessions of a watched account the hub knows the newest state of.
const remembered = 1024

// A Hub hands changes to this server's subscribers. It never waits for one: a subscriber has a
// place for each session's news, and what is newer takes the place of what is unread.
type Hub struct {
	bus      *bus
	mu       sync.Mutex
	sessions map[string]map[*Watch]struct{}
	accounts map[string]*topic
	lost     int
}

// A topic is an account that somebody watches.
type topic struct {
	feeds  map[*Feed]struct{}
	pulses map[*Pulse]struct{}
	// newest are the newest states told, by id. Servers tell of one session side by side, and
	// the older change may come last.
	newest *lru.LRU[string, *models.Session]
}

// Open makes the hub of one server. The caller calls Close in the end.
func Open(cfg Config) (*Hub, error) {
	h := &Hub{sessions: map[string]map[*Watch]struct{}{}, accounts: map[string]*topic{}}
	var err error
	if h.bus, err = openBus(cfg, h); err != nil {
		return nil, err
	}
	return h, nil
}

// Close tells what is still to be told and leaves the bus. Subscribers hear nothing more.
func (h *Hub) Close() { h.bus.close() }

// Publish tells the subscribers of every server of a committed change. It never blocks and never
// fails: what cannot be told is missed, and noticed as such. The change must not be written to
// afterwards.
func (h *Hub) Publish(c *models.Change) { h.bus.publish(c) }

// Load is what a hub carries, for its operator.
type Load struct {
	// Sessions and Accounts are subscriptions open now.
	Sessions, Accounts int
	// Missed is how often changes may have been lost since the start, each time at the cost of
	// every subscriber's look at the database.
	Missed int
}

// Load is what the hub carries now.
func (h *Hub) Load() Load {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := Load{Missed: h.lost}
	for _, watches := range h.sessions {
		l.Sessions += len(watches)
	}
	for _, t := range h.accounts {
		l.Accounts += len(t.feeds) + len(t.pulses)
	}
	return l
}

// changed tells the subscribers whom c concerns.
func (h *Hub) changed(c *models.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.After != nil {
		for w := range h.sessions[c.After.ID] {
			if c.Missed {
				w.doubt()
			} else {
				w.put(c.After)
			}
		}
	}
	if t := h.accounts[c.AccountID]; t != nil {
		t.changed(c)
	}
}

// missed has every subscriber look at the database again: changes may have been lost.
func (h *Hub) missed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost++
	for _, watches := range h.sessions {
		for w := range watches {
			w.doubt()
		}
	}
	for _, t := range h.accounts {
		t.missed()
	}
}

// topic finds an account's, or makes it. The caller holds the lock.
func (h *Hub) topic(accountID string) *topic {
	t := h.accounts[accountID]
	if t == nil {
		newest, err := lru.NewLRU[string, *models.Session](remembered, nil)
		if err != nil {
			panic(err) // the size is a constant above 0
		}
		t = &topic{feeds: map[*Feed]struct{}{}, pulses: map[*Pulse]struct{}{}, newest: newest}
		h.accounts[accountID] = t
	}
	return t
}

// tidy drops an account that nobody watches any more. The caller holds the lock.
func (h *Hub) tidy(accountID string) {
	if t := h.accounts[accountID]; t != nil && len(t.feeds)+len(t.pulses) == 0 {
		delete(h.accounts, accountID)
	}
}

func (t *topic) changed(c *models.Change) {
	if c.After != nil && !t.inOrder(&c) {
		return
	}
	for f := range t.feeds {
		f.put(c)
	}
	if c.MovesPlaces() {
		for p := range t.pulses {
			p.beat()
		}
	}
}

// inOrder replaces a change that comes late by one that leads to the newest state, so that what
// it began from is told and nothing goes backwards. A change that was missed, and has been told
// by now, is none: false.
func (t *topic) inOrder(c **models.Change) bool {
	change := *c
	known, ok := t.newest.Get(change.After.ID)
	if change.Missed {
		return !ok || known.Revision < change.After.Revision
	}
	if !ok || known.Revision < change.After.Revision {
		t.newest.Add(change.After.ID, change.After)
		return true
	}
	*c = &models.Change{AccountID: change.AccountID, Before: change.Before, After: known}
	return true
}

func (t *topic) missed() {
	t.newest.Purge()
	for f := range t.feeds {
		f.reset()
	}
	for p := range t.pulses {
		p.beat()
	}
}
