package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// feedQuery is what every socket watches.
const feedQuery = `subscription ($id: ID!) { sessionUpdated(id: $id) { id revision status avatarState metadata } }`

// An audience is sockets that watch one session of one server.
type audience struct {
	rival   *rival
	session string
	all     []*watcher
	before  usage // what the server used without them
	idle    usage // and with them
	rss     float64

	// wanted is the revision that is awaited, begun when its change was sent, told how long after
	// it each has come, and missing how many have not.
	wanted   atomic.Int64
	begun    time.Time
	told     []time.Duration
	missing  atomic.Int64
	complete chan error // says once that nothing is missing, or what broke
	reading  sync.WaitGroup

	late, cpu []float64 // by change: the 99th of 100 watchers, in s, and seconds of CPU a message
}

// A watcher is a WebSocket that knows as much of its protocol as servers on this machine use: so
// many of a library's would cost the load more than a message costs the server.
type watcher struct {
	net net.Conn
	in  *bufio.Reader
}

// compareFeeds measures one change that many watch.
func (y *yard) compareFeeds(ctx context.Context) (err error) {
	b := y.goals
	n, err := sockets(b.Subscribers, 2)
	if err != nil {
		return err
	}
	var audiences []*audience
	defer func() {
		for _, a := range audiences {
			err = errors.Join(err, a.close())
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, r := range y.among(ours, naive) {
		a := &audience{rival: r, session: y.ids[0], told: make([]time.Duration, n), complete: make(chan error, 1)}
		audiences = append(audiences, a)
		if err := y.gather(ctx, a, n); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	for change := range b.Changes + 1 {
		for _, a := range audiences {
			if err := y.change(ctx, a, change); err != nil {
				return fmt.Errorf("%s, change %d: %w", a.rival.name, change, err)
			}
		}
	}
	y.reportFeeds(audiences, n)
	return nil
}

func (y *yard) reportFeeds(audiences []*audience, n int) {
	b := y.goals
	perEach := map[string]float64{}
	for _, a := range audiences {
		each := func(before, after float64) float64 { return (after - before) / float64(n) / 1e3 }
		perEach[a.rival.name] = each(a.before.heap+a.before.stack, a.idle.heap+a.idle.stack)
		_, _ = fmt.Fprintf(b.out, "feed, %d watch: %-24s idle %s kB (heap %s, stack %s; resident %s), goroutines %.1f; a change p99 %s ms, CPU a message %s µs\n",
			n, a.rival.name, short(perEach[a.rival.name]), short(each(a.before.heap, a.idle.heap)), short(each(a.before.stack, a.idle.stack)),
			short(a.rss/float64(n)/1e3), (a.idle.goroutines-a.before.goroutines)/float64(n), short(1e3*median(a.late)), short(1e6*median(a.cpu)))
	}
	_, _ = fmt.Fprintln(b.out)
	var late []float64
	for i := range audiences[0].late {
		late = append(late, audiences[0].late[i]/audiences[1].late[i])
	}
	each := perEach[ours]
	b.most(fmt.Sprintf("idle subscriber, kB of heap and stack, %d", n), ratio{each, each, each}, 24)
	b.most(fmt.Sprintf("a change to %d subscribers, p99 / p99 of gqlgen's transport", n), ratioOf(late), 0.5)
}

// sockets is how many of so many sockets each of some servers can have: each is a file here.
func sockets(wanted, servers int) (int, error) {
	const others = 500
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return 0, err
	}
	most := int(min(files.Cur, 1<<30))/servers - others //nolint:gosec // G115: bounded
	if most < 1 {
		return 0, fmt.Errorf("%d open files are too few", files.Cur)
	}
	return min(wanted, most), nil
}

// gather opens the sockets, and looks at the server before and after.
func (y *yard) gather(ctx context.Context, a *audience, n int) (err error) {
	if a.before, err = y.settledAt(a.url(), a.look(y)); err != nil {
		return err
	}
	rss := a.rival.memory()
	var mu sync.Mutex
	err = each(ctx, n, func(ctx context.Context, _ int) error {
		w, err := watch(ctx, a.rival.address, a.rival.key, a.session)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			a.all = append(a.all, w)
		}
		return err
	})
	if err != nil {
		return err
	}
	if a.idle, err = y.settledAt(a.url(), a.look(y)); err != nil {
		return err
	}
	a.rss = a.rival.memory() - rss
	for i, w := range a.all {
		a.reading.Go(func() { a.listen(i, w) })
	}
	return nil
}

func (a *audience) url() string { return "http://" + a.rival.address }

// look reads what the server says of itself.
func (a *audience) look(y *yard) func() (usage, error) {
	if a.rival.name == ours {
		return y.usage
	}
	return func() (usage, error) {
		reply, err := y.get(a.url() + "/debug/vars")
		if err != nil {
			return usage{}, err
		}
		defer func() { _ = reply.Body.Close() }()
		var vars struct {
			Goroutines float64
			Memstats   struct{ HeapAlloc, StackInuse, NumGC float64 }
		}
		err = json.NewDecoder(reply.Body).Decode(&vars)
		m := vars.Memstats
		return usage{heap: m.HeapAlloc, stack: m.StackInuse, gcs: m.NumGC, goroutines: vars.Goroutines}, err
	}
}

// change changes the session once, and waits until everybody has been told.
func (y *yard) change(ctx context.Context, a *audience, n int) error {
	var now struct{ Session struct{ Revision int64 } }
	if err := y.askAt(a.url(), `query ($id: ID!) { session(id: $id) { revision } }`, map[string]any{"id": a.session}, &now); err != nil {
		return err
	}
	a.missing.Store(int64(len(a.all)))
	cpu := a.rival.cpu()
	a.begun = time.Now()
	a.wanted.Store(now.Session.Revision + 1)
	var made any
	err := y.askAt(a.url(), `mutation ($id: ID!, $n: Int!) {
		updateSessionMetadata(input: {id: $id, metadata: {change: $n}}) { session { revision } userErrors { code message } }
	}`, map[string]any{"id": a.session, "n": n}, &made)
	if err != nil {
		return err
	}
	select {
	case err = <-a.complete:
	case <-time.After(time.Minute):
		err = fmt.Errorf("%d of %d were not told within a minute: %v", a.missing.Load(), len(a.all), made)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil || n == 0 { // the first is the warm-up
		return err
	}
	told := samples{all: append([]time.Duration{}, a.told...)}
	a.late = append(a.late, told.at(99).Seconds())
	a.cpu = append(a.cpu, (a.rival.cpu()-cpu)/float64(len(a.all)))
	return nil
}

// listen notes when the awaited revision comes. An end before the audience's own fails it.
func (a *audience) listen(i int, w *watcher) {
	for {
		text, err := w.read()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				select {
				case a.complete <- err:
				default:
				}
			}
			return
		}
		if revision(text) != a.wanted.Load() {
			continue
		}
		a.told[i] = time.Since(a.begun)
		if a.missing.Add(-1) == 0 {
			a.complete <- nil
		}
	}
}

