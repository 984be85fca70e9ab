package transport

import (
	"runtime"
	"sync"
)

// A crew tells what subscriptions have to tell: a few goroutines for all of them, which end when
// nothing is left to do. Nobody of a crew waits for a client; for the database they may, so there are
// several for each processor.
type crew struct {
	mu sync.Mutex
	// queue are the operations that wait for their turn, from next on.
	queue []*operation
	next  int
	// working is how many there are, most how many at most.
	working, most int
}

func newCrew() *crew { return &crew{most: 4 * runtime.GOMAXPROCS(0)} }

// A turn is where an operation stands with the crew. Guarded by crew.mu.
type turn uint8

const (
	// atWork: somebody works on it. It begins so, in the hands of who has made it.
	atWork turn = iota
	// again: somebody does, and it has been woken meanwhile.
	again
	// resting: nobody does.
	resting
	// queued: it waits for its turn.
	queued
	// gone: it has ended.
	gone
)

// wake sees to it that an operation has a turn after this moment.
func (c *crew) wake(o *operation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch o.turn {
	case atWork:
		o.turn = again
	case resting:
		c.push(o)
	}
}

// rest ends a turn.
func (c *crew) rest(o *operation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.turn == again {
		c.push(o)
	} else {
		o.turn = resting
	}
}

// end takes no turns any more.
func (c *crew) end(o *operation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o.turn = gone
}

// push queues an operation. The caller holds mu.
func (c *crew) push(o *operation) {
	o.turn = queued
	c.queue = append(c.queue, o)
	if c.working < c.most {
		c.working++
		go c.work()
	}
}

// pop takes the next one; nil when there is none, and then the worker is done.
func (c *crew) pop() *operation {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == len(c.queue) {
		c.queue, c.next = nil, 0
		c.working--
		return nil
	}
	o := c.queue[c.next]
	c.queue[c.next] = nil
	if c.next++; c.next > len(c.queue)/2 && c.next >= 1024 {
		c.queue, c.next = c.queue[:copy(c.queue, c.queue[c.next:])], 0
	}
	o.turn = atWork
	return o
}

// inARow is how many turns a worker takes before it lets others have its processor: requests that
// come meanwhile.
const inARow = 8

func (c *crew) work() {
	var buffer []byte
	for n := 1; ; n++ {
		o := c.pop()
		if o == nil {
			return
		}
		buffer = o.tell(buffer[:0])
		if n%inARow == 0 {
			runtime.Gosched()
		}
	}
}
