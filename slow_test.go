package main

import (
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/graph"
	"greenroom/models"
)

// TestSlowClients goes past run, to a server on a pipe: half a minute of real time would tell no
// more than half a minute of the bubble's.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	const head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, c := range map[string]struct {
		request string
		// drip is sent a byte a second, again and again.
		drip  string
		after time.Duration
	}{
		"AreCutWithinTheirHeader":            {head + "X-Slow: ", "a", 5 * time.Second},
		"AreCutWhenTheySayNothing":           {"", "", 5 * time.Second},
		"AreCutWithinTheirBody":              {head + "Content-Length: 1000\r\n\r\n{", " ", 30 * time.Second},
		"AreCutWithinABodyWithoutAnEnd":      {head + "Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", 30 * time.Second},
		"AreCutWhenTheyHaveNothingMoreToAsk": {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "", 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &server{log: slog.New(slog.DiscardHandler), failed: make(chan error, 1)}
				l := &pipe{conns: make(chan net.Conn), closed: make(chan struct{})}
				web := s.serve(l, graph.New(graph.Config{Clock: models.SystemClock, Log: s.log}))
				here, there := net.Pipe()
				l.conns <- there
				began := time.Now()
				s.serving.Go(func() { drip(here, c.request, c.drip) })
				answered, _ := io.ReadAll(here) // cut off is an error or not, as it comes
				if took := time.Since(began); took < c.after || took > c.after+time.Second {
					t.Errorf("cut after %s, want %s", took, c.after)
				}
				if strings.Contains(string(answered), "serverTime") || strings.Contains(string(answered), "200 OK\r\n") && c.drip != "" {
					t.Errorf("answered %q", answered)
				}
				_ = here.Close()
				if err := web.Close(); err != nil {
					t.Error(err)
				}
				s.serving.Wait()
			})
		})
	}
}

// drip writes a request and goes on, a byte a second, until the other end has had enough.
func drip(to io.Writer, request, more string) {
	_, err := io.WriteString(to, request)
	for i := 0; err == nil && more != ""; i++ {
		<-time.After(time.Second)
		_, err = io.WriteString(to, more[i%len(more):][:1])
	}
}

// A pipe is a listener in memory, which synctest can see through.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Accept waits for the next connection.
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr is nowhere.
func (*pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }
