package sandbox

import (
	"context"
	"log/slog"

	"greenroom/avatarserver"
)

// Resampler shows a resampler to the tests.
type Resampler struct{ resampler }

// NewResampler makes one for a rate.
func NewResampler(rate int) *Resampler { return &Resampler{resampler{rate: int64(rate)}} }

// Write is write.
func (r *Resampler) Write(pcm []byte) []int16 { return r.write(pcm) }

// Flush is flush.
func (r *Resampler) Flush() []int16 { return r.flush() }

// Overtaken gives the answers, encoded, that an interrupt makes to frames that are queued.
func Overtaken(to avatarserver.Address, queued ...any) []string {
	l := &link{out: make(chan []byte, maxQueue), done: make(chan struct{})}
	x := &session{ref: avatarserver.Ref(to), ready: true, wake: make(chan struct{}, 1)}
	s := &server{sessions: map[string]*session{to.SessionID: x}}
	for _, f := range queued {
		s.put(l, to, f)
	}
	s.put(l, to, avatarserver.Interrupt{Address: to, Command: 99})
	close(l.out)
	var answers []string
	for data := range l.out {
		answers = append(answers, string(data))
	}
	return answers
}

// Voice shows a voice to the tests.
type Voice struct{ *voice }

// NewVoice makes one that speaks into a room until ctx ends.
func NewVoice(ctx context.Context, to Participant) Voice {
	v := newVoice(to, slog.New(slog.DiscardHandler))
	go v.run(ctx)
	return Voice{v}
}

// Say is say.
func (v Voice) Say(command uint32, samples []int16) { v.say(command, samples) }

// Read is read.
func (v Voice) Read(command uint32, text string, length int) { v.read(command, text, length) }

// Forget is forget.
func (v Voice) Forget(command uint32) { v.forget(command) }

// Interrupt is interrupt.
func (v Voice) Interrupt() { v.interrupt() }

// Lines is lines, and Babble is babble.
var Lines, Babble = lines, babble
