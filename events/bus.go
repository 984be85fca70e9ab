package events

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"greenroom/models"
)

const (
	// beat is the time between two signs of life of a publisher. Each says how much it has
	// published, so that a lost last message is noticed too.
	beat = 2 * time.Second
	// silence is after how long a publisher counts as dead: what it had committed and not yet
	// told is then looked for in the database.
	silence = 4 * beat
	// blind is how often everything is read again while the bus cannot be reached.
	blind = 5 * beat
	// queued is how many changes wait for the bus at most. More are dropped, which listeners
	// notice by the count.
	queued = 1 << 14
)

// Config is where changes go.
type Config struct {
	// URL is of a NATS server or cluster, with credentials; empty for a server that is alone.
	URL string
	// Environment keeps installations that share a NATS cluster apart: [a-z0-9-]+.
	Environment string
	Log         *slog.Logger
}

// A bus carries changes between the servers of one installation over NATS core: at most once, in
// each publisher's order. What a server says itself it hears too, in that order, without NATS.
type bus struct {
	cfg     Config
	hub     *Hub
	self    string
	subject string
	conn    *nats.Conn // nil without a URL

	// own is to be heard here, outgoing by others: NATS may take its time.
	own, outgoing chan message
	closing       chan struct{}
	running       sync.WaitGroup

	mu     sync.Mutex
	seq    uint64
	closed bool

	hearing    sync.Mutex
	publishers map[string]*publisher
	deaf       int // beats without a connection
}

// A message is a change, or without one a sign of life.
type message struct {
	From string `json:"from"`
	// Seq counts the sender's changes, this one included.
	Seq    uint64         `json:"seq"`
	Change *models.Change `json:"change,omitempty"`
	// Bye is a sender's last word: its silence afterwards means nothing.
	Bye bool `json:"bye,omitempty"`
}

// A publisher is what has been heard of one sender.
type publisher struct {
	seq   uint64
	quiet int // beats without a word
}

// openBus connects to the NATS server at cfg.URL, if there is one. A server that cannot be reached yet
// is no error: it is tried for ever, and meanwhile updates of other servers come late.
func openBus(cfg Config, hub *Hub) (*bus, error) {
	b := &bus{
		cfg: cfg, hub: hub, self: rand.Text(), subject: "greenroom." + cfg.Environment + ".changes",
		own: make(chan message, queued), closing: make(chan struct{}), publishers: map[string]*publisher{},
	}
	if cfg.URL != "" {
		b.outgoing = make(chan message, queued)
		if err := b.connect(); err != nil {
			return nil, err
		}
	}
	b.running.Go(b.listen)
	b.running.Go(b.speak)
	return b, nil
}

func (b *bus) connect() error {
	options := []nats.Option{
		nats.Name("greenroom " + b.self), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true),
		nats.NoEcho(), // what this server says it hears at once, whether the bus is there or not
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.cfg.Log.Warn("the event bus is away: updates come late", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			b.cfg.Log.Info("the event bus is back")
			b.hub.missed()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.cfg.Log.Warn("event bus", "error", err)
			b.hub.missed()
		}),
	}
	var err error
	if b.conn, err = nats.Connect(b.cfg.URL, options...); err != nil {
		return errors.New("NATS_URL: the event bus cannot be used; check its form and credentials") // the error may repeat the URL, which holds a secret
	}
	if _, err := b.conn.Subscribe(b.subject, b.receive); err != nil {
		b.conn.Close()
		return fmt.Errorf("event bus: %w", err)
	}
	return nil
}

func (b *bus) publish(c *models.Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.seq++
	for _, queue := range []chan message{b.own, b.outgoing} {
		select {
		case queue <- message{From: b.self, Seq: b.seq, Change: c}:
		default: // full, or nobody is there
		}
	}
}

// close sends what is queued, says goodbye, and stops. A bus that takes nothing is not waited for:
// the others notice the silence.
func (b *bus) close() {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return
	}
	b.closed = true
	b.mu.Unlock()
	close(b.closing)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		b.running.Wait()
		if b.conn != nil {
			b.conn.Close()
		}
	}()
	patience := time.NewTimer(2 * beat)
	defer patience.Stop()
	select {
	case <-stopped:
	case <-patience.C:
	}
}

// listen hears what this server says itself, until close.
func (b *bus) listen() {
	alive := time.NewTicker(beat)
	defer alive.Stop()
	for {
		select {
		case m := <-b.own:
			b.heard(m)
		case <-alive.C:
			b.heard(message{From: b.self, Seq: b.told(b.own)})
		case <-b.closing:
			for len(b.own) > 0 { // nothing is queued any more
				b.heard(<-b.own)
			}
			return
		}
	}
}

// speak sends what is queued for others, and signs of life, until close.
func (b *bus) speak() {
	alive := time.NewTicker(beat)
	defer alive.Stop()
	for {
		select {
		case m := <-b.outgoing:
			b.send(m)
		case <-alive.C:
			b.send(message{From: b.self, Seq: b.told(b.outgoing)})
			b.listenForSilence()
		case <-b.closing:
			b.drain()
			return
		}
	}
}

// drain sends the rest; nothing is queued any more.
func (b *bus) drain() {
	for len(b.outgoing) > 0 {
		b.send(<-b.outgoing)
	}
	b.send(message{From: b.self, Seq: b.told(b.outgoing), Bye: true})
	if b.conn != nil && b.conn.IsConnected() { // else nobody is there to be told
		ctx, cancel := context.WithTimeout(context.Background(), beat)
		_ = b.conn.FlushWithContext(ctx) // the others notice what was lost
		cancel()
	}
}

// told is the count that a sign of life carries: what is queued behind it is not yet told.
func (b *bus) told(queue <-chan message) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seq - uint64(len(queue))
}

// send tells the other servers, if there are any.
func (b *bus) send(m message) {
	if b.conn == nil {
		return
	}
	text, err := json.Marshal(m)
	if err == nil {
		err = b.conn.Publish(b.subject, text)
	}
	if err != nil {
		b.cfg.Log.Warn("publish", "error", err) // the next message's count tells of the gap
	}
}
