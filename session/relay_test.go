package session

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// A relay is an address that stays while what is behind it is started anew, as a load
// balancer's does; the test can cut it.
type relay struct {
	addr string
	mu   sync.Mutex
	// target is where new connections go; empty refuses them.
	target string
	conns  []net.Conn
	pipes  sync.WaitGroup
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: "http://" + l.Addr().String(), target: target}
	r.pipes.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			r.pipes.Go(func() { r.pipe(in) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); r.lead(""); r.pipes.Wait() })
	return r
}

// lead sends new connections to target and breaks the old ones.
func (r *relay) lead(target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = target
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}

func (r *relay) pipe(in net.Conn) {
	defer func() { _ = in.Close() }()
	out, err := r.dial(in)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
	})
	_, _ = io.Copy(in, out)
	_ = in.Close()
	back.Wait()
}

func (r *relay) dial(in net.Conn) (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, err := url.Parse(r.target)
	if err != nil {
		return nil, err
	}
	out, err := net.Dial("tcp", u.Host)
	if err == nil {
		r.conns = append(r.conns, in, out)
	}
	return out, err
}

// crash ends everything at once, as kill -9 does: nothing is told, nothing is written.
func (w *world) crash(network *relay) {
	network.lead("")
	_ = w.store.Close() // what the dying service still wants to write comes to nothing
	w.service.stop()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_ = w.registry.Shutdown(gone)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.service.Shutdown(ctx); err != nil {
		w.t.Error(err)
	}
	w.hub.Close()
}
