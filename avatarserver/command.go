package avatarserver

import "github.com/coder/websocket"

// maxQueued is how many frames of one session's speech wait for the socket at most; the rest
// waits with the caller of Speak.
const maxQueued = 4

// speech is the way of commands to one assignment. Guarded by Registry.mu, except for the
// channels.
type speech struct {
	// turn holds a token that the Speak has which is sending.
	turn chan struct{}
	// room wakes that Speak: credit came back, or a frame was written.
	room     chan struct{}
	commands map[uint32]*command
	// last is the newest command's number. It goes on rising when the avatar server reconnects.
	last   uint32
	credit int
	// frames wait for the socket; queued, whether the connection knows that they do.
	frames []frame
	queued bool
}

func newSpeech() speech {
	s := speech{
		turn: make(chan struct{}, 1), room: make(chan struct{}, 1),
		commands: map[uint32]*command{}, credit: CreditWindow,
	}
	s.turn <- struct{}{}
	return s
}

// A command is a speak or an interrupt on its way. Guarded by Registry.mu; samples and err may
// be read once done is closed.
type command struct {
	to     *assignment
	number uint32
	// begun: a frame of it has gone to the socket; chunks counts those with audio; sent: all have.
	begun, sent bool
	chunks      uint32

	done    chan struct{}
	over    bool
	samples int
	err     error
}

// A frame is a piece of a speech: its announcement, or audio that costs credit.
type frame struct {
	kind websocket.MessageType
	data []byte
	of   *command
	cost int
	last bool
}

// begin makes a command for the session's avatar, which has to be there.
func (r *Registry) begin(ref Ref) (*command, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newCommand(ref)
}

func (r *Registry) newCommand(ref Ref) (*command, error) {
	a := r.held[ref.SessionID]
	switch {
	case r.closed:
		return nil, relayLost("this server is draining")
	case a == nil || a.ref != ref:
		return nil, relayLost("no avatar server has the session")
	case !a.server.welcomed:
		return nil, relayLost("the avatar server is disconnected")
	}
	a.last++
	cmd := &command{to: a, number: a.last, done: make(chan struct{})}
	a.commands[cmd.number] = cmd
	return cmd, nil
}

// interrupt cancels all speech that is not wholly sent, in the queue or still with its caller,
// and sends the interrupt ahead of everything.
func (r *Registry) interrupt(ref Ref) (*command, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	cmd, err := r.newCommand(ref)
	if err != nil {
		return nil, err
	}
	cmd.sent = true
	a := cmd.to
	for _, other := range a.commands {
		if !other.sent {
			other.finish(0, ErrInterrupted)
		}
	}
	a.purge(nil)
	a.server.send(Interrupt{Address: Address(ref), Command: cmd.number})
	return cmd, nil
}

// push queues a frame; false when there is no room or no credit for it now, or its command is
// over.
func (r *Registry) push(f frame) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := f.of.to
	if f.of.over || len(a.frames) >= maxQueued || f.cost > a.credit {
		return false
	}
	a.credit -= f.cost
	a.enqueue(f)
	return true
}

func (a *assignment) enqueue(f frame) {
	a.frames = append(a.frames, f)
	if !a.queued {
		a.queued = true
		a.server.conn.speaking = append(a.server.conn.speaking, a)
		signal(a.server.conn.wake)
	}
}

// abandon gives a command up. The avatar server is told when it has the beginning and waits for
// more.
func (r *Registry) abandon(cmd *command, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cmd.over {
		return
	}
	a := cmd.to
	a.purge(cmd)
	cmd.finish(0, err)
	if cmd.begun && !cmd.sent {
		c := Chunk{Address: Address(a.ref), Command: cmd.number, Seq: cmd.chunks, Last: true, Abandoned: true}
		a.enqueue(frame{kind: websocket.MessageBinary, data: c.Encode(), of: cmd, last: true})
	}
}

// purge takes the frames of cmd, or all, out of the queue. They were never sent, so their
// credit is there again.
func (a *assignment) purge(cmd *command) {
	kept := a.frames[:0]
	for _, f := range a.frames {
		if cmd != nil && f.of != cmd {
			kept = append(kept, f)
			continue
		}
		a.credit += f.cost
	}
	clear(a.frames[len(kept):])
	a.frames = kept
	signal(a.room)
}

// answer is the avatar server's word about a command; one that is over already is stale.
func (a *assignment) answer(number uint32, samples int, err error) {
	if cmd := a.commands[number]; cmd != nil {
		cmd.finish(samples, err)
	}
}

// refill takes returned credit, never more than the window holds.
func (a *assignment) refill(bytes int) {
	a.credit = min(a.credit+bytes, CreditWindow)
	signal(a.room)
}

// failCommands ends every command because the way to the avatar is gone, and makes the way
// ready for a new connection.
func (a *assignment) failCommands(err error) {
	for _, cmd := range a.commands {
		cmd.finish(0, err)
	}
	a.frames, a.queued, a.credit = nil, false, CreditWindow
}

func (cmd *command) finish(samples int, err error) {
	if cmd.over {
		return
	}
	cmd.over, cmd.samples, cmd.err = true, samples, err
	delete(cmd.to.commands, cmd.number)
	close(cmd.done)
}
