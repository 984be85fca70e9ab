package transport

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"greenroom/auth"
	"greenroom/models"
)

const (
	// writeWithin is how long a client may take to receive what it is sent.
	writeWithin = 10 * time.Second
	// beatEvery is how often a silent event stream says that it is there, so that proxies keep
	// it and a client that has gone is found out.
	beatEvery = 15 * time.Second
)

// What stands around a response in an event stream, as "distinct connections" has it. Errors
// from before the execution come as `next` too: a browser shows a page no body of any status
// but 200. https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
const (
	nextEvent     = "event: next\ndata: "
	completeEvent = "event: complete\ndata:\n\n" // without data a browser would drop it
	beat          = ":\n\n"
)

// subscribe streams a subscription until it, its client, its credential or the server ends.
func (h HTTP) subscribe(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor, op *graphql.OperationContext) {
	ctx, end := context.WithCancelCause(r.Context())
	defer end(nil)
	// Nothing is left to do when the server can wait no longer: from the draining on a client that
	// does not read has closeWithin.
	leave, ok := h.Live.join(func() { end(errDraining) }, func() {})
	if !ok {
		w.Header().Set("Retry-After", "1")
		write(w, http.StatusServiceUnavailable, presentError(ctx, exec, models.Unavailable("the server is stopping", time.Second)))
		return
	}
	defer leave()
	release, err := h.Live.hold(auth.From(ctx), Share{Sockets: 1, Operations: 1})
	if err != nil {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryFull.Seconds())))
		write(w, http.StatusTooManyRequests, presentError(ctx, exec, err))
		return
	}
	defer release()
	if secret, err := auth.Credential(r.Header); err == nil && secret != "" && h.Keep != nil {
		kept, release := h.Keep(ctx, secret)
		defer release()
		ctx = kept
	}
	h.stream(ctx, w, exec, op)
}

// stream answers with an event for each response. One that the server's stop cuts short has no
// `complete`: its client subscribes again, elsewhere.
func (h HTTP) stream(ctx context.Context, w http.ResponseWriter, exec graphql.GraphExecutor, op *graphql.OperationContext) {
	ctx, gone := context.WithCancel(ctx)
	defer gone()
	e := openEvents(ctx, w, gone)
	defer e.close()
	defer func() {
		if p := recover(); p != nil {
			e.next(presentPanic(ctx, exec, p))
			e.complete()
		}
	}()
	responses, running := exec.DispatchOperation(ctx, op)
	for response := responses(running); response != nil && ctx.Err() == nil; response = responses(running) {
		e.next(response)
	}
	if cause := context.Cause(ctx); cause == nil {
		e.complete()
	} else if errors.Is(cause, models.ErrUnauthenticated) {
		e.next(presentError(ctx, exec, cause))
		e.complete()
	}
}

// streamOne answers with the one response there is.
func (HTTP) streamOne(ctx context.Context, w http.ResponseWriter, response *graphql.Response) {
	e := openEvents(ctx, w, func() {})
	defer e.close()
	e.next(response)
	e.complete()
}

// events is an open event stream.
type events struct {
	w   http.ResponseWriter
	out *http.ResponseController
	// gone is called when the client cannot be reached any more.
	gone func()
	// deadline is the connection's for writing, which may carry another request afterwards. A
	// client that does not read cannot put off the end of ctx: hurry sees to that until it is
	// stopped.
	deadline  deadline
	stopHurry func() bool

	mu   sync.Mutex
	beat *time.Timer
	over bool
}

func openEvents(ctx context.Context, w http.ResponseWriter, gone func()) *events {
	e := &events{w: w, out: http.NewResponseController(w), gone: gone}
	e.deadline.set = e.out.SetWriteDeadline
	e.stopHurry = context.AfterFunc(ctx, e.hurry)
	w.Header().Set("Content-Type", eventStream+"; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back until it has a buffer full
	// The server's time for reading a request is over at some time, which would end the request.
	_ = e.out.SetReadDeadline(time.Time{}) // where there are no deadlines, there is none to move
	e.mu.Lock()
	e.beat = time.AfterFunc(beatEvery, func() { e.write([]byte(beat)) })
	e.mu.Unlock()
	e.write([]byte(beat)) // some browsers wait for a byte before they call the stream open
	return e
}

func (e *events) next(response *graphql.Response) {
	var body bytes.Buffer
	body.WriteString(nextEvent)
	encode(&body, response)
	// White space between the parts of JSON may be a line's end, which would end the data.
	text := body.Bytes()
	for i := len(nextEvent); i < len(text); i++ {
		if text[i] == '\n' || text[i] == '\r' {
			text[i] = ' '
		}
	}
	e.write(append(text, "\n\n"...))
}

func (e *events) complete() { e.write([]byte(completeEvent)) }

// write sends text at once. A client that does not take it in time is given up.
func (e *events) write(text []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return
	}
	_ = e.deadline.move(time.Now().Add(writeWithin)) // as above
	_, err := e.w.Write(text)
	if err == nil {
		err = e.out.Flush()
	}
	if err != nil {
		e.over = true
		e.gone()
		return
	}
	e.beat.Reset(beatEvery)
}

func (e *events) hurry() { e.deadline.end(time.Now().Add(closeWithin)) }

// close ends the beat; nothing is written after it but the end of the body, and no deadline is
// set, for the connection may go on to other requests.
func (e *events) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
	e.beat.Stop()
	if !e.stopHurry() {
		e.hurry() // it has begun, or is about to
	}
	e.deadline.end(time.Now().Add(writeWithin))
}
