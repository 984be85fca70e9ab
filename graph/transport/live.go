package transport

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Live are the sockets and event streams that are open, so that a server that stops can end
// them: its HTTP server knows nothing of sockets, and would wait for event streams for ever.
type Live struct {
	mu sync.Mutex
	// draining ends when nothing new is taken any more, over when what is left is cut off.
	draining, over context.Context
	drain, end     context.CancelFunc
	open           sync.WaitGroup
	count          int
}

// NewLive makes a Live with nothing open.
func NewLive() *Live {
	l := &Live{}
	l.draining, l.drain = context.WithCancel(context.Background())
	l.over, l.end = context.WithCancel(context.Background())
	return l
}

// join counts one more as open until leave is called. When the server begins to stop, drain is
// called; when it cannot wait any longer, end. Neither may block. False: the server is stopping.
func (l *Live) join(drain, end func()) (leave func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.draining.Err() != nil {
		return nil, false
	}
	l.open.Add(1)
	l.count++
	stopDrain := context.AfterFunc(l.draining, drain)
	stopEnd := context.AfterFunc(l.over, end)
	return func() {
		stopDrain()
		stopEnd()
		l.mu.Lock()
		l.count--
		l.mu.Unlock()
		l.open.Done()
	}, true
}

// Open is how many there are.
func (l *Live) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// Drain takes nothing new and ends what is open: subscriptions at once, a socket after the
// answers to its queries and mutations, each with 1012. What is still open when ctx ends is cut
// off, and the error says how that went.
func (l *Live) Drain(ctx context.Context) error {
	l.mu.Lock()
	l.drain()
	l.mu.Unlock()
	ended := make(chan struct{})
	go func() { l.open.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	l.end()
	last := time.NewTimer(closeWithin + time.Second)
	defer last.Stop()
	select {
	case <-ended:
		return nil
	case <-last.C:
		return fmt.Errorf("an operation goes on: %w", ctx.Err())
	}
}
