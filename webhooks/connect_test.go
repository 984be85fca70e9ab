package webhooks

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// net/http goes on connecting when the try for which it began is given up. It must not do so for
// ever: whoever makes an endpoint chooses how many tries there are.
func TestConnectingThatNobodyWaitsForEnds(t *testing.T) {
	t.Parallel()

	t.Run("WhenNobodyShakesHands", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		t.Cleanup(func() { _ = l.Close(); all.Wait() })
		var taken, open atomic.Int64
		all.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				taken.Add(1)
				open.Add(1)
				all.Go(func() {
					_, _ = io.Copy(io.Discard, conn) // until the other side closes
					_ = conn.Close()
					open.Add(-1)
				})
			}
		})
		w := setup(t, impatient)
		t.Cleanup(w.service.sender.close) // what this test is about would keep the listener's end waiting
		e, _ := w.endpoint("https://" + l.Addr().String())
		for range 3 {
			w.sendTest(e)
			w.deliver()
			w.pass(time.Hour)
		}
		w.eventually("all connections are closed", func() bool { return open.Load() == 0 })
		if taken.Load() == 0 {
			t.Error("nobody connected")
		}
	})

	t.Run("WhenTheNameIsNotResolved", func(t *testing.T) {
		t.Parallel()
		gaveUp := make(chan error, 1)
		cfg := Config{Timeout: 50 * time.Millisecond, Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			select {
			case gaveUp <- ctx.Err():
			default: // it looks for another type of address, too
			}
			return nil, errors.New("nobody answers")
		}}}
		transport, ok := newSender(cfg, newBorder(nil)).clients["https"].Transport.(*http.Transport)
		if !ok {
			t.Fatal("another transport")
		}
		// As net/http does it: under a context that does not end with the try.
		if conn, err := transport.DialContext(t.Context(), "tcp", "example.com:443"); err == nil {
			_ = conn.Close()
			t.Fatal("connected")
		}
		// The resolver's own deadline, seconds later and anew for each server, is another error.
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("ended by %v, not by the dialer's time-out", err)
		}
	})
}
