package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A webhookBench is an account whose sessions are told to several endpoints. In every other round
// one of them is bad, each time in another way: the others should not notice.
type webhookBench struct {
	Endpoints int           `default:"9" help:"Receivers that answer at once; the bad one comes on top." json:"endpoints"`
	Sessions  int           `default:"100" help:"Sessions created in a round; each is told to every endpoint." json:"sessions"`
	Rate      int           `default:"50" help:"Sessions created in a second." json:"rate"`
	Rounds    int           `default:"3" help:"Rounds for each way of being bad, with as many without in between." json:"rounds"`
	Patience  time.Duration `default:"2m" help:"How long a round's last delivery may take." json:"-"`
}

// bad are the ways in which a receiver holds up whoever writes to it.
var bad = []struct {
	name   string
	answer http.HandlerFunc
}{
	{"fails", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }},
	{"hangs", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the caller has gone
		<-r.Context().Done()
	}},
	{"drips", drip},
	{"redirects", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}},
	{"answers without end", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(1<<30))
		for block := make([]byte, 1<<20); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}},
}

// drip answers a byte at a time, for as long as anybody reads.
func drip(w http.ResponseWriter, r *http.Request) {
	for {
		_, err := w.Write([]byte("."))
		if err = errors.Join(err, http.NewResponseController(w).Flush()); err != nil {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
}

// A webhookLoad is one measurement under way.
type webhookLoad struct {
	*webhookBench
	plant *plant
	// badly is how the bad receiver answers now, badEndpoint its id.
	badly       atomic.Pointer[http.HandlerFunc]
	badEndpoint string

	mu sync.Mutex
	// sent are when the sessions of this round were asked for; missing counts what has not come.
	sent    map[string]time.Time
	early   map[string][]time.Time // came before its session's own answer
	missing int
	all     chan struct{} // closed when nothing is missing
	delays  *samples
}

func (b *webhookBench) measure(ctx context.Context, p *plant) (figures []figure, err error) {
	l := &webhookLoad{webhookBench: b, plant: p}
	good, err := receiver(http.HandlerFunc(l.receive))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, good.Close()) }()
	worse, err := receiver(http.HandlerFunc(l.behave))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, worse.Close()) }()
	for n := range b.Endpoints {
		if _, err := l.endpoint("http://" + good.Addr + "/" + strconv.Itoa(n)); err != nil {
			return nil, err
		}
	}
	if l.badEndpoint, err = l.endpoint("http://" + worse.Addr); err != nil {
		return nil, err
	}
	for _, way := range bad {
		l.badly.Store(&way.answer)
		without, with := &samples{}, &samples{}
		for range b.Rounds {
			if err := errors.Join(l.set("disable"), l.round(ctx, without), l.set("enable"), l.round(ctx, with)); err != nil {
				return nil, fmt.Errorf("one %s: %w", way.name, err)
			}
		}
		before, after := without.quantiles("", 99)[0].Value, with.quantiles("", 99)[0].Value
		figures = slices.Concat(figures, without.quantiles("others, none "+way.name, 50, 99), with.quantiles("others, one "+way.name, 50, 99),
			[]figure{{"others' p99, one " + way.name + " / none", after / before, "×"}})
	}
	return figures, nil
}

// receiver serves on a port of its own.
func receiver(h http.Handler) (*http.Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return nil, err
	}
	s := &http.Server{Addr: listener.Addr().String(), Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(listener) }()
	return s, nil
}

// behave is the bad receiver. What an earlier way left behind still comes while the next begins.
func (l *webhookLoad) behave(w http.ResponseWriter, r *http.Request) { (*l.badly.Load())(w, r) }

// receive is a good receiver: it notes how long after its session was asked for an event comes.
func (l *webhookLoad) receive(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var event struct {
		Data struct{ Session struct{ ID string } }
	}
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.sent[event.Data.Session.ID]; ok {
		l.came(now.Sub(at))
	} else {
		l.early[event.Data.Session.ID] = append(l.early[event.Data.Session.ID], now)
	}
}

// came counts one delivery. The lock is held.
func (l *webhookLoad) came(after time.Duration) {
	l.delays.add(after)
	if l.missing--; l.missing == 0 {
		close(l.all)
	}
}

// round creates its sessions at a constant rate, and waits until every good endpoint has been told
// of each.
func (l *webhookLoad) round(ctx context.Context, delays *samples) error {
	l.mu.Lock()
	l.sent, l.early, l.missing, l.all, l.delays = map[string]time.Time{}, map[string][]time.Time{}, l.Sessions*l.Endpoints, make(chan struct{}), delays
	all := l.all
	l.mu.Unlock()
	began := time.Now()
	err := each(ctx, l.Sessions, func(ctx context.Context, i int) error {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(l.Rate))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return ctx.Err()
		}
		id, _, err := l.plant.create()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sent[id] = due
		for _, at := range l.early[id] {
			l.came(at.Sub(due))
		}
		delete(l.early, id)
		return err
	})
	if err != nil {
		return err
	}
	select {
	case <-all:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(l.Patience):
		l.mu.Lock()
		defer l.mu.Unlock()
		return fmt.Errorf("%d deliveries have not come within %v", l.missing, l.Patience)
	}
}

// endpoint makes one that is told of every session created.
func (l *webhookLoad) endpoint(url string) (id string, err error) {
	var made struct {
		CreateWebhookEndpoint struct {
			WebhookEndpoint struct{ ID string }
			UserErrors      refusals
		}
	}
	err = l.plant.ask(`mutation ($url: String!) {
		createWebhookEndpoint(input: {url: $url, eventTypes: [SESSION_CREATED]}) { webhookEndpoint { id } userErrors { code message } }
	}`, map[string]any{"url": url}, &made)
	return made.CreateWebhookEndpoint.WebhookEndpoint.ID, errors.Join(err, made.CreateWebhookEndpoint.UserErrors.err())
}

// set enables or disables the bad endpoint.
func (l *webhookLoad) set(verb string) error {
	var made map[string]struct{ UserErrors refusals }
	err := l.plant.ask(`mutation ($id: ID!) { `+verb+`WebhookEndpoint(input: {id: $id}) { userErrors { code message } } }`,
		map[string]any{"id": l.badEndpoint}, &made)
	return errors.Join(err, made[verb+"WebhookEndpoint"].UserErrors.err())
}