func (a *audience) close() (err error) {
	for _, w := range a.all {
		err = errors.Join(err, w.net.Close())
	}
	a.reading.Wait()
	return err
}

// revision finds a message's, -1 when it has none.
func revision(text []byte) int64 {
	_, rest, ok := bytes.Cut(text, []byte(`"revision":`))
	end := bytes.IndexAny(rest, ",}")
	if !ok || end < 0 {
		return -1
	}
	n, err := strconv.ParseInt(string(rest[:end]), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// watch opens a socket and returns when the session's present state has come.
func watch(ctx context.Context, address, credential, session string) (*watcher, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	w := &watcher{conn, bufio.NewReaderSize(conn, 1<<10)}
	if err := w.open(address, credential, session); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return w, nil
}

func (w *watcher) open(address, credential, session string) error {
	_, err := fmt.Fprintf(w.net, "GET /graphql HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", address)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		line, err := w.in.ReadString('\n')
		if err != nil {
			return err
		}
		if first && line != "HTTP/1.1 101 Switching Protocols\r\n" {
			return fmt.Errorf("no WebSocket: %s", line)
		}
		if line == "\r\n" {
			break
		}
	}
	payload, err := json.Marshal(map[string]any{"query": feedQuery, "variables": map[string]any{"id": session}})
	if err != nil {
		return err
	}
	for _, step := range []struct{ say, want string }{
		{`{"type":"connection_init","payload":{"Authorization":"Bearer ` + credential + `"}}`, `"type":"connection_ack"`},
		{`{"id":"1","type":"subscribe","payload":` + string(payload) + `}`, `"type":"next"`},
	} {
		if _, err := w.net.Write(appendText(nil, []byte(step.say))); err != nil {
			return err
		}
		got, err := w.read()
		if err != nil || !bytes.Contains(got, []byte(step.want)) {
			return fmt.Errorf("%s was answered %.200s: %w", step.want, got, err)
		}
	}
	return nil
}

// read gives the next text, after answering pings, of the protocol and of WebSocket.
func (w *watcher) read() ([]byte, error) {
	const text, closing, ping, pong, final, masked = 0x1, 0x8, 0x9, 0xa, 0x80, 0x80
	for {
		var head [2]byte
		if _, err := io.ReadFull(w.in, head[:]); err != nil {
			return nil, err
		}
		length := int(head[1])
		if length == 126 {
			var more [2]byte
			if _, err := io.ReadFull(w.in, more[:]); err != nil {
				return nil, err
			}
			length = int(binary.BigEndian.Uint16(more[:]))
		} else if length > 126 {
			return nil, errors.New("a frame of 64 KiB or more")
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(w.in, payload); err != nil {
			return nil, err
		}
		answer := []byte(nil)
		switch kind := head[0] &^ final; {
		case kind == text && !bytes.Equal(payload, []byte(`{"type":"ping"}`)):
			return payload, nil
		case kind == text:
			answer = appendText(nil, []byte(`{"type":"pong"}`))
		case kind == ping:
			answer = append([]byte{final | pong, masked | byte(length), 0, 0, 0, 0}, payload...) //nolint:gosec // G115: a control frame has 125 at most
		case kind == closing:
			return nil, fmt.Errorf("closed: %q", payload)
		}
		if _, err := w.net.Write(answer); err != nil {
			return nil, err
		}
	}
}
