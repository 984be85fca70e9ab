package sandbox

import (
	"context"
	"encoding/binary"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// SampleRate is that of the speech which a Participant is given, in samples a second.
const SampleRate = targetRate

// A Participant is the avatar in a room. It is used by one goroutine at a time. None of its
// methods fails: an avatar that was put out of its room goes on speaking to nobody, until its
// session is released.
type Participant interface {
	// Play speaks pcm: signed 16 bit little endian, mono, at SampleRate, a tenth of a second at
	// most. Pieces come as they are to be heard, not as they were received, a fraction of a
	// second ahead.
	Play(pcm []byte)
	// Caption shows a text while it is being spoken; an empty one takes it away.
	Caption(text string)
	// Interrupt silences what was played and has not been heard yet, and takes captions away.
	Interrupt()
	// Leave is called once, last.
	Leave()
}

const (
	// piece is the most samples that go out at once, lead how much earlier than they are heard.
	piece = SampleRate / 10
	lead  = 200 * time.Millisecond
	// maxAhead bounds what waits to be spoken: more than the largest frame of a stream holds at
	// any rate. What goes beyond is confirmed like the rest, and not heard.
	maxAhead = 20 * 60 * SampleRate
)

// A voice speaks what a session is sent at the pace at which it is heard. A nil voice is that of
// an avatar in no room.
type voice struct {
	to   Participant
	log  *slog.Logger
	wake chan struct{}

	mu    sync.Mutex
	queue []utterance
	// ahead is how many samples wait in the queue.
	ahead int
	// due is until when the room has something to hear.
	due time.Time
	// captioned tells that a caption is showing.
	captioned bool
}

// An utterance is audio, or a line of text that is turned into babble when its time has come.
type utterance struct {
	command uint32
	samples []int16
	line    string
	length  int
}

func newVoice(to Participant, log *slog.Logger) *voice {
	return &voice{to: to, log: log, wake: make(chan struct{}, 1)}
}

// run speaks until ctx ends.
func (v *voice) run(ctx context.Context) {
	for {
		wait := v.step(time.Now())
		var later <-chan time.Time
		if wait >= 0 {
			later = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return
		case <-v.wake:
		case <-later:
		}
	}
}

// step does what is due and says how long to wait; below 0 there is nothing to wait for.
func (v *voice) step(now time.Time) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.queue) == 0 {
		if left := v.due.Sub(now); v.captioned && left > 0 {
			return left
		}
		v.caption("")
		return -1
	}
	if v.due.Before(now) {
		v.due = now
	}
	if early := v.due.Sub(now) - lead; early > 0 {
		return early
	}
	v.speak()
	return 0
}

// speak sends out the next piece. mu is held, so that an interrupt comes before or after it.
func (v *voice) speak() {
	u := &v.queue[0]
	if u.samples == nil {
		u.samples = babble(u.line, u.length)
		v.caption(strings.Join(strings.Fields(u.line), " "))
	} else if u.line == "" {
		v.caption("")
	}
	n := min(piece, len(u.samples))
	pcm := make([]byte, 0, 2*n)
	for _, s := range u.samples[:n] {
		pcm = binary.LittleEndian.AppendUint16(pcm, uint16(s)) //nolint:gosec // G115: the bits are meant
	}
	u.samples = u.samples[n:]
	if len(u.samples) == 0 {
		v.queue = v.queue[1:]
	}
	v.ahead -= n
	v.due = v.due.Add(time.Duration(n) * time.Second / SampleRate)
	if n > 0 {
		v.to.Play(pcm)
	}
}

func (v *voice) caption(text string) {
	if text != "" || v.captioned {
		v.captioned = text != ""
		v.to.Caption(text)
	}
}

// say speaks samples of a command after all that was said before.
func (v *voice) say(command uint32, samples []int16) {
	if v != nil && len(samples) > 0 {
		v.add(utterance{command: command, samples: samples, length: len(samples)})
	}
}

// read speaks a text, in so many samples.
func (v *voice) read(command uint32, text string, length int) {
	if v == nil {
		return
	}
	letters := len([]rune(text))
	sofar, from := 0, 0
	for _, line := range lines(text) {
		sofar += len([]rune(line))
		to := length * sofar / letters
		v.add(utterance{command: command, line: line, length: to - from})
		from = to
	}
}

func (v *voice) add(u utterance) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ahead+u.length > maxAhead {
		v.log.Warn("too much speech ahead, a part is not heard", "command", u.command)
		return
	}
	v.queue = append(v.queue, u)
	v.ahead += u.length
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// forget drops what has not been spoken yet of a command that did not arrive as a whole.
func (v *voice) forget(command uint32) {
	if v == nil || command == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var kept []utterance
	v.ahead = 0
	for _, u := range v.queue {
		if u.command == command {
			continue
		}
		kept = append(kept, u)
		v.ahead += u.left()
	}
	v.queue = kept
}

// left is how many samples are still to be spoken.
func (u utterance) left() int {
	if u.samples == nil {
		return u.length
	}
	return len(u.samples)
}

// interrupt is silence, now.
func (v *voice) interrupt() {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.queue, v.ahead, v.due, v.captioned = nil, 0, time.Time{}, false
	v.to.Interrupt()
}
