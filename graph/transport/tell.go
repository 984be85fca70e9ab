package transport

import (
	"bytes"
	"errors"
)

// tell tells what an operation's source has, and ends the crew's turn: now, or in a goroutine of its
// own when the client or the executor takes time. The frame is made in buffer, which is given back.
func (o *operation) tell(buffer []byte) []byte {
	if o.isLeft() {
		o.close()
		return buffer
	}
	told, err := o.ask()
	switch {
	case err != nil:
		go o.fail(err)
		return buffer
	case told.Elsewhere != nil:
		go o.tellElsewhere(told)
		return buffer
	case told.Payload == nil && !told.Over:
		o.s.t.Live.crew.rest(o)
		return buffer
	}
	if told.Payload != nil {
		buffer = appendNext(buffer, o.name, told.Payload)
	}
	if told.Over {
		buffer = appendComplete(buffer, o.name)
	}
	if !o.s.wire.writing.TryLock() {
		go func(frames []byte) {
			o.s.wire.writing.Lock()
			o.deliver(frames, told.Over)
		}(bytes.Clone(buffer))
		return buffer
	}
	o.deliver(buffer, told.Over)
	return buffer
}

// A panicked is what a source has panicked with.
type panicked struct{ value any }

func (panicked) Error() string { return "panic" }

// ask asks the source. The error is its panic.
func (o *operation) ask() (told Told, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked{p}
		}
	}()
	return o.source.Next(o.s.base), nil
}

// fail ends an operation with an error.
func (o *operation) fail(err error) {
	p, _ := errors.AsType[panicked](err)
	o.finish(errorMessage(o.name, presentPanic(o.s.base, o.s.exec, p.value).Errors))
	o.close()
}

// tellElsewhere has the executor make the message.
func (o *operation) tellElsewhere(told Told) {
	defer func() {
		if p := recover(); p != nil {
			o.fail(panicked{p})
		}
	}()
	responses, ctx := o.s.exec.DispatchOperation(told.Of, told.Elsewhere())
	if response := responses(ctx); response != nil {
		o.send(nextMessage(o.name, response))
	}
	if told.Over {
		o.finish(completeMessage(o.name))
		o.close()
		return
	}
	o.s.t.Live.crew.rest(o)
}

// deliver writes frames, and ends the turn; last says that the operation ends with them. The caller
// holds the wire's writing, which deliver gives up. What the client does not take at once a goroutine
// waits for.
func (o *operation) deliver(frames []byte, last bool) {
	if !o.claim(last) {
		o.s.wire.writing.Unlock()
		o.close()
		return
	}
	rest, err := o.s.wire.writeNow(frames)
	if err == nil && len(rest) > 0 {
		go func(rest []byte) { o.delivered(o.s.wire.writeRest(rest), last) }(bytes.Clone(rest))
		return
	}
	o.delivered(err, last)
}

// delivered ends the turn after a write.
func (o *operation) delivered(err error, last bool) {
	o.s.wire.writing.Unlock()
	if err != nil {
		o.s.end(errCutOff)
	}
	if last {
		o.s.settle()
		o.close()
		return
	}
	o.s.t.Live.crew.rest(o)
}

// claim tells whether the client is still to be told. The id of an operation that ends is free before
// the client can know.
func (o *operation) claim(last bool) bool {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	if o.s.ctx.Err() != nil || o.s.operations[o.id] != o {
		return false
	}
	if last {
		delete(o.s.operations, o.id)
	}
	return true
}

// isLeft tells whether nobody is to be told any more.
func (o *operation) isLeft() bool {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	return o.s.ctx.Err() != nil || o.s.operations[o.id] != o
}

// close ends an operation that has a source, whose turn it is.
func (o *operation) close() {
	o.s.t.Live.crew.end(o)
	o.source.Close()
	o.leave()
}

// settle ends a draining socket that has nothing left to wait for.
func (s *socket) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endIfDrained()
}
