package daily

import (
	"context"
	"net/http"
	"time"

	"greenroom/models"
)

type presenceReply struct {
	Room     string    `json:"room"`
	ID       string    `json:"id"`
	UserID   string    `json:"userId"`
	UserName string    `json:"userName"`
	Joined   time.Time `json:"joinTime"`
	Duration float64   `json:"duration"`
}

func (r *presenceReply) attendance() (Attendance, bool) {
	length, ok := span(r.Duration)
	return Attendance{
		SessionID: r.ID, UserID: r.UserID, UserName: r.UserName, Joined: models.TimeOf(r.Joined), Duration: length,
	}, ok && isID(r.ID)
}

// Presence lists who is in the rooms of the domain, by the room's name; a room without anybody is
// absent. It shows who came and who left 10 to 25 seconds late (measured), so that one look
// proves nothing.
func (c *Client) Presence(ctx context.Context) (map[string][]Attendance, error) {
	var rooms map[string][]Attendance
	op := call{name: "read presence", method: http.MethodGet, path: path("presence")}
	err := c.do(ctx, op, nil, into(func(r *map[string][]presenceReply) error {
		if *r == nil {
			return errUnreadable
		}
		rooms = map[string][]Attendance{}
		for name, people := range *r {
			inside, err := attendances(people)
			if err != nil {
				return err
			}
			rooms[name] = inside
		}
		return nil
	}))
	return rooms, err
}

// RoomPresence lists who is in a room, as late as Presence; nobody when there is no such room.
func (c *Client) RoomPresence(ctx context.Context, name string) ([]Attendance, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	type reply struct{ Data []presenceReply }
	var people []Attendance
	op := call{name: "read room presence", method: http.MethodGet, path: path("rooms", name, "presence")}
	err := c.do(ctx, op, nil, into(func(r *reply) (err error) {
		if r.Data == nil {
			return errUnreadable
		}
		people, err = attendances(r.Data)
		return err
	}))
	if _, isGone := absent(err); isGone {
		return nil, nil
	}
	return people, err
}

func attendances(replies []presenceReply) ([]Attendance, error) {
	people := make([]Attendance, 0, len(replies))
	for _, r := range replies {
		p, ok := r.attendance()
		if !ok {
			return nil, errUnreadable
		}
		people = append(people, p)
	}
	return people, nil
}
