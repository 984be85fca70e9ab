package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"
)

// A board has news that everybody is told, the newest only.
type board struct {
	size int // of a message

	mu      sync.Mutex
	newest  int
	over    bool
	readers map[*reading]struct{}
	closed  int
}

// A reading is one subscriber's source.
type reading struct {
	of   *board
	wake func()
	told int
}

func (b *board) subscribe(_ context.Context, op *graphql.OperationContext, wake func()) Source {
	field, _ := op.Operation.SelectionSet[0].(*ast.Field)
	if field.Name != "idle" && field.Name != "ticks" || op.Operation.Operation != ast.Subscription {
		return nil
	}
	r := &reading{of: b, wake: wake, told: -1}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readers[r] = struct{}{}
	return r
}

// Next is Source's.
func (r *reading) Next(context.Context) Told {
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	switch {
	case r.of.newest == panics:
		panic("on the way")
	case r.told == r.of.newest:
		return Told{Over: r.of.over}
	}
	r.told = r.of.newest
	return Told{Payload: fmt.Appendf(nil, `{"data":{"news":%d,"more":%q}}`, r.told, strings.Repeat("x", r.of.size)), Over: r.of.over}
}

// panics is news that nobody can tell.
const panics = -13

// Close is Source's.
func (r *reading) Close() {
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	delete(r.of.readers, r)
	r.of.closed++
}

func (b *board) post(news int, over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.newest, b.over = news, over
	for r := range b.readers {
		r.wake()
	}
}

func (b *board) open() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.readers)
}

func newBoard(w *world) *board {
	b := &board{readers: map[*reading]struct{}{}}
	w.board = b
	return b
}

func heardNews(id string, n int) string {
	return fmt.Sprintf(`{"id":%q,"type":"next","payload":{"data":{"news":%d,"more":""}}}`, id, n)
}

func TestCrew(t *testing.T) {
	t.Parallel()
	inBubble(t, "TellsEverybodyTheNewest", func(w *world) {
		b := newBoard(w)
		var all []*dialog
		for range 100 {
			d := w.connect()
			d.subscribe("a", "subscription { idle }")
			d.hears(heardNews("a", 0))
			d.subscribe(`b`, "subscription { ticks }")
			d.hears(heardNews("b", 0))
			all = append(all, d)
		}
		for n := 1; n < 20; n++ {
			b.post(n, n == 19)
			for _, d := range all {
				want := map[string]bool{heardNews("a", n): true, heardNews("b", n): true}
				if n == 19 {
					want[`{"id":"a","type":"complete"}`], want[`{"id":"b","type":"complete"}`] = true, true
				}
				for len(want) > 0 {
					if got := d.next(); !want[got] {
						t.Fatalf("heard %s", got)
					} else {
						delete(want, got)
					}
				}
			}
		}
		synctest.Wait()
		if b.open() != 0 || b.closed != 200 || w.live.crew.working != 0 {
			t.Errorf("%d go on, %d were closed, %d work", b.open(), b.closed, w.live.crew.working)
		}
		all[0].subscribe("a", "{ name }") // the id is free again
		all[0].hears(`{"id":"a","type":"next","payload":{"data":{"name":"test"}}}`, `{"id":"a","type":"complete"}`)
	})
	inBubble(t, "IsNotHeldUpByWhoDoesNotRead", func(w *world) {
		b := newBoard(w)
		listens := w.connect()
		listens.subscribe("1", "subscription { idle }")
		listens.hears(heardNews("1", 0))
		var deaf []*dialog
		for range 3 * w.live.crew.most {
			d := w.deaf()
			for id := range 3 {
				d.subscribe(fmt.Sprint(id), "subscription { idle }")
			}
			deaf = append(deaf, d)
		}
		synctest.Wait()
		for n := 1; n < 9; n++ {
			b.post(n, false)
			listens.hears(heardNews("1", n))
			time.Sleep(time.Second) //nolint:forbidigo // the bubble's time
		}
		time.Sleep(5 * time.Second) //nolint:forbidigo // the bubble's time, in which the deaf are cut off
		synctest.Wait()
		if b.open() != 1 {
			t.Errorf("%d subscriptions go on", b.open())
		}
		_ = deaf
	})
	inBubble(t, "SaysNothingAfterComplete", func(w *world) {
		b := newBoard(w)
		d := w.connect()
		d.subscribe("1", "subscription { idle }")
		d.hears(heardNews("1", 0))
		d.say(`{"id":"1","type":"complete"}`)
		synctest.Wait()
		if b.open() != 0 {
			t.Error("it goes on")
		}
		b.post(1, false)
		d.subscribe("1", "subscription { idle }")
		d.hears(heardNews("1", 1))
		d.say(`{"type":"ping"}`)
		d.hears(`{"type":"pong"}`)
	})
	inBubble(t, "TellsOfAPanic", func(w *world) {
		b := newBoard(w)
		d := w.connect()
		d.subscribe("1", "subscription { idle }")
		d.hears(heardNews("1", 0))
		b.post(panics, false)
		d.hears(`{"id":"1","type":"error","payload":[{"message":"internal error"}]}`)
		synctest.Wait()
		if b.open() != 0 {
			t.Error("it goes on")
		}
	})
	for name, end := range map[string]func(w *world, d *dialog){
		"EndsWithItsClient": func(_ *world, d *dialog) { _ = d.ws.CloseNow() },
		"EndsWithTheServer": func(w *world, d *dialog) {
			if err := w.drain(time.Minute); err != nil {
				w.t.Error(err)
			}
			d.closesAtOnce(1012, "stopping")
		},
		"EndsWithTheCredential": func(w *world, d *dialog) {
			w.revoke(errors.New("revoked"))
			d.closesAtOnce(4403, "not valid any more")
		},
	} {
		inBubble(t, name, func(w *world) {
			b := newBoard(w)
			d := w.connect()
			d.subscribe("1", "subscription { idle }")
			d.hears(heardNews("1", 0))
			end(w, d)
			synctest.Wait()
			if b.open() != 0 || len(w.live.held) != 0 {
				t.Errorf("%d go on, %v is held", b.open(), w.live.held)
			}
		})
	}
}

