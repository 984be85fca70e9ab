package sandbox

import (
	"errors"
	"unicode/utf8"

	"greenroom/avatarserver"
)

// lettersPerSecond is how fast the sandbox reckons that a text is spoken. It cannot speak words:
// in a room it shows them and babbles as long as they would take.
const lettersPerSecond = 15

// control acts on a control frame of Greenroom. What it does not know it ignores.
func (s *server) control(l *link, data []byte) error {
	f, err := avatarserver.Decode(data)
	if err != nil {
		return err
	}
	switch f := f.(type) {
	case avatarserver.Assign:
		s.assign(l, f)
	case avatarserver.Release:
		s.mu.Lock()
		if x := s.sessions[f.SessionID]; x != nil && x.ref == avatarserver.Ref(f.Address) {
			s.drop(x)
		}
		s.mu.Unlock()
	case avatarserver.Speak:
		if !s.put(l, f.Address, f) {
			l.send(notReady(f.Address, f.Command))
		}
	case avatarserver.Interrupt:
		if !s.put(l, f.Address, f) {
			l.send(notReady(f.Address, f.Command))
		}
	}
	return nil
}

// chunk acts on a binary frame. Audio for a session that is not here has no one to pay for:
// Greenroom has taken the session back.
func (s *server) chunk(l *link, data []byte) error {
	c, err := avatarserver.DecodeChunk(data)
	if errors.Is(err, avatarserver.ErrUnknownKind) {
		return nil
	}
	if err != nil {
		return err
	}
	s.put(l, c.Address, c)
	return nil
}

// put gives a frame to its session, if it is ready, and answers for what the frame overtook:
// credit for every byte, and an error for every speech that was there as a whole.
func (s *server) put(l *link, to avatarserver.Address, frame any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.sessions[to.SessionID]
	if x == nil || x.ref != avatarserver.Ref(to) || !x.ready {
		return false
	}
	for _, it := range x.put(item{link: l, frame: frame}) {
		switch f := it.frame.(type) {
		case avatarserver.Chunk:
			credit(it.link, f)
			if f.Last && !f.Abandoned {
				it.link.send(interrupted(f.Address, f.Command))
			}
		case avatarserver.Speak:
			if f.Text != "" {
				it.link.send(interrupted(f.Address, f.Command))
			}
		case avatarserver.Interrupt:
			it.link.send(avatarserver.InterruptConfirmed(f))
		}
	}
	return true
}

// A mouth speaks one speech after another. It belongs to its session's goroutine.
type mouth struct {
	// command is 0 while nothing is being received.
	command uint32
	seq     uint32
	samples int
	resampler
	voice *voice
}

// close forgets the speech that is being received.
func (m *mouth) close() { *m = mouth{voice: m.voice} }

// fail closes, and what was received stays unspoken.
func (m *mouth) fail() {
	m.voice.forget(m.command)
	m.close()
}

func (m *mouth) act(it item) {
	switch f := it.frame.(type) {
	case forget:
		m.fail()
	case avatarserver.Interrupt:
		m.close()
		m.voice.interrupt()
		it.link.send(avatarserver.InterruptConfirmed(f))
	case avatarserver.Speak:
		m.begin(it.link, f)
	case avatarserver.Chunk:
		m.hear(it.link, f)
		credit(it.link, f)
	}
}

func (m *mouth) begin(l *link, f avatarserver.Speak) {
	m.fail() // nothing, unless Greenroom has left a speech unfinished
	switch {
	case f.Text != "":
		samples := utf8.RuneCountInString(f.Text) * targetRate / lettersPerSecond
		m.voice.read(f.Command, f.Text, samples)
		l.send(avatarserver.SpeakConfirmed{Address: f.Address, Command: f.Command, AudioSamples: samples})
	case f.SampleRate < avatarserver.MinSampleRate || f.SampleRate > avatarserver.MaxSampleRate:
		l.send(badAudio(f.Address, f.Command, "sample_rate is out of range"))
	default:
		m.command, m.rate = f.Command, int64(f.SampleRate)
	}
}

// hear takes a piece of the speech. Pieces of one that was interrupted or refused go by.
func (m *mouth) hear(l *link, c avatarserver.Chunk) {
	switch {
	case c.Command != m.command:
		return
	case c.Abandoned:
		m.fail()
		return
	case c.Seq != m.seq:
		m.fail()
		l.send(badAudio(c.Address, c.Command, "a chunk is missing"))
		return
	}
	m.seq++
	m.speak(m.write(c.PCM))
	if c.Last {
		m.speak(m.flush())
		l.send(avatarserver.SpeakConfirmed{Address: c.Address, Command: c.Command, AudioSamples: m.samples})
		m.close()
	}
}

func (m *mouth) speak(samples []int16) {
	m.samples += len(samples)
	m.voice.say(m.command, samples)
}

// credit gives back the window that a chunk has taken, whatever became of it.
func credit(l *link, c avatarserver.Chunk) {
	if len(c.PCM) > 0 {
		l.send(avatarserver.Credit{Address: c.Address, Bytes: len(c.PCM)})
	}
}

func notReady(to avatarserver.Address, command uint32) avatarserver.CommandFailed {
	return avatarserver.CommandFailed{Address: to, Command: command, Code: "NOT_READY", Message: "the avatar is not in the room"}
}

func interrupted(to avatarserver.Address, command uint32) avatarserver.CommandFailed {
	return avatarserver.CommandFailed{Address: to, Command: command, Code: avatarserver.ErrInterrupted.Code, Message: avatarserver.ErrInterrupted.Message}
}

func badAudio(to avatarserver.Address, command uint32, why string) avatarserver.CommandFailed {
	return avatarserver.CommandFailed{Address: to, Command: command, Code: "BAD_AUDIO", Message: why}
}
