package events

import (
	"sync"

	"greenroom/models"
)

// A Watch is one subscriber's place for the news of one session.
type Watch struct {
	hub       *Hub
	sessionID string
	wake      func()
	news      chan struct{} // nil when somebody is woken instead

	mu     sync.Mutex
	newest *models.Session
	doubts bool
}

// Session subscribes to one session. The caller has checked that it may be seen, and calls
// Close in the end.
func (h *Hub) Session(id string) *Watch {
	news := make(chan struct{}, 1)
	return h.watch(&Watch{hub: h, sessionID: id, news: news, wake: func() { signal(news) }})
}

// SessionWaking is Session for who does not wait: wake is called when Take has something, now and
// then more than once. It must not block, nor call the hub.
func (h *Hub) SessionWaking(id string, wake func()) *Watch {
	return h.watch(&Watch{hub: h, sessionID: id, wake: wake})
}

func (h *Hub) watch(w *Watch) *Watch {
	id := w.sessionID
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[id] == nil {
		h.sessions[id] = map[*Watch]struct{}{}
	}
	h.sessions[id][w] = struct{}{}
	return w
}

// News receives when Take has something.
func (w *Watch) News() <-chan struct{} { return w.news }

// Take empties the place: the newest state as stored, nil when there is none, and whether news
// may have been lost, so that only the database knows. The state is shared: copy it before
// changing it.
func (w *Watch) Take() (newest *models.Session, doubts bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	newest, doubts = w.newest, w.doubts
	w.newest, w.doubts = nil, false
	return newest, doubts
}

// Close unsubscribes.
func (w *Watch) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	delete(w.hub.sessions[w.sessionID], w)
	if len(w.hub.sessions[w.sessionID]) == 0 {
		delete(w.hub.sessions, w.sessionID)
	}
}

func (w *Watch) put(s *models.Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.newest == nil || w.newest.Revision < s.Revision {
		w.newest = s
		w.wake()
	}
}

func (w *Watch) doubt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doubts = true
	w.wake()
}

// signal tells of news, unless that is known already.
func signal(news chan struct{}) {
	select {
	case news <- struct{}{}:
	default:
	}
}
