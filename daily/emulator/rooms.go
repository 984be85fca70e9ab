package emulator

import (
	"crypto/rand"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"time"

	"greenroom/models"
)

// A room is one that is or was.
type room struct {
	id, name, privacy, url string
	createdAt              models.Time
	// config is what differs from the defaults.
	config    map[string]any
	deletedAt *models.Time
	// meeting is the call in the room; nil when nobody has been in for a while.
	meeting *meeting
}

func (r *room) exp() (models.Time, bool) {
	s, isSet := secondsOf(r.config, "exp")
	return models.Time(s * 1000), isSet
}

func (r *room) expired(now models.Time) bool {
	exp, isSet := r.exp()
	return isSet && exp <= now
}

func (r *room) flag(key string) bool {
	set, _ := r.config[key].(bool)
	return set
}

// show is the room as the API shows it. created_at is to the second.
func (r *room) show() object {
	return object{
		{"id", r.id},
		{"name", r.name},
		{"api_created", true},
		{"privacy", r.privacy},
		{"url", r.url},
		{"created_at", models.TimeOf(r.createdAt.Std().Truncate(time.Second))},
		{"config", maps.Clone(r.config)},
	}
}

// live finds a room that the API knows: neither deleted nor expired.
func (e *Emulator) live(name string, now models.Time) (*room, bool) {
	r := e.rooms[name]
	if r == nil || r.deletedAt != nil || r.expired(now) {
		return nil, false
	}
	return r, true
}

func (e *Emulator) createRoom(c *call) reply {
	body, err := c.fields("name", "privacy", "properties")
	if err != nil {
		return answer(err)
	}
	r, err := e.newRoom(body, c.now)
	if err != nil {
		return answer(err)
	}
	e.addRoom(r, c.now)
	return ok(r.show())
}

// newRoom makes a room of a create's body without adding it to the domain.
func (e *Emulator) newRoom(body map[string]any, now models.Time) (*room, error) {
	r := &room{id: newUUID(), privacy: "public", createdAt: now, config: map[string]any{}}
	switch name := body["name"].(type) {
	case nil:
		r.name = randomName()
	case string:
		r.name = name
	default:
		return nil, &refusal{invalid("name should be a string")}
	}
	if err := checkName(r.name); err != nil {
		return nil, err
	}
	if err := r.setPrivacy(body["privacy"]); err != nil {
		return nil, err
	}
	if err := set(r.config, roomProperties, body["properties"], now); err != nil {
		return nil, err
	}
	_, taken := e.live(r.name, now)
	if old := e.rooms[r.name]; e.cfg.Knobs.KeepExpiredNames && old != nil && old.deletedAt == nil {
		taken = true
	}
	if taken {
		return nil, &refusal{invalid("a room named %s already exists", r.name)}
	}
	r.url = e.cfg.RoomURL(r.name)
	return r, nil
}

func (r *room) setPrivacy(given any) error {
	switch given {
	case nil:
	case "public", "private":
		r.privacy, _ = given.(string)
	default:
		return &refusal{invalid("privacy should be 'public' or 'private'")}
	}
	return nil
}

func (e *Emulator) addRoom(r *room, now models.Time) {
	e.rooms[r.name] = r
	e.all = append(e.all, r)
	e.note(now, "room created", r.name, r.id)
	e.planExpiry(r)
}

// planExpiry logs the moment from which the API no longer knows the room. A later plan leaves
// the earlier one without effect.
func (e *Emulator) planExpiry(r *room) {
	exp, isSet := r.exp()
	if !isSet {
		return
	}
	e.plan(exp, func(at models.Time) {
		if now, isSet := r.exp(); isSet && now == exp && r.deletedAt == nil {
			e.note(at, "room expired", r.name, r.id)
		}
	})
}

func (e *Emulator) readRoom(c *call) reply {
	r, found := e.live(c.name, c.now)
	if !found {
		return noRoom(c.name)
	}
	return ok(r.show())
}

// updateRoom changes what is given and leaves the rest. People inside keep the end that was
// theirs when they joined.
func (e *Emulator) updateRoom(c *call) reply {
	r, found := e.live(c.name, c.now)
	if !found {
		return noRoom(c.name)
	}
	body, err := c.fields("privacy", "properties")
	if err != nil {
		return answer(err)
	}
	changed := &room{privacy: r.privacy, config: maps.Clone(r.config)}
	if err := changed.setPrivacy(body["privacy"]); err != nil {
		return answer(err)
	}
	if err := set(changed.config, roomProperties, body["properties"], c.now); err != nil {
		return answer(err)
	}
	r.privacy, r.config = changed.privacy, changed.config
	e.planExpiry(r)
	return ok(r.show())
}

// deleteRoom deletes a room. One that has expired is gone to the API and answers 404, and is
// deleted nevertheless.
func (e *Emulator) deleteRoom(c *call) reply {
	r := e.rooms[c.name]
	if r == nil || r.deletedAt != nil {
		return noRoom(c.name)
	}
	wasExpired := r.expired(c.now)
	e.remove(r, c.now)
	if wasExpired {
		rep := noRoom(c.name)
		rep.body = object{
			{"error", notFound}, {"info", fmt.Sprintf("room %s not found", c.name)}, {"deleted", true},
		}
		return rep
	}
	return ok(object{{"deleted", true}, {"name", r.name}})
}

// remove deletes a room and puts everybody out.
func (e *Emulator) remove(r *room, now models.Time) {
	r.deletedAt = now.Ptr()
	e.note(now, "room deleted", r.name, r.id)
	m := r.meeting
	if m == nil {
		return
	}
	m.silent = m.silent || e.cfg.Knobs.DeleteSilent
	m.roomGone = true
	e.soon(now, e.cfg.Knobs.DeleteDelay, func(at models.Time) {
		for _, p := range m.inside() {
			e.leave(m, p, at, "ejected", "room deleted")
		}
		if m.emptyAt != nil {
			e.endIfEmpty(m, *m.emptyAt)
		}
	})
}

// soon does something after a delay, at once when there is none.
func (e *Emulator) soon(now models.Time, delay time.Duration, do func(at models.Time)) {
	if delay <= 0 {
		do(now)
		return
	}
	e.plan(now.Add(delay), do)
}

const nameCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// checkName is Daily's rule for names of rooms.
func checkName(name string) error {
	if name == "" || len(name) > 128 {
		return &refusal{invalid("room names must be 1 to 128 characters long")}
	}
	if strings.Trim(name, nameCharacters+"-_") != "" {
		return &refusal{invalid("%s contains invalid characters (room names can contain A-Z, a-z, 0-9, '-', and '_')", name)}
	}
	return nil
}

func randomName() string {
	name := make([]byte, 20)
	for i := range name {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(nameCharacters))))
		if err != nil {
			panic(err) // crypto/rand does not fail
		}
		name[i] = nameCharacters[n.Int64()]
	}
	return string(name)
}

// newUUID is a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
