package emulator

import "time"

// AskForSigns has sockets asked for signs of life so often.
func (e *Emulator) AskForSigns(every time.Duration) { e.signsEvery = every }

// A Line is a seat's queue without its socket.
type Line struct{ seat }

// NewLine makes an empty one.
func NewLine() *Line { return &Line{seat{wake: make(chan struct{}, 1)}} }

// Play queues speech, Tell a frame, Silence drops the speech.
func (l *Line) Play(pcm []byte) { l.play(pcm) }

// Tell queues a frame of a type.
func (l *Line) Tell(kind string) { l.tell(object{{"type", kind}}) }

// Silence drops the speech that waits.
func (l *Line) Silence() { l.silence() }

// Queued shows what waits: frames as their text, speech as its first byte, the end as its code.
func (l *Line) Queued() (shown []any, bytes int) {
	for m, more := l.next(); more; m, more = l.next() {
		switch {
		case m.code != 0:
			shown = append(shown, int(m.code))
		case m.data[0] == '{':
			shown = append(shown, string(m.data))
		default:
			shown = append(shown, m.data[0])
			bytes += len(m.data)
		}
	}
	return shown, bytes
}
