package models

// SessionStatus follows from a session's timestamps and from nothing else.
type SessionStatus string

// The closed set of statuses.
const (
	StatusCreated SessionStatus = "CREATED"
	StatusStarted SessionStatus = "STARTED"
	StatusEnded   SessionStatus = "ENDED"
)

// SessionType is how people and avatar meet.
type SessionType string

// WebRTCVideo is the only session type so far.
const WebRTCVideo SessionType = "WEBRTC_VIDEO"

// AvatarState tells whether the avatar can be seen.
type AvatarState string

// What each means for a client stands in schema.graphqls.
const (
	AvatarWaiting    AvatarState = "WAITING"
	AvatarConnecting AvatarState = "CONNECTING"
	AvatarReady      AvatarState = "READY"
	AvatarLost       AvatarState = "LOST"
	AvatarGone       AvatarState = "GONE"
)

// EndReason is why a session ended.
type EndReason string

// What each means for a client stands in schema.graphqls.
const (
	EndClient           EndReason = "CLIENT_ENDED"
	EndExpired          EndReason = "EXPIRED"
	EndNeverStarted     EndReason = "NEVER_STARTED"
	EndParticipantsLeft EndReason = "PARTICIPANTS_LEFT"
	EndAvatarLost       EndReason = "AVATAR_LOST"
	EndProvisionFailed  EndReason = "PROVISION_FAILED"
	EndOperator         EndReason = "OPERATOR_ENDED"
	EndQuotaExhausted   EndReason = "QUOTA_EXHAUSTED"
)

// A Session is one conversation with an avatar, as stored.
type Session struct {
	AccountID   string `gorm:"primaryKey"`
	ID          string `gorm:"primaryKey"`
	AvatarID    string
	SessionType SessionType
	Metadata    Metadata
	// EndUserID is the account's own id for the person; nil when not given.
	EndUserID *string
	CreatedAt Time `gorm:"autoCreateTime:false"`
	StartedAt *Time
	EndedAt   *Time
	EndReason *EndReason
	// Deadline is when the session ends by itself, and DeadlineReason why. Once it has passed
	// the session is ended, whether or not that has been written: see Settle.
	Deadline       *Time
	DeadlineReason *EndReason
	Expiration     *Time
	// WarnAt is when the timeline tells that the end is near; nil when it has, and while nothing
	// is to be told.
	WarnAt *Time
	// MaxDuration is the seconds granted from start; nil when nothing limits it.
	MaxDuration *int
	Revision    int
	// Version counts every write of the row, seen by clients or not: what a swap compares.
	Version     int
	AvatarState AvatarState
	// TokenGeneration is part of the access token; raising it kills the old one.
	TokenGeneration int
	Room            Room       `gorm:"embedded;embeddedPrefix:room_"`
	Assignment      Assignment `gorm:"embedded;embeddedPrefix:assignment_"`
}

// An Assignment is which avatar server was last handed a session. The generation rises with
// every hand-over, and word from an older one is dropped.
type Assignment struct {
	Generation int
	// Server is the avatar server's instance; empty when none has the session.
	Server string
	// Since is when the present avatar state began to wait: the hand-over while CONNECTING, the
	// loss while LOST. Nil otherwise.
	Since *Time
}

// Settle gives the session as it is at now: when its deadline has passed without the end
// having been written, the end is filled in exactly as the write will have it. The SQL twin
// of this rule is db's due fragment; a test holds the two together.
func (s *Session) Settle(now Time) {
	if s.EndedAt != nil || s.Deadline == nil || *s.Deadline > now {
		return
	}
	s.End(*s.Deadline, *s.DeadlineReason)
}

// End fills in the end of a session that is not ended.
func (s *Session) End(at Time, reason EndReason) {
	s.EndedAt, s.EndReason = &at, &reason
	s.AvatarState = AvatarGone
	s.WarnAt = nil
	s.Revision++
}

// Status is derived from the timestamps alone.
func (s *Session) Status() SessionStatus {
	switch {
	case s.EndedAt != nil:
		return StatusEnded
	case s.StartedAt != nil:
		return StatusStarted
	default:
		return StatusCreated
	}
}

// StartBy is when an unstarted session ends by itself; nil once started or ended.
func (s *Session) StartBy() *Time {
	if s.Status() != StatusCreated {
		return nil
	}
	return s.Deadline
}

// Duration is whole seconds from start to end, 0 when never started; nil until ended.
func (s *Session) Duration() *int {
	if s.EndedAt == nil {
		return nil
	}
	seconds := 0
	if s.StartedAt != nil && *s.EndedAt > *s.StartedAt {
		seconds = int((*s.EndedAt - *s.StartedAt) / 1000)
	}
	return &seconds
}

// IsNode marks what `node` can fetch.
func (*Session) IsNode() {}

// RoomUserID is the Daily user id of the people in a session's room.
func (s *Session) RoomUserID() string { return s.ID }

// AvatarUserID is the Daily user id of the avatar in a session's room: 33 of the 36 characters
// that Daily allows.
func (s *Session) AvatarUserID() string { return "avatar-" + ULID(s.ID) }
