package stream

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Limits of what travels.
const (
	// MaxFrame is the most bytes of a frame.
	MaxFrame = 16 << 20
	// MinSampleRate and MaxSampleRate bound the rate of audio, in samples a second.
	MinSampleRate = 8_000
	MaxSampleRate = 48_000
	// MaxText is the most bytes of a text to speak.
	MaxText = 16 << 10
	// MaxID is the most characters of the id that a client may give to a frame.
	MaxID = 128

	defaultSampleRate = 16_000
	// maxToken and maxSessionID are far above what can be right.
	maxToken     = 512
	maxSessionID = 64
)

// A Code says what went wrong, for programs. Avatar servers have codes of their own, which are
// handed on as they are.
type Code string

// The codes of this package. What each means for a client stands in docs/stream.md.
const (
	CodeBadFrame        Code = "BAD_FRAME"
	CodeUnknownType     Code = "UNKNOWN_TYPE"
	CodeInvalidInput    Code = "INVALID_INPUT"
	CodeUnauthenticated Code = "UNAUTHENTICATED"
	CodeRateLimited     Code = "RATE_LIMITED"
	CodeAvatarNotReady  Code = "AVATAR_NOT_READY"
	CodeRelayLost       Code = "RELAY_LOST"
	CodeInterrupted     Code = "INTERRUPTED"
	CodeSessionEnded    Code = "SESSION_ENDED"
	CodeUnavailable     Code = "UNAVAILABLE"
)

// A fault is what a client did wrong, or what stood in its way.
type fault struct {
	code Code
	text string
}

func (f *fault) Error() string { return f.text }

func badFrame(text string) *fault { return &fault{CodeBadFrame, text} }

func invalid(format string, args ...any) *fault {
	return &fault{CodeInvalidInput, fmt.Sprintf(format, args...)}
}

// The types of frames that a client sends.
const (
	typeInit      = "session.init"
	typeSpeak     = "agent.speak"
	typeInterrupt = "agent.interrupt"
	typeKeepAlive = "session.keep_alive"
	typeEnd       = "session.end"
)

// A frame is one that a client has sent, understood as far as it could be.
type frame struct {
	kind string
	// id is the client's own name for the frame, which the answer carries; nil without.
	id *string
	// init and speak are set for these two kinds.
	init  greeting
	speak speech
	// fault is why the frame cannot be carried out.
	fault *fault
}

// A greeting is a session.init.
type greeting struct{ sessionID, token string }

// A speech is an agent.speak: audio, within the frame's own bytes, or a text.
type speech struct {
	audio      []byte
	sampleRate int
	text       string
}

// parse understands a text frame. It decodes audio in place: data is used up.
func parse(data []byte) (f frame) {
	o, err := parseObject(data, "type", "id", "audio", "sample_rate", "text", "config", "session_id", "access_token", "session_token", "room")
	if err != nil {
		f.fault = badFrame(err.Error())
		return f
	}
	var ok bool
	if f.id, ok = o.text("id", MaxID*utf8.UTFMax); !ok || f.id != nil && utf8.RuneCountInString(*f.id) > MaxID {
		f.id, f.fault = nil, invalid("id must be a string of at most %d characters", MaxID)
		return f
	}
	kind, ok := o.text("type", MaxID)
	if !ok || kind == nil {
		f.fault = badFrame("a frame must have a type, a string")
		return f
	}
	f.kind = *kind
	switch f.kind {
	case typeInit:
		f.init, f.fault = o.greeting()
	case typeSpeak:
		f.speak, f.fault = o.speech()
	case typeInterrupt, typeKeepAlive, typeEnd:
	default:
		f.fault = &fault{CodeUnknownType, "type must be one of agent.speak, agent.interrupt, session.keep_alive and session.end"}
	}
	return f
}

// greeting reads a session.init in both of its forms: with everything below `config`, or flat,
// where the token may be called session_token. What the config lacks is looked for outside.
func (o object) greeting() (g greeting, _ *fault) {
	inner := object{}
	if raw := o.given("config"); raw != nil {
		var err error
		if inner, err = parseObject(raw, "session_id", "access_token", "session_token", "room"); err != nil {
			return g, invalid("config must be an object, with nothing given twice")
		}
	}
	for _, at := range []object{o, inner} {
		id, ok := at.text("session_id", maxSessionID)
		if !ok {
			return g, invalid("session_id must be a string, the session's id")
		}
		token, ok := at.token()
		if !ok {
			return g, invalid("access_token must be a string, the session's access token")
		}
		g.sessionID, g.token = or(id, g.sessionID), or(token, g.token)
		if !at.onDaily() {
			return g, invalid("Invalid room platform")
		}
	}
	switch {
	case g.sessionID == "":
		return g, invalid("session.init must have a session_id")
	case g.token == "":
		return g, &fault{CodeUnauthenticated, "session.init must have the session's access_token"}
	}
	return g, nil
}

func (o object) token() (*string, bool) {
	token, ok := o.text("access_token", maxToken)
	if ok && token == nil {
		return o.text("session_token", maxToken)
	}
	return token, ok
}

// onDaily looks at the room. The client is in it already, so all that matters is that it is of
// the one platform there is.
func (o object) onDaily() bool {
	raw := o.given("room")
	if raw == nil {
		return true
	}
	room, err := parseObject(raw, "platform")
	if err != nil {
		return false
	}
	platform, ok := room.text("platform", maxSessionID)
	return ok && (platform == nil || *platform == "daily")
}

func (o object) speech() (s speech, _ *fault) {
	rate, ok := o.integer("sample_rate", defaultSampleRate)
	if !ok || rate < MinSampleRate || rate > MaxSampleRate {
		return s, invalid("sample_rate must be a whole number from %d to %d", MinSampleRate, MaxSampleRate)
	}
	text, ok := o.text("text", MaxText)
	if !ok || text != nil && *text == "" {
		return s, invalid("text must be a string of 1 to %d bytes", MaxText)
	}
	raw := o.given("audio")
	if (raw == nil) == (text == nil) {
		return s, invalid("agent.speak must have either audio or text")
	}
	if text != nil {
		s.text = *text
		return s, nil
	}
	audio, err := decodeAudio(raw)
	if err != nil {
		return s, invalid("%v", err)
	}
	s.audio, s.sampleRate = audio, rate
	return s, nil
}

func or(s *string, otherwise string) string {
	if s == nil {
		return otherwise
	}
	return *s
}

// encode writes a frame for the client. Every one is made of strings and numbers.
func encode(answer any) []byte {
	data, err := json.Marshal(answer)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", answer, err))
	}
	return data
}
