package models

// EventType is what happened to a session.
type EventType string

// What each means for a client stands in schema.graphqls.
const (
	EventCreated            EventType = "CREATED"
	EventRoomReady          EventType = "ROOM_READY"
	EventStartRequested     EventType = "START_REQUESTED"
	EventStarted            EventType = "STARTED"
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
