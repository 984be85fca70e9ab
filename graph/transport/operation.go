package transport

import (
	"context"
	"errors"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"greenroom/auth"
	"greenroom/models"
)

// An operation is one of a socket's. It is known under its id until the client has left it or
// been told of its end; its goroutine may go on a little longer, with nobody to tell. A subscription
// that has a source has none: the crew tells what there is to tell.
type operation struct {
	s  *socket
	id string
	// name is the id as JSON.
	name []byte
	end  context.CancelFunc
	// release lets go of what the operation counts for.
	release func()
	source  Source
	turn    turn // the crew's
	// subscription is guarded by socket.mu; false until the operation is known to be one.
	subscription bool
}

// subscribe begins an operation. An error is the close frame.
func (s *socket) subscribe(m *message) error {
	ctx, end := context.WithCancel(s.base)
	o := &operation{s: s, id: m.id, name: plain(m.id), end: end}
	release, err := s.enter(o)
	if err != nil {
		end()
		switch refusal, isRefusal := errors.AsType[*models.Error](err); {
		case isRefusal:
			s.send(errorMessage(o.name, presentError(s.base, s.exec, refusal).Errors))
		case !errors.Is(err, errTooLate):
			return err
		}
		return nil
	}
	select {
	case s.slots <- struct{}{}:
	case <-s.ctx.Done():
		release()
		end()
		return nil
	}
	o.release = release
	s.running.Add(1)
	go func() {
		if o.run(ctx, m); o.source == nil {
			o.leave()
			return
		}
		end() // the socket's context does for what is to come
		s.t.Live.crew.rest(o)
	}()
	return nil
}

// leave ends an operation that nobody works on any more.
func (o *operation) leave() {
	o.end()
	o.release()
	<-o.s.slots
	o.s.running.Done()
}

// wake has the crew look at an operation that has a source: there is something to tell, or it has
// been left.
func (o *operation) wake() { o.s.t.Live.crew.wake(o) }

// errTooLate: the close frame that is coming is the answer: ask elsewhere.
var errTooLate = errors.New("the socket is draining")

// enter makes an operation one of the socket's, and counts it as its caller's until release is
// called. The error is a *models.Error, errTooLate, or the close frame.
func (s *socket) enter(o *operation) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.operations[o.id] != nil:
		return nil, closeDuplicate(o.id)
	case s.draining:
		return nil, errTooLate
	case len(s.operations) >= maxOperations:
		return nil, &models.Error{
			Kind: models.KindRateLimited, RetryAfter: time.Second,
			Message: "too many operations at once on one socket: complete some, or open another",
		}
	}
	release, err = s.t.Live.hold(auth.From(s.base), Share{Operations: 1})
	if err == nil {
		s.operations[o.id] = o
	}
	return release, err
}

// forget is the client's `complete`: it wants to hear no more of an operation.
func (s *socket) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.operations[id]; o != nil {
		delete(s.operations, id)
		o.end()
		o.wake()
		s.endIfDrained()
	}
}

// run executes the operation, tells the client of each response, and of the end. What fails
// before the execution is an `error`, which is the end itself.
func (o *operation) run(ctx context.Context, m *message) {
	exec := o.s.exec
	defer func() {
		if p := recover(); p != nil {
			o.finish(errorMessage(o.name, presentPanic(ctx, exec, p).Errors))
		}
	}()
	if m.refused != nil {
		o.finish(errorMessage(o.name, gqlerror.List{m.refused.present()}))
		return
	}
	ctx = graphql.StartOperationTrace(ctx)
	m.params.ReadTime = graphql.TraceTiming{Start: graphql.GetStartTime(ctx), End: graphql.Now()}
	op, errs := exec.CreateOperationContext(ctx, m.params)
	if errs != nil {
		o.finish(errorMessage(o.name, exec.DispatchError(graphql.WithOperationContext(ctx, op), errs).Errors))
		return
	}
	if op.Operation.Operation == ast.Subscription {
		o.streams()
		if subscribe := o.s.t.Subscribe; subscribe != nil {
			o.source = subscribe(ctx, op, o.wake)
		}
		if o.source != nil {
			o.wake() // the first message is there
			return
		}
	}
	responses, ctx := exec.DispatchOperation(ctx, op)
	for response := responses(ctx); response != nil && ctx.Err() == nil; response = responses(ctx) {
		o.send(nextMessage(o.name, response))
	}
	// What was given up has not completed: the client has left it, or the close frame will tell.
	if ctx.Err() == nil {
		o.finish(completeMessage(o.name))
	}
}

// streams notes that the operation is a subscription, which no drain waits for.
func (o *operation) streams() {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.subscription = true
	o.s.endIfDrained()
}

// send writes a message unless the client has left the operation.
func (o *operation) send(frame []byte) {
	o.s.wire.writing.Lock()
	defer o.s.wire.writing.Unlock()
	o.s.mu.Lock()
	left := o.s.operations[o.id] != o
	o.s.mu.Unlock()
	if !left {
		o.s.write(frame)
	}
}

// finish writes the operation's last message. Its id is free before the client can know.
func (o *operation) finish(frame []byte) {
	o.s.wire.writing.Lock()
	defer o.s.wire.writing.Unlock()
	o.s.mu.Lock()
	left := o.s.operations[o.id] != o
	if !left {
		delete(o.s.operations, o.id)
	}
	o.s.mu.Unlock()
	if !left {
		o.s.write(frame)
		o.s.settle()
	}
}
