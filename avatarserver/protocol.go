// Package avatarserver is where avatar servers dial in. An avatar server is a program, usually
// on a machine with GPUs, that renders avatars: it says how many sessions it can carry, is
// handed sessions, joins their Daily rooms and speaks what it is sent.
//
// The protocol is written down for those who build avatar servers in docs/avatar-servers.md;
// the frames of both directions stand in frames.go and chunk.go. The Registry is Greenroom's
// side of it; package sandbox is a complete avatar server on the other side.
package avatarserver

import (
	"fmt"
	"math"
	"time"

	"github.com/coder/websocket"
)

// Protocol is the name and version that both sides say first.
const Protocol = "greenroom-avatar-server/1"

// Path is where avatar servers dial in.
const Path = "/v1/avatar-servers"

// Limits of what travels.
const (
	// MaxControl is the most bytes of a control frame.
	MaxControl = 1 << 20
	// MaxChunk is the most bytes of audio in one binary frame, header not counted.
	MaxChunk = 64 << 10
	// CreditWindow is how many bytes of a session's audio may be under way without the avatar
	// server having returned credit for them.
	CreditWindow = 1 << 20
	// MaxText is the most bytes of a text to speak.
	MaxText = 16 << 10
	// MaxSessions is the most sessions, and the most avatars, that one hello may name.
	MaxSessions = 10_000
)

// The defaults of Config.
const (
	defaultHeartbeat    = 5 * time.Second
	defaultLostAfter    = 15 * time.Second
	defaultHelloWithin  = 10 * time.Second
	defaultWriteWithin  = 10 * time.Second
	defaultAnswerWithin = 30 * time.Second
	defaultReadyWithin  = 60 * time.Second
)

// Close codes of the socket, besides the WebSocket standard's own: 1009 for a frame above its
// limit, 1012 while Greenroom is draining, 1013 when it cannot tell which sessions to keep.
const (
	// CloseBadFrame: a frame was not as documented. Dialling again will not help.
	CloseBadFrame websocket.StatusCode = 4400
	// CloseKeyRevoked: the key was good when dialling and is not any more.
	CloseKeyRevoked websocket.StatusCode = 4401
	// CloseTimeout: no hello in time, or no sign of life.
	CloseTimeout websocket.StatusCode = 4408
	// CloseTakenOver: a newer connection of the same instance has taken over.
	CloseTakenOver websocket.StatusCode = 4409
)

// A Ref names one hand-over of a session. The generation rises with every hand-over of the
// session, so that word about an older one can be told apart and is dropped.
type Ref struct {
	SessionID  string `json:"id"`
	Generation int    `json:"generation"`
}

// maxSessionID is the room for a session's id in a binary frame.
const maxSessionID = 32

func (r Ref) check() error {
	if err := checkToken("session", r.SessionID, maxSessionID); err != nil {
		return err
	}
	if r.Generation < 1 || r.Generation > math.MaxUint32 {
		return fmt.Errorf("generation must be 1 to %d", uint32(math.MaxUint32))
	}
	return nil
}

// checkToken refuses what cannot be an id: empty, too long, or with anything but visible ASCII.
func checkToken(name, s string, most int) error {
	if len(s) == 0 || len(s) > most {
		return fmt.Errorf("%s must have 1 to %d characters", name, most)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return fmt.Errorf("%s must be visible ASCII without spaces", name)
		}
	}
	return nil
}

// ResampledSamples is the length that n samples at rate have after resampling to 16 kHz, and
// what an avatar server confirms as audio_samples: n × 16000 / rate, rounded up.
func ResampledSamples(n, rate int) int {
	return int((int64(n)*16000 + int64(rate) - 1) / int64(rate))
}