// Over a real connection frames take the short way, and its end when the client does not read.
func TestWire(t *testing.T) {
	t.Parallel()
	w := setup(t)
	b := newBoard(w)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = w.server.Serve(l) })
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { _ = l.Close() })
	dial := func() *dialog {
		ws, _, err := websocket.Dial(t.Context(), "ws://"+l.Addr().String(), &websocket.DialOptions{Subprotocols: []string{subprotocol}}) //nolint:bodyclose // Dial closes it
		if err != nil {
			t.Fatal(err)
		}
		ws.SetReadLimit(1 << 21)
		t.Cleanup(func() { _ = ws.CloseNow() })
		d := &dialog{t: t, ws: ws, frames: make(chan string, 10)}
		d.init(goodKey)
		return d
	}
	d := dial()
	go d.listen()
	d.hears(`{"type":"connection_ack"}`)
	d.subscribe("1", "subscription { idle }")
	d.hears(heardNews("1", 0))
	slow := dial()
	slow.subscribe("1", "subscription { idle }")
	// Frames of every kind of length, the largest beyond what the system keeps for a connection.
	for n, size := range []int{1, 60, 200, 70_000, 1_000_000} {
		for range 5 {
			b.mu.Lock()
			b.size = size
			news := b.newest + 1
			b.mu.Unlock()
			b.post(news, false)
			want := fmt.Sprintf(`{"id":"1","type":"next","payload":{"data":{"news":%d,"more":%q}}}`, news, strings.Repeat("x", size))
			if got := d.next(); got != want {
				t.Fatalf("%d: heard %.200s, want %.200s", n, got, want)
			}
		}
	}
	// Who begins to read late hears whole messages in order, and the newest in the end.
	go slow.listen()
	slow.hears(`{"type":"connection_ack"}`)
	for last := -1; last < b.newest; {
		var news int
		frame := slow.next()
		if _, err := fmt.Sscanf(frame, `{"id":"1","type":"next","payload":{"data":{"news":%d,`, &news); err != nil || news <= last {
			t.Fatalf("heard %.200s after %d", frame, last)
		}
		last = news
	}
}

// A client may say what it wants before the handshake is answered.
func TestSocketKeepsWhatWasSentEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t)
		conn, err := w.pipes.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		early := "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
			"Sec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
		for _, text := range []string{`{"type":"ping","payload":{"a":"` + strings.Repeat("x", 2000) + `"}}`, `{"type":"ping"}`} {
			head := appendHead(nil, len(text))
			head[1] |= 0x80 // masked, with zeros
			early += string(head) + "\x00\x00\x00\x00" + text
		}
		go func() { _, _ = conn.Write([]byte(early)) }()
		in := bufio.NewReader(conn)
		got, err := http.ReadResponse(in, nil) //nolint:bodyclose // there is none
		if err != nil || got.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("answered %+v, %v", got, err)
		}
		want := string(appendHead(nil, 2042)) + `{"type":"pong","payload":{"a":"` + strings.Repeat("x", 2000) + `"}}`
		want = string(appendHead(nil, len(want)-4)) + want[4:] + string(appendHead(nil, 15)) + `{"type":"pong"}`
		heard := make([]byte, len(want))
		for n := 0; n < len(heard); {
			more, err := in.Read(heard[n:])
			if err != nil {
				t.Fatal(err)
			}
			n += more
		}
		if string(heard) != want {
			t.Errorf("heard %q", heard)
		}
	})
}
