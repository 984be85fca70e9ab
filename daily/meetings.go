package daily

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"greenroom/models"
)

// A Meeting is Daily's record of one call in a room, the best source of who attended.
type Meeting struct {
	ID   string
	Room string
	// Start is to the second.
	Start    models.Time
	Duration time.Duration
	Ongoing  bool
	// Participants are all who were in the call, each time they joined on its own.
	Participants []Attendance
}

// An Attendance is one participant from joining to leaving, or to now.
type Attendance struct {
	SessionID string
	// UserID is as in the meeting token; empty when joined without.
	UserID, UserName string
	// Joined is to the second.
	Joined   models.Time
	Duration time.Duration
}

type meetingReply struct {
	ID           string  `json:"id"`
	Room         string  `json:"room"`
	Start        float64 `json:"start_time"`
	Duration     float64 `json:"duration"`
	Ongoing      bool    `json:"ongoing"`
	Participants []struct {
		SessionID string  `json:"participant_id"`
		UserID    string  `json:"user_id"`
		UserName  string  `json:"user_name"`
		Joined    float64 `json:"join_time"`
		Duration  float64 `json:"duration"`
	} `json:"participants"`
}

// Meetings reads the calls that took place in a room, newest first; none for a room that nobody
// ever joined, or that never was.
func (c *Client) Meetings(ctx context.Context, room string) ([]Meeting, error) {
	if err := checkName(room); err != nil {
		return nil, err
	}
	var meetings []Meeting
	op := call{name: "read meetings", method: http.MethodGet, path: path("meetings")}
	for reply, err := range pages(ctx, c, op, url.Values{"room": {room}}, func(m *meetingReply) string { return m.ID }) {
		if err != nil {
			return nil, err
		}
		m, ok := reply.meeting()
		if !ok || m.Room != room {
			return nil, c.failure(op, http.StatusOK, errUnreadable).wrap(maxWait)
		}
		meetings = append(meetings, m)
	}
	return meetings, nil
}

func (r *meetingReply) meeting() (Meeting, bool) {
	start, ok := fromSeconds(r.Start)
	length, okLength := span(r.Duration)
	m := Meeting{ID: r.ID, Room: r.Room, Start: start, Duration: length, Ongoing: r.Ongoing}
	ok = ok && okLength
	for _, p := range r.Participants {
		joined, okJoined := fromSeconds(p.Joined)
		length, okLength := span(p.Duration)
		ok = ok && okJoined && okLength
		m.Participants = append(m.Participants, Attendance{
			SessionID: p.SessionID, UserID: p.UserID, UserName: p.UserName, Joined: joined, Duration: length,
		})
	}
	return m, ok
}

// span reads a length in seconds; false when no sane one.
func span(s float64) (time.Duration, bool) {
	t, ok := fromSeconds(s)
	if days := s / 86400; days > 36500 {
		return 0, false
	}
	return t.Sub(0), ok
}
