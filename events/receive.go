package events

import (
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"
)

// receive takes another server's message from the bus.
func (b *bus) receive(raw *nats.Msg) {
	var m message
	if err := json.Unmarshal(raw.Data, &m); err != nil || m.From == "" {
		b.cfg.Log.Warn("the event bus carries something foreign", "subject", raw.Subject)
		return
	}
	b.heard(m)
}

// heard tells the hub of a message, and of what has been lost before it.
func (b *bus) heard(m message) {
	b.hearing.Lock()
	defer b.hearing.Unlock()
	if b.hear(m) {
		b.hub.missed()
	}
	if m.Change != nil {
		b.hub.changed(m.Change)
	}
}

// hear keeps the sender's count, and tells whether something before m was lost. Whoever is heard
// for the first time may have spoken before.
func (b *bus) hear(m message) (lost bool) {
	p := b.publishers[m.From]
	if p == nil {
		p = &publisher{}
		b.publishers[m.From] = p
	}
	expected := p.seq
	if m.Change != nil {
		expected++
	}
	lost = m.Seq > expected
	p.seq, p.quiet = max(p.seq, m.Seq), 0
	if m.Bye {
		delete(b.publishers, m.From)
	}
	return lost
}

// listenForSilence looks, once a beat, for publishers that have died and for a bus that is away.
func (b *bus) listenForSilence() {
	away := b.conn != nil && !b.conn.IsConnected() // which waits for a write under way
	b.hearing.Lock()
	defer b.hearing.Unlock()
	died := false
	for from, p := range b.publishers {
		if p.quiet++; time.Duration(p.quiet)*beat > silence && from != b.self {
			delete(b.publishers, from)
			died = true
		}
	}
	if !away {
		b.deaf = 0
	} else if b.deaf++; time.Duration(b.deaf)*beat >= blind {
		b.deaf = 0
		died = true
	}
	if died {
		b.hub.missed()
	}
}
