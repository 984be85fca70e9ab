package transport

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Live are the sockets and event streams that are open, so that nobody has too many of them, and
// a server that stops can end them: its HTTP server knows nothing of sockets, and would wait for
// event streams for ever.
type Live struct {
	limits Limits

	mu sync.Mutex
	// draining ends when nothing new is taken any more, over when what is left is cut off.
	draining, over context.Context
	drain, end     context.CancelFunc
	open           sync.WaitGroup
	count          int
	// held is what each account and each session holds, by id; what holds nothing is not there.
	held map[string]Share

	crew *crew
}

// NewLive makes a Live with nothing open.
func NewLive(limits Limits) *Live {
	l := &Live{limits: limits, held: map[string]Share{}, crew: newCrew()}
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
// answers to its queries and mutations, each with 1012. What is still open shortly before ctx ends
// is cut off. It returns when nothing is open any more, or with ctx's error.
func (l *Live) Drain(ctx context.Context) error {
	l.mu.Lock()
	l.drain()
	l.mu.Unlock()
	ended := make(chan struct{})
	go func() { l.open.Wait(); close(ended) }()
	patient, cancel := beforeTheEnd(ctx)
	defer cancel()
	select {
	case <-ended:
		return nil
	case <-patient.Done():
	}
	l.end()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("an operation goes on: %w", ctx.Err())
	}
}

// cutWithin is how long it takes to cut off everybody, the deaf included.
const cutWithin = closeWithin + 500*time.Millisecond

// beforeTheEnd is ctx without the time that cutting off takes, half of ctx's at most.
func beforeTheEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	last, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, last.Add(-min(cutWithin, time.Until(last)/2)))
}
