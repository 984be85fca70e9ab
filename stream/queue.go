package stream

import (
	"context"
	"sync"
)

const (
	// maxPending is how many commands of one stream may wait at most.
	maxPending = 64
	// maxPendingAudio is how many bytes of audio of one stream may wait, unless they are a single
	// speech.
	maxPendingAudio = 1 << 20
)

// A command is a frame that is answered in its turn.
type command struct {
	frame
	// buffer is what a speech's audio lies in; nil without audio.
	buffer *buffer
	// ctx ends early, with a *fault as its cause, when the command must not be carried out.
	ctx    context.Context // the command's own
	cancel context.CancelCauseFunc
	// sent is closed when a speech is wholly on its way, answered when the command is answered.
	sent, answered chan struct{}
}

// A queue is the commands of one stream, carried out in the order in which they came, and
// answered in that order. A speech begins when the one before it is on its way: a distant avatar
// server's confirmations are not waited for. Everything else waits until what is before it has
// been answered.
//
// An interrupt overtakes: it cancels the speeches before it, which are answered with
// INTERRUPTED at once, and so it is next. That needs the socket to be read while a speech waits
// for the avatar server: it is, until 64 commands wait, or more than 1 MiB of audio in two
// speeches or more. Then the client's own socket fills up, and it has to wait.
type queue struct {
	conn *conn
	// room wakes the reader.
	room chan struct{}
	// empty is closed once the queue refuses commands and has answered all.
	empty chan struct{}

	mu sync.Mutex
	// line are the commands not yet answered, of which the first begun have been begun.
	line     []*command
	begun    int
	speeches int
	audio    int
	working  bool
	refusal  *fault
	closed   sync.Once
	// last is the command that was begun last; only the worker looks.
	last *command
}

func (q *queue) init(c *conn) {
	q.conn, q.room, q.empty = c, make(chan struct{}, 1), make(chan struct{})
}

// add puts a command at the end of the line.
func (q *queue) add(cmd *command) {
	cmd.ctx, cmd.cancel = context.WithCancelCause(q.conn.ctx)
	cmd.sent, cmd.answered = make(chan struct{}), make(chan struct{})
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case cmd.fault != nil:
	case q.refusal != nil:
		cmd.fault = q.refusal
	case cmd.kind == typeInterrupt:
		for _, other := range q.line {
			if other.kind == typeSpeak && other.fault == nil {
				other.cancel(errInterrupted)
			}
		}
	}
	q.line = append(q.line, cmd)
	if cmd.buffer != nil {
		q.speeches++
		q.audio += len(cmd.speak.audio)
	}
	if !q.working {
		q.working = true
		q.conn.wg.Go(q.work)
	}
}

// refuse cancels everything, and whatever comes from now on.
func (q *queue) refuse(why *fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refusal = why
	for _, cmd := range q.line {
		cmd.cancel(why)
	}
	q.tellEmpty()
}

// tellEmpty closes empty when its time has come. The caller holds the lock.
func (q *queue) tellEmpty() {
	if q.refusal != nil && len(q.line) == 0 {
		q.closed.Do(func() { close(q.empty) })
	}
}

// work begins commands until there are none.
func (q *queue) work() {
	for cmd := q.begin(); cmd != nil; cmd = q.begin() {
		before := q.last
		q.last = cmd
		if before != nil && (cmd.fault != nil || cmd.kind != typeSpeak) {
			<-before.answered
		}
		q.conn.wg.Go(func() { q.carryOut(cmd, before) })
		select {
		case <-cmd.sent:
		case <-cmd.answered:
		}
	}
}

// carryOut does a command and answers it, after the one before it.
func (q *queue) carryOut(cmd, before *command) {
	answer := q.conn.carryOut(cmd, func() {
		q.forget(cmd)
		close(cmd.sent)
	})
	cmd.cancel(nil)
	q.forget(cmd)
	if before != nil {
		<-before.answered
	}
	q.conn.send(answer)
	q.shift()
	close(cmd.answered)
}

// begin is the next command to begin; nil when there is none.
func (q *queue) begin() *command {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.begun == len(q.line) {
		q.working = false
		return nil
	}
	q.begun++
	return q.line[q.begun-1]
}

// forget frees the audio of a command that needs it no more.
func (q *queue) forget(cmd *command) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if cmd.buffer == nil {
		return
	}
	q.speeches--
	q.audio -= len(cmd.speak.audio)
	cmd.buffer.free()
	cmd.buffer, cmd.speak.audio = nil, nil
	q.tellRoom()
}

// shift takes the first command, which has been answered, out of the line.
func (q *queue) shift() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.line[0] = nil
	q.line = q.line[1:]
	q.begun--
	q.tellRoom()
	q.tellEmpty()
}

func (q *queue) tellRoom() {
	select {
	case q.room <- struct{}{}:
	default:
	}
}

func (q *queue) isFull() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.line) >= maxPending || q.speeches > 1 && q.audio > maxPendingAudio
}

// awaitRoom returns when the queue takes more commands; false when the connection has ended.
func (q *queue) awaitRoom() bool {
	if !q.isFull() {
		return true
	}
	q.conn.pause()
	defer q.conn.resume()
	for q.isFull() {
		select {
		case <-q.room:
		case <-q.conn.done:
			return false
		}
	}
	return true
}
