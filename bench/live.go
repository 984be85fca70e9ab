package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// A liveBench is subscribers of one session, each on a socket of its own, and changes of it, one
// after another.
type liveBench struct {
	Subscribers int `default:"500" help:"Sockets, each with one subscription to the same session." json:"subscribers"`
	Changes     int `default:"20" help:"How often the session is changed." json:"changes"`
}

// A liveLoad is one measurement under way.
type liveLoad struct {
	*liveBench
	plant    *plant
	session  string
	arrivals chan arrival
	// told is from a change's sending to each subscriber, toldAll to the last, lag from the
	// change's answer to the last.
	told, toldAll, lag samples
}

// An arrival is one message that a subscriber has got.
type arrival struct {
	revision int
	at       time.Time
	err      error
}

func (b *liveBench) measure(ctx context.Context, p *plant) ([]figure, error) {
	l := &liveLoad{liveBench: b, plant: p, arrivals: make(chan arrival, b.Subscribers)}
	var err error
	if l.session, _, err = p.create(); err != nil {
		return nil, err
	}
	before, err := p.settled()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var listening sync.WaitGroup
	defer listening.Wait()
	defer cancel()
	err = each(ctx, b.Subscribers, func(context.Context, int) error {
		ws, err := l.subscribe(ctx)
		if err == nil {
			listening.Go(func() { l.listen(ctx, ws) })
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	idle, err := p.settled()
	if err != nil {
		return nil, err
	}
	for change := range b.Changes {
		if err := l.change(ctx, change); err != nil {
			return nil, fmt.Errorf("change %d: %w", change+1, err)
		}
	}
	busy, err := p.usage()
	if err != nil {
		return nil, err
	}
	return slices.Concat(
		l.lag.quantiles("change answered → last subscriber", 50, 100),
		l.toldAll.quantiles("change sent → last subscriber", 50, 100),
		l.told.quantiles("change sent → a subscriber", 50, 99, 100),
		[]figure{{"server's CPU a message", 1e6 * (busy.cpu - idle.cpu) / float64(b.Changes*b.Subscribers), "µs"}},
		perEach("a subscriber, idle", before, idle, b.Subscribers),
	), nil
}

// change changes the session once and waits until every subscriber knows.
func (l *liveLoad) change(ctx context.Context, n int) error {
	var made struct {
		UpdateSessionMetadata struct {
			Session    struct{ Revision int }
			UserErrors refusals
		}
	}
	sent := time.Now()
	err := l.plant.ask(`mutation ($id: ID!, $n: Int!) {
		updateSessionMetadata(input: {id: $id, metadata: {change: $n}}) { session { revision } userErrors { code message } }
	}`, map[string]any{"id": l.session, "n": n}, &made)
	answered, last := time.Now(), sent
	if err = errors.Join(err, made.UpdateSessionMetadata.UserErrors.err()); err != nil {
		return err
	}
	deadline := time.After(time.Minute)
	for told := 0; told < l.Subscribers; {
		select {
		case a := <-l.arrivals:
			if a.err != nil {
				return a.err
			}
			if a.revision != made.UpdateSessionMetadata.Session.Revision {
				continue
			}
			told++
			l.told.add(a.at.Sub(sent))
			if a.at.After(last) {
				last = a.at
			}
		case <-deadline:
			return fmt.Errorf("%d of %d subscribers were told within a minute", told, l.Subscribers)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.toldAll.add(last.Sub(sent))
	l.lag.add(max(0, last.Sub(answered))) // the answer may be the last to arrive
	return nil
}

// A message is one of graphql-transport-ws.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// subscribe opens a socket and returns when the session's present state has come.
func (l *liveLoad) subscribe(ctx context.Context) (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(l.plant.url, "http")+"/graphql", //nolint:bodyclose // Dial closes it
		&websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return nil, err
	}
	query, err := json.Marshal(map[string]any{
		"query":     `subscription ($id: ID!) { sessionUpdated(id: $id) { id revision status avatarState metadata } }`,
		"variables": map[string]any{"id": l.session},
	})
	if err != nil {
		return nil, err
	}
	for _, step := range []struct {
		say  message
		want string
	}{
		{message{Type: "connection_init", Payload: json.RawMessage(`{"Authorization":"Bearer ` + l.plant.key + `"}`)}, "connection_ack"},
		{message{ID: "1", Type: "subscribe", Payload: query}, "next"},
	} {
		var got message
		if err = wsjson.Write(ctx, ws, step.say); err == nil {
			err = wsjson.Read(ctx, ws, &got)
		}
		if err == nil && got.Type != step.want {
			err = fmt.Errorf("%s was answered %s %s", step.say.Type, got.Type, got.Payload)
		}
		if err != nil {
			return nil, errors.Join(err, ws.CloseNow())
		}
	}
	return ws, nil
}

// listen passes on when messages come, until ctx ends.
func (l *liveLoad) listen(ctx context.Context, ws *websocket.Conn) {
	defer func() { _ = ws.CloseNow() }()
	for {
		var got struct {
			Payload struct {
				Data struct{ SessionUpdated struct{ Revision int } }
			}
		}
		_, data, err := ws.Read(ctx)
		a := arrival{at: time.Now(), err: err}
		if err == nil {
			a.err = json.Unmarshal(data, &got)
			a.revision = got.Payload.Data.SessionUpdated.Revision
		}
		select {
		case l.arrivals <- a:
		case <-ctx.Done():
			return
		}
		if a.err != nil {
			return
		}
	}
}
