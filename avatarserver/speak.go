package avatarserver

import (
	"context"
	"fmt"
	"iter"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"greenroom/models"
)

// Sample rates of speech, in samples a second.
const (
	MinSampleRate = 8_000
	MaxSampleRate = 48_000
)

// A Speech is what an avatar is to say: audio, or a text for avatar servers that have a voice.
type Speech struct {
	// Audio is PCM, signed 16 bit little endian, mono. It must not change until Sent is called or
	// Speak returns.
	Audio []byte
	// SampleRate is 8000 to 48000.
	SampleRate int
	// Text is at most MaxText bytes.
	Text string
	// Sent, when set, is called once all of the speech is on its way and the next one may follow;
	// not when it failed before. A distant avatar server's confirmation takes a while longer.
	Sent func()
}

func (s Speech) check() error {
	switch {
	case (len(s.Audio) == 0) == (s.Text == ""):
		return models.Invalid("a speech is either audio or text", "audio")
	case len(s.Text) > MaxText || !utf8.ValidString(s.Text):
		return models.Invalid(fmt.Sprintf("text must be UTF-8 of at most %d bytes", MaxText), "text")
	case len(s.Audio)%2 != 0:
		return models.Invalid("audio must be whole 16-bit samples", "audio")
	case s.Text == "" && (s.SampleRate < MinSampleRate || s.SampleRate > MaxSampleRate):
		return models.Invalid(fmt.Sprintf("sampleRate must be %d to %d", MinSampleRate, MaxSampleRate), "sampleRate")
	}
	return nil
}

// A CommandError is why a command was not carried out. Code is for programs: RELAY_LOST,
// INTERRUPTED, or what the avatar server answered.
type CommandError struct{ Code, Message string }

func (e *CommandError) Error() string { return e.Message }

// Is compares codes.
func (e *CommandError) Is(target error) bool {
	t, ok := target.(*CommandError)
	return ok && t.Code == e.Code
}

// For errors.Is.
var (
	// ErrRelayLost: the command did not reach the avatar, or its answer did not come back.
	ErrRelayLost = &CommandError{"RELAY_LOST", "the command could not be delivered to the avatar"}
	// ErrInterrupted: an interrupt overtook the speech before all of it was sent.
	ErrInterrupted = &CommandError{"INTERRUPTED", "an interrupt cancelled the speech"}
)

func relayLost(message string) error { return &CommandError{ErrRelayLost.Code, message} }

var errorCode = regexp.MustCompile(`^[A-Z][A-Z_]{0,39}$`)

func (f CommandFailed) err() error {
	code := "AVATAR_ERROR"
	if errorCode.MatchString(f.Code) {
		code = f.Code
	}
	return &CommandError{code, clip(f.Message, 500)}
}

// Speak sends a speech to the session's avatar and waits until the avatar server has confirmed
// all of it: samples is its length after resampling to 16 kHz. The speeches of one session are
// sent one after another. Audio waits for the avatar server's credit.
//
// It never fails in silence: the error is a *CommandError (ErrRelayLost when the avatar server
// is not there, goes away, or neither reads nor answers for 30 seconds; ErrInterrupted; or the
// avatar server's own), a models.Error with KindInvalidInput, or ctx's. What was not sent yet
// when ctx ends is not sent.
func (r *Registry) Speak(ctx context.Context, ref Ref, s Speech) (samples int, err error) {
	if err := s.check(); err != nil {
		return 0, fmt.Errorf("speak in session %s: %w", ref.SessionID, err)
	}
	cmd, err := r.begin(ref)
	if err == nil {
		r.say(ctx, cmd, s)
		<-cmd.done
		samples, err = cmd.samples, cmd.err
	}
	if err != nil {
		return 0, fmt.Errorf("speak in session %s: %w", ref.SessionID, err)
	}
	return samples, nil
}

// Interrupt makes the session's avatar silent and waits until the avatar server has confirmed
// that. It overtakes queued audio: every Speak that is not wholly sent ends with ErrInterrupted.
// Its errors are those of Speak.
func (r *Registry) Interrupt(ctx context.Context, ref Ref) error {
	cmd, err := r.interrupt(ref)
	if err == nil {
		r.wait(ctx, cmd, nil, r.patience())
		<-cmd.done
		err = cmd.err
	}
	if err != nil {
		return fmt.Errorf("interrupt session %s: %w", ref.SessionID, err)
	}
	return nil
}

// say sends all frames of the speech when its turn has come, and waits for its end.
func (r *Registry) say(ctx context.Context, cmd *command, s Speech) {
	a := cmd.to
	if !r.wait(ctx, cmd, a.turn, nil) {
		return
	}
	sent := r.sendAll(ctx, cmd, s)
	a.turn <- struct{}{}
	if sent {
		if s.Sent != nil {
			s.Sent()
		}
		r.wait(ctx, cmd, nil, r.patience())
	}
}

func (r *Registry) sendAll(ctx context.Context, cmd *command, s Speech) bool {
	for f := range s.frames(cmd) {
		limit := r.patience()
		for !r.push(f) {
			if !r.wait(ctx, cmd, cmd.to.room, limit) {
				return false
			}
		}
	}
	return true
}

// wait returns true when wake came first, and false when the command is over: answered, failed,
// or given up here because ctx or the patience ended.
func (r *Registry) wait(ctx context.Context, cmd *command, wake <-chan struct{}, limit <-chan time.Time) bool {
	select {
	case <-cmd.done:
	case <-wake:
		return true
	case <-ctx.Done():
		r.abandon(cmd, ctx.Err())
	case <-limit:
		r.abandon(cmd, relayLost("the avatar server did not answer in time"))
	}
	return false
}

func (r *Registry) patience() <-chan time.Time { return time.After(r.cfg.AnswerWithin) }

// frames are the frames of a speech: its announcement, then its audio.
func (s Speech) frames(cmd *command) iter.Seq[frame] {
	return func(yield func(frame) bool) {
		addr, audio := Address(cmd.to.ref), s.Audio
		head := Speak{Address: addr, Command: cmd.number, Bytes: len(audio), Text: s.Text}
		if s.Text == "" {
			head.SampleRate = s.SampleRate
		}
		if !yield(frame{kind: websocket.MessageText, data: Encode(head), of: cmd, last: s.Text != ""}) {
			return
		}
		for seq := uint32(0); len(audio) > 0; seq++ {
			n := min(len(audio), MaxChunk)
			c := Chunk{Address: addr, Command: cmd.number, Seq: seq, Last: n == len(audio), PCM: audio[:n]}
			if !yield(frame{kind: websocket.MessageBinary, data: c.Encode(), of: cmd, cost: n, last: c.Last}) {
				return
			}
			audio = audio[n:]
		}
	}
}
