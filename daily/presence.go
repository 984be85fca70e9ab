package daily

import (
	"context"
	"encoding/json"
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

// maxPresence bounds what is read of who is in all rooms: some 600 bytes each, so 50,000 people.
const maxPresence = 32 << 20

// An Occupancy is who is in one room. Err is set when Daily says something of it that cannot be
// read: then nobody knows, and People is empty.
type Occupancy struct {
	People []Attendance
	Err    error
}

// Presence lists who is in the rooms of the domain, ours and others', by the room's name; a room
// without anybody is absent. It shows who came and who left 10 to 25 seconds late (measured), so
// that one look proves nothing.
func (c *Client) Presence(ctx context.Context) (map[string]Occupancy, error) {
	var rooms map[string]Occupancy
	op := call{name: "read presence", method: http.MethodGet, path: path("presence"), most: maxPresence}
	// A person is read apart from the rest: an odd one makes one room unreadable, which may be
	// somebody else's.
	err := c.do(ctx, op, nil, into(func(r *map[string][]json.RawMessage) error {
		if *r == nil {
			return errUnreadable
		}
		rooms = make(map[string]Occupancy, len(*r))
		for name, people := range *r {
			rooms[name] = occupancy(people)
		}
		return nil
	}))
	return rooms, err
}

func occupancy(people []json.RawMessage) Occupancy {
	replies := make([]presenceReply, len(people))
	for i, text := range people {
		if json.Unmarshal(text, &replies[i]) != nil {
			return Occupancy{Err: errUnreadable}
		}
	}
	inside, err := attendances(replies)
	return Occupancy{inside, err}
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
