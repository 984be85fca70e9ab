package emulator

import (
	"encoding/json"
	"fmt"
	"strconv"

	"greenroom/models"
)

// eventTypes is every type that a webhook can ask for. The emulator sends those of meetings and
// participants.
var eventTypes = []string{
	"meeting.started", "meeting.ended",
	"participant.joined", "participant.left",
	"waiting-participant.joined", "waiting-participant.left",
	"recording.started", "recording.ready-to-download", "recording.error",
	"streaming.started", "streaming.updated", "streaming.ended", "streaming.error",
	"transcript.started", "transcript.ready-to-download", "transcript.error",
	"batch-processor.job-finished", "batch-processor.error",
	"dialout.connected", "dialout.answered", "dialout.stopped", "dialout.warning", "dialout.error",
	"dialin.ready", "dialin.connected", "dialin.stopped", "dialin.warning", "dialin.error",
	"calltransfer.triggered", "calltransfer.initiated", "calltransfer.answered", "calltransfer.completed",
}

// An event is what a webhook tells.
type event struct {
	kind, id string
	payload  object
	at       models.Time
}

func (ev event) body() []byte {
	return compact(object{
		{"version", "1.0.0"}, {"type", ev.kind}, {"id", ev.id}, {"payload", ev.payload}, {"event_ts", unix(ev.at)},
	})
}

// unix is t in seconds with as many decimals as it needs.
func unix(t models.Time) json.RawMessage {
	return json.RawMessage(strconv.FormatFloat(float64(t)/1000, 'f', -1, 64))
}

func meetingStarted(m *meeting, at models.Time) event {
	return event{
		kind: "meeting.started", id: fmt.Sprintf("met-sta-%s-%d", m.id, m.start/1000), at: at,
		payload: object{{"start_ts", unix(m.start)}, {"meeting_id", m.id}, {"room", m.room.name}},
	}
}

func meetingEnded(m *meeting, at models.Time) event {
	return event{
		kind: "meeting.ended", id: fmt.Sprintf("met-end-%s-%d", m.id, *m.end/1000), at: at,
		payload: object{
			{"start_ts", unix(m.start)}, {"end_ts", unix(*m.end)}, {"meeting_id", m.id}, {"room", m.room.name},
		},
	}
}

func participantJoined(p *Participant, at models.Time) event {
	return event{
		kind: "participant.joined", id: fmt.Sprintf("ptcpt-join-%s-%d", p.anyID(), p.JoinedAt), at: at,
		payload: p.payload(),
	}
}

// participantLeft does not say why: whoever was put out looks like whoever hung up.
func participantLeft(p *Participant, at models.Time) event {
	return event{
		kind: "participant.left", id: fmt.Sprintf("ptcpt-left-%s-%d", p.anyID(), at), at: at,
		payload: append(p.payload(), field{"duration", unix(at - p.JoinedAt)}),
	}
}

// anyID is the user id or, without one, the session id in its place.
func (p *Participant) anyID() string {
	if p.UserID != nil {
		return *p.UserID
	}
	return p.SessionID
}

func (p *Participant) payload() object {
	var eject any
	if p.WillEjectAt != nil {
		eject = unix(*p.WillEjectAt)
	}
	return object{
		{"room", p.Room},
		{"user_id", p.anyID()},
		{"user_name", p.UserName},
		{"session_id", p.SessionID},
		{"joined_at", unix(p.JoinedAt)},
		{"will_eject_at", eject},
		{"owner", p.Owner},
		{"networkQualityState", "unknown"},
		{"permissions", p.permissions},
	}
}
