package models

import "slices"

// EventType is what happened to a session.
type EventType string

// What each means for a client stands in schema.graphqls.
const (
	EventCreated            EventType = "CREATED"
	EventRoomReady          EventType = "ROOM_READY"
	EventStartRequested     EventType = "START_REQUESTED"
	EventStarted            EventType = "STARTED"
	EventClientConnected    EventType = "CLIENT_CONNECTED"
	EventClientLeft         EventType = "CLIENT_LEFT"
	EventParticipantJoined  EventType = "PARTICIPANT_JOINED"
	EventParticipantLeft    EventType = "PARTICIPANT_LEFT"
	EventAvatarLost         EventType = "AVATAR_LOST"
	EventAvatarRecovered    EventType = "AVATAR_RECOVERED"
	EventMetadataUpdated    EventType = "METADATA_UPDATED"
	EventAccessTokenRotated EventType = "ACCESS_TOKEN_ROTATED"
	EventExpiring           EventType = "EXPIRING"
	EventEnded              EventType = "ENDED"
)

// Actor is who caused an event.
type Actor string

// The actors; System is this server: a deadline, a limit or a failure.
const (
	ActorAPIKey       Actor = "API_KEY"
	ActorAccessToken  Actor = "ACCESS_TOKEN"
	ActorAvatarServer Actor = "AVATAR_SERVER"
	ActorParticipant  Actor = "PARTICIPANT"
	ActorSystem       Actor = "SYSTEM"
	ActorOperator     Actor = "OPERATOR"
)

// A SessionEvent is one line of a session's timeline, written in the transaction of the change
// that it tells.
type SessionEvent struct {
	AccountID string `gorm:"primaryKey"`
	SessionID string `gorm:"primaryKey"`
	// Revision is the session's that the change made: the order of the timeline.
	Revision int `gorm:"primaryKey"`
	ID       string
	Type     EventType
	At       Time
	Actor    Actor
	// Detail is English, for people; nil when the type says it all.
	Detail *string
}

// IsNode marks what `node` can fetch.
func (*SessionEvent) IsNode() {}

// endDetails say for people why a session ended.
var endDetails = map[EndReason]string{
	EndClient:           "ended on request",
	EndExpired:          "the granted time was over",
	EndNeverStarted:     "nobody started it in time",
	EndParticipantsLeft: "everybody had left the room",
	EndAvatarLost:       "the avatar was lost and no other could take over",
	EndProvisionFailed:  "the video room could not be made",
	EndOperator:         "ended by the operator",
	EndQuotaExhausted:   "the month's included minutes were used up",
}

// EndEvent is the line that the end of an ended session puts on its timeline. It follows from
// the session alone, its id too, so that a reader of a due session sees the very line that the
// sweep will write.
func (s *Session) EndEvent(by Actor) *SessionEvent {
	detail := endDetails[*s.EndReason]
	return &SessionEvent{
		AccountID: s.AccountID, SessionID: s.ID, Revision: s.Revision, ID: derivedID(EventPrefix, *s.EndedAt, s.ID),
		Type: EventEnded, At: *s.EndedAt, Actor: by, Detail: &detail,
	}
}

// Timeline is the stored events as they are for the session as it was read: with the end of one
// that is due. last is as in Session.events, nil for all.
func (s *Session) Timeline(stored []*SessionEvent, last *int) []*SessionEvent {
	if s.EndedAt == nil || len(stored) == 0 || stored[len(stored)-1].Revision >= s.Revision {
		return stored
	}
	events := append(slices.Clone(stored), s.EndEvent(ActorSystem))
	if last != nil && len(events) > *last {
		events = events[len(events)-*last:]
	}
	return events
}
