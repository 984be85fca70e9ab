package avatarserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// A Frame is one control frame of either direction. Its JSON is an object whose `type` says
// which frame it is.
type Frame interface {
	frameType() string
	check() error
}

// An Address says which hand-over of which session a frame is about.
type Address struct {
	SessionID  string `json:"session"`
	Generation int    `json:"generation"`
}

func (a Address) check() error { return Ref(a).check() }

// Frames that an avatar server sends.
type (
	// Hello is the first frame on a connection.
	Hello struct {
		Protocol string `json:"protocol"`
		// Name is for people; Instance is who it is: the same string that dials in again resumes.
		Name     string `json:"name"`
		Instance string `json:"instance"`
		// Capacity is how many sessions it can carry at once; 0 takes none, to drain.
		Capacity int     `json:"capacity"`
		Avatars  Avatars `json:"avatars"`
		// Sessions are those that it renders, or is about to.
		Sessions []Ref `json:"sessions"`
	}
	// Ready says that the avatar is in the room and takes commands.
	Ready struct{ Address }
	// Refused says that the avatar server does not take the session.
	Refused struct {
		Address
		Reason string `json:"reason"`
	}
	// Lost says that a session it had taken is not rendered any more.
	Lost struct {
		Address
		Reason string `json:"reason"`
	}
	// SpeakConfirmed says that all of a speech has arrived. AudioSamples is its length after
	// resampling to 16 kHz; see ResampledSamples.
	SpeakConfirmed struct {
		Address
		Command      uint32 `json:"command"`
		AudioSamples int    `json:"audio_samples"`
	}
	// InterruptConfirmed says that the avatar is silent.
	InterruptConfirmed struct {
		Address
		Command uint32 `json:"command"`
	}
	// CommandFailed answers a command that the avatar server cannot carry out.
	CommandFailed struct {
		Address
		Command uint32 `json:"command"`
		// Code is upper case with underscores, for programs; Message is English, for people.
		Code    string `json:"code"`
		Message string `json:"error"`
	}
	// Credit returns bytes of audio that have left the avatar server's buffer.
	Credit struct {
		Address
		Bytes int `json:"bytes"`
	}
	// Drain says that it takes no more sessions until its next hello; those it has go on.
	Drain struct{}
)

// Heartbeat is a sign of life, sent by both sides.
type Heartbeat struct{}

// Frames that Greenroom sends.
type (
	// Welcome answers a hello. Keep and Release together are the hello's sessions.
	Welcome struct {
		Protocol      string `json:"protocol"`
		Keep          []Ref  `json:"keep"`
		Release       []Ref  `json:"release"`
		HeartbeatMS   int    `json:"heartbeat_ms"`
		LostAfterMS   int    `json:"lost_after_ms"`
		CreditBytes   int    `json:"credit_bytes"`
		MaxChunkBytes int    `json:"max_chunk_bytes"`
	}
	// Assign hands over a session.
	Assign struct {
		Address
		Avatar Avatar `json:"avatar"`
		Room   Room   `json:"room"`
	}
	// Release takes a session back: leave its room and forget it. It is not answered.
	Release struct{ Address }
	// Speak announces a speech: SampleRate and Bytes of audio that follow in chunks, or Text.
	Speak struct {
		Address
		Command    uint32 `json:"command"`
		SampleRate int    `json:"sample_rate,omitempty"`
		Bytes      int    `json:"bytes,omitempty"`
		Text       string `json:"text,omitempty"`
	}
	// Interrupt makes the avatar silent at once; everything it was sent before is forgotten.
	Interrupt struct {
		Address
		Command uint32 `json:"command"`
	}
)

// An Avatar is what an avatar server is told about the avatar.
type Avatar struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	URL  string `json:"url"`
}

// A Room is the Daily room to join: with this token, which is a secret and carries UserID.
type Room struct {
	URL    string `json:"url"`
	Name   string `json:"name"`
	Token  string `json:"token"`
	UserID string `json:"user_id"`
}

// Avatars are the avatars that a server can render: those listed, or all.
type Avatars struct {
	All bool
	IDs []string
}

// MarshalJSON writes "*" or the list.
func (a Avatars) MarshalJSON() ([]byte, error) {
	if a.All {
		return []byte(`"*"`), nil
	}
	return json.Marshal(append([]string{}, a.IDs...))
}

// UnmarshalJSON reads "*" or a list of ids.
func (a *Avatars) UnmarshalJSON(b []byte) error {
	if string(b) == `"*"` {
		*a = Avatars{All: true}
		return nil
	}
	*a = Avatars{}
	if err := json.Unmarshal(b, &a.IDs); err != nil {
		return errAvatars
	}
	return nil
}

var errAvatars = errors.New(`avatars must be a list of ids or "*"`)

func (Hello) frameType() string              { return "hello" }
func (Ready) frameType() string              { return "ready" }
func (Refused) frameType() string            { return "refused" }
func (Lost) frameType() string               { return "lost" }
func (SpeakConfirmed) frameType() string     { return "speak.confirmed" }
func (InterruptConfirmed) frameType() string { return "interrupt.confirmed" }
func (CommandFailed) frameType() string      { return "error" }
func (Credit) frameType() string             { return "credit" }
func (Drain) frameType() string              { return "drain" }
func (Heartbeat) frameType() string          { return "heartbeat" }
func (Welcome) frameType() string            { return "welcome" }
func (Assign) frameType() string             { return "assign" }
func (Release) frameType() string            { return "release" }
func (Speak) frameType() string              { return "speak" }
func (Interrupt) frameType() string          { return "interrupt" }

func (Drain) check() error     { return nil }
func (Heartbeat) check() error { return nil }
func (Welcome) check() error   { return nil }

func (h Hello) check() error {
	if h.Protocol != Protocol {
		return fmt.Errorf("protocol must be %q", Protocol)
	}
	if len(h.Name) > 100 || !utf8.ValidString(h.Name) {
		return errors.New("name must have at most 100 bytes")
	}
	if err := checkToken("instance", h.Instance, 100); err != nil {
		return err
	}
	if h.Capacity < 0 || h.Capacity > MaxSessions {
		return fmt.Errorf("capacity must be 0 to %d", MaxSessions)
	}
	if !h.Avatars.All && h.Avatars.IDs == nil {
		return errAvatars
	}
	if len(h.Avatars.IDs) > MaxSessions || len(h.Sessions) > MaxSessions {
		return fmt.Errorf("at most %d avatars and %d sessions", MaxSessions, MaxSessions)
	}
	for _, ref := range h.Sessions {
		if err := ref.check(); err != nil {
			return err
		}
	}
	return nil
}

func (s SpeakConfirmed) check() error {
	if s.AudioSamples < 0 {
		return errors.New("audio_samples must not be negative")
	}
	return s.Address.check()
}

func (s Speak) check() error     { return checkCommand(s.Address, s.Command) }
func (i Interrupt) check() error { return checkCommand(i.Address, i.Command) }

// checkCommand: commands are numbered from 1.
func checkCommand(to Address, command uint32) error {
	if command == 0 {
		return errors.New("command must be at least 1")
	}
	return to.check()
}

func (c Credit) check() error {
	if c.Bytes < 1 || c.Bytes > CreditWindow {
		return fmt.Errorf("bytes must be 1 to %d", CreditWindow)
	}
	return c.Address.check()
}
