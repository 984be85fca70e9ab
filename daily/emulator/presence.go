package emulator

import (
	"strconv"

	"greenroom/models"
)

// present lists who seems to be in a room: it shows joins and leaves late, so it leaves out the
// new and shows ghosts.
func (e *Emulator) present(r *room, now models.Time) []*Participant {
	seen := now.Add(-e.cfg.Knobs.PresenceLag)
	var people []*Participant
	for _, m := range e.meetings {
		if m.room != r {
			continue
		}
		for _, p := range m.people {
			if p.JoinedAt <= seen && (p.LeftAt == nil || *p.LeftAt > seen) {
				people = append(people, p)
			}
		}
	}
	return people
}

func (p *Participant) show(now models.Time) object {
	return object{
		{"room", p.Room},
		{"id", p.SessionID},
		{"userId", p.UserID},
		{"userName", p.UserName},
		{"mtgSessionId", p.MeetingID},
		{"joinTime", p.JoinedAt},
		{"duration", seconds(p.JoinedAt, p.LeftAt, now)},
	}
}

func (e *Emulator) roomPresence(c *call) reply {
	r, found := e.live(c.name, c.now)
	if !found {
		return noRoom(c.name)
	}
	q := c.r.URL.Query()
	limit := maxPage
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return invalid("limit should be a number above 0")
		}
		limit = n
	}
	data := []object{}
	for _, p := range e.present(r, c.now) {
		fits := (!q.Has("userId") || p.UserID != nil && *p.UserID == q.Get("userId")) &&
			(!q.Has("userName") || p.UserName == q.Get("userName"))
		if fits && len(data) < limit {
			data = append(data, p.show(c.now))
		}
	}
	return ok(object{{"total_count", len(data)}, {"data", data}})
}

// presence is every room with somebody in it.
func (e *Emulator) presence(c *call) reply {
	rooms := map[string][]object{}
	for name := range e.rooms {
		if r, found := e.live(name, c.now); found {
			for _, p := range e.present(r, c.now) {
				rooms[name] = append(rooms[name], p.show(c.now))
			}
		}
	}
	return ok(rooms)
}
