package emulator

import (
	"net/http"
	"slices"
	"time"

	"greenroom/models"
)

// A meeting is one call in a room, from the first to join until nobody has come back.
type meeting struct {
	id    string
	room  *room
	start models.Time
	// emptyAt is when the last one left; nil while somebody is in.
	emptyAt *models.Time
	end     *models.Time
	peak    int
	people  []*Participant
	// banned user ids stay out as long as this call lasts.
	banned    map[string]bool
	data      map[string]any // session data
	recording bool
	// silent sends no webhooks any more; roomGone ends without waiting for anybody.
	silent, roomGone bool
}

// A Participant is somebody who is or was in a call.
type Participant struct {
	SessionID string `json:"sessionId"`
	Room      string `json:"room"`
	MeetingID string `json:"meetingId"`
	// UserID is nil when joined without a token that names one.
	UserID   *string      `json:"userId"`
	UserName string       `json:"userName"`
	Owner    bool         `json:"owner"`
	JoinedAt models.Time  `json:"joinedAt"`
	LeftAt   *models.Time `json:"leftAt"`
	// WillEjectAt is fixed on joining and never changes; nil is never.
	WillEjectAt *models.Time `json:"willEjectAt"`

	permissions object
	// seat is the participant's socket; nil without one.
	seat *seat
}

func (m *meeting) inside() []*Participant {
	var in []*Participant
	for _, p := range m.people {
		if p.LeftAt == nil {
			in = append(in, p)
		}
	}
	return in
}

// leave takes a participant out. how is the event, detail its reason.
func (e *Emulator) leave(m *meeting, p *Participant, at models.Time, how, detail string) {
	if p.LeftAt != nil {
		return
	}
	p.LeftAt = at.Ptr()
	e.note(at, "participant "+how, m.room.name, p.SessionID+" "+detail)
	e.emit(m, participantLeft(p, at))
	m.unseated(p, how, detail)
	if len(m.inside()) == 0 {
		m.emptyAt = at.Ptr()
		wait := e.cfg.Knobs.MeetingEndedDelay
		if m.roomGone {
			wait = 0
		}
		e.plan(at.Add(wait), func(models.Time) { e.endIfEmpty(m, at) })
	}
}

// endIfEmpty ends a call that has been empty since the given time.
func (e *Emulator) endIfEmpty(m *meeting, since models.Time) {
	if m.end != nil || m.emptyAt == nil || *m.emptyAt != since {
		return
	}
	m.end = m.emptyAt
	if m.room.meeting == m {
		m.room.meeting = nil
	}
	e.note(*m.end, "meeting ended", m.room.name, m.id)
	e.emit(m, meetingEnded(m, e.cfg.Clock()))
}

// seconds is the whole seconds from a to b, or to now when b is nil.
func seconds(a models.Time, b *models.Time, now models.Time) int64 {
	if b != nil {
		now = *b
	}
	return int64(now.Sub(a) / time.Second)
}

func (m *meeting) show(now models.Time) object {
	people := make([]object, len(m.people))
	for i, p := range m.people {
		people[i] = p.attendance(now)
	}
	return append(m.summary(now), field{"participants", people})
}

func (m *meeting) summary(now models.Time) object {
	return object{
		{"id", m.id},
		{"room", m.room.name},
		{"start_time", int64(m.start / 1000)},
		{"duration", seconds(m.start, m.emptyAt, now)},
		{"ongoing", m.end == nil},
		{"max_participants", m.peak},
	}
}

func (p *Participant) attendance(now models.Time) object {
	return object{
		{"user_id", p.UserID},
		{"participant_id", p.SessionID},
		{"user_name", p.UserName},
		{"join_time", int64(p.JoinedAt / 1000)},
		{"duration", seconds(p.JoinedAt, p.LeftAt, now)},
	}
}

// listMeetings lists calls, newest first. A room that never was has none.
func (e *Emulator) listMeetings(c *call) reply {
	q := c.r.URL.Query()
	p, err := parsePage(q)
	if err != nil {
		return answer(err)
	}
	start, hasStart := parseSeconds(q.Get("timeframe_start"))
	end, hasEnd := parseSeconds(q.Get("timeframe_end"))
	var found []*meeting
	for _, m := range slices.Backward(e.meetings) {
		ongoing := q.Get("ongoing")
		if (q.Get("room") == "" || q.Get("room") == m.room.name) &&
			(!hasStart || m.start >= start) && (!hasEnd || m.start <= end) &&
			(ongoing == "" || (ongoing == "true") == (m.end == nil)) {
			found = append(found, m)
		}
	}
	part, err := cut(p, found, func(id string) (int, bool, bool) {
		i := slices.IndexFunc(found, func(m *meeting) bool { return m.id == id })
		return i, true, i >= 0
	})
	if err != nil {
		return answer(err)
	}
	data := make([]object, len(part))
	for i, m := range part {
		if q.Get("no_participants") == "true" {
			data[i] = m.summary(c.now)
		} else {
			data[i] = m.show(c.now)
		}
	}
	return ok(object{{"total_count", len(found)}, {"data", data}})
}

func (e *Emulator) meetingByID(id string) (*meeting, bool) {
	i := slices.IndexFunc(e.meetings, func(m *meeting) bool { return m.id == id })
	if i < 0 {
		return nil, false
	}
	return e.meetings[i], true
}

func (e *Emulator) readMeeting(c *call) reply {
	m, found := e.meetingByID(c.r.PathValue("id"))
	if !found {
		return refuse(http.StatusNotFound, notFound, "meeting not found")
	}
	return ok(m.summary(c.now))
}

// meetingParticipants pages by participant_id and answers 404 when there are no more pages.
func (e *Emulator) meetingParticipants(c *call) reply {
	q := c.r.URL.Query()
	m, found := e.meetingByID(c.r.PathValue("id"))
	p, err := parsePage(q)
	if err != nil {
		return answer(err)
	}
	if !found {
		return refuse(http.StatusNotFound, notFound, "meeting not found")
	}
	p.after, p.before = q.Get("joined_after"), q.Get("joined_before")
	part, err := cut(p, m.people, func(id string) (int, bool, bool) {
		i := slices.IndexFunc(m.people, func(p *Participant) bool { return p.SessionID == id })
		return i, true, i >= 0
	})
	if err != nil {
		return answer(err)
	}
	if len(part) == 0 {
		return refuse(http.StatusNotFound, notFound, "no more participants")
	}
	data := make([]object, len(part))
	for i, p := range part {
		data[i] = p.attendance(c.now)
	}
	return ok(object{{"data", data}})
}
