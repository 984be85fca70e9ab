package daily

import (
	"encoding/json"

	"greenroom/models"
)

// EventType is what a webhook tells of.
type EventType string

// The types that this server asks Daily for.
const (
	ParticipantJoined EventType = "participant.joined"
	ParticipantLeft   EventType = "participant.left"
)

// An Event is somebody who came into a room or went out of it, as a webhook tells it. The same
// one may come again under another id: what tells two apart is type and Participant.SessionID.
type Event struct {
	Type EventType
	Room string
	// Participant is who. Daily puts an id of its own in the place of a user id that no token
	// gave, and the Duration is 0 on joining.
	Participant Attendance
	// Left is when they left; 0 on joining.
	Left models.Time
}

// maxID is several times the length of Daily's ids.
const maxID = 128

// readEvent reads a signed body; nil without an error for what is not an event of ours.
func readEvent(body []byte) (*Event, error) {
	var envelope struct {
		Type    EventType       `json:"type"`
		At      float64         `json:"event_ts"`
		Payload json.RawMessage `json:"payload"`
	}
	if json.Unmarshal(body, &envelope) != nil {
		return nil, errUnreadable
	}
	if envelope.Type != ParticipantJoined && envelope.Type != ParticipantLeft {
		return nil, nil // see above
	}
	var payload struct {
		Room      string   `json:"room"`
		UserID    string   `json:"user_id"`
		UserName  string   `json:"user_name"`
		SessionID string   `json:"session_id"`
		Joined    float64  `json:"joined_at"`
		Duration  *float64 `json:"duration"`
	}
	if json.Unmarshal(envelope.Payload, &payload) != nil || !isID(payload.SessionID) || checkName(payload.Room) != nil {
		return nil, errUnreadable
	}
	// Without a time of joining, the event's own has to do.
	at, okAt := instant(envelope.At)
	joined, okJoined := instant(payload.Joined)
	if payload.Joined == 0 {
		joined = at
	}
	ev := &Event{Type: envelope.Type, Room: payload.Room, Participant: Attendance{
		SessionID: payload.SessionID, UserID: payload.UserID, UserName: payload.UserName, Joined: joined,
	}}
	if ev.Type == ParticipantLeft {
		ev.Left = at
		if payload.Duration != nil {
			length, ok := span(*payload.Duration)
			if !ok {
				return nil, errUnreadable
			}
			ev.Participant.Duration, ev.Left = length, joined.Add(length)
		}
	}
	if !okAt || !okJoined {
		return nil, errUnreadable
	}
	return ev, nil
}

// isID tells whether text can be an id of Daily's: they are UUIDs.
func isID(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= maxID
}

// instant reads Unix seconds with a fraction, to the nearest millisecond: 1708972279.96 is not
// quite that in binary.
func instant(s float64) (models.Time, bool) {
	const half = 0.0005
	return fromSeconds(s + half)
}
