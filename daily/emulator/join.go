package emulator

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"greenroom/models"
)

// A JoinError is why somebody could not join, by the error type that Daily's browser library
// reports.
type JoinError struct {
	// Type is one of the Join constants.
	Type string
	Info string
}

func (e *JoinError) Error() string { return fmt.Sprintf("join: %s: %s", e.Type, e.Info) }

// reply is the error over HTTP.
func (e *JoinError) reply() reply {
	status := http.StatusForbidden
	if e.Type == JoinNoRoom {
		status = http.StatusNotFound
	}
	return refuse(status, e.Type, e.Info)
}

// The types of JoinError.
const (
	JoinNoRoom     = "no-room"
	JoinExpRoom    = "exp-room"
	JoinNbfRoom    = "nbf-room"
	JoinExpToken   = "exp-token"
	JoinNbfToken   = "nbf-token"
	JoinNotAllowed = "not-allowed"
	JoinFull       = "meeting-full"
	JoinEnded      = "connection-error"
)

// Join brings somebody into a room as a browser would, with a meeting token or without. A name
// in the token takes precedence over userName. The error is a *JoinError.
func (e *Emulator) Join(roomName, token, userName string) (Participant, error) {
	var joined Participant
	var err error
	e.do(func(now models.Time) {
		var p *Participant
		if p, err = e.join(roomName, token, userName, nil, now); err == nil {
			joined = *p
		}
	})
	return joined, err
}

// join brings somebody in, with a socket or without.
func (e *Emulator) join(roomName, token, userName string, s *seat, now models.Time) (*Participant, error) {
	r, grant, err := e.letIn(roomName, token, now)
	if err != nil {
		return nil, err
	}
	p := &Participant{
		seat: s, SessionID: newUUID(), Room: r.name, UserName: userName, JoinedAt: now,
		WillEjectAt: willEjectAt(r, grant, now), permissions: permissionsOf(r, grant),
	}
	p.Owner, _ = grant["o"].(bool)
	if name, isSet := grant["u"].(string); isSet {
		p.UserName = name
	}
	if id, isSet := grant["ud"].(string); isSet {
		p.UserID = &id
	}
	e.enter(r, p, now)
	return p, nil
}

// letIn finds the room and gives the token's claims, if somebody may join with it now.
func (e *Emulator) letIn(roomName, token string, now models.Time) (*room, map[string]any, error) {
	if e.closed {
		return nil, nil, &JoinError{JoinEnded, "the emulator is closed"}
	}
	r := e.rooms[roomName]
	if r == nil || r.deletedAt != nil {
		return nil, nil, &JoinError{JoinNoRoom, "the room does not exist"}
	}
	grant, err := e.mayJoin(r, token, now)
	return r, grant, err
}

// mayJoin checks room, token and place, and gives the token's claims; nil without a token.
func (e *Emulator) mayJoin(r *room, token string, now models.Time) (map[string]any, error) {
	if r.expired(now) {
		return nil, &JoinError{JoinExpRoom, "the room has expired"}
	}
	if nbf, isSet := secondsOf(r.config, "nbf"); isSet && float64(now) < nbf*1000 {
		return nil, &JoinError{JoinNbfRoom, "the room is not open yet"}
	}
	if token == "" {
		if r.privacy == "private" {
			return nil, &JoinError{JoinNotAllowed, "the room is private"}
		}
		return nil, e.hasPlace(r, nil)
	}
	grant, err := e.readClaims(token)
	if err != nil {
		return nil, &JoinError{JoinNotAllowed, "the token is not valid"}
	}
	// Daily's tokens without a room open every room; one that names another opens none.
	if name, isSet := grant["r"]; isSet && name != r.name {
		return nil, &JoinError{JoinNotAllowed, "the token is for another room"}
	}
	if exp, isSet := secondsOf(grant, "exp"); isSet && exp*1000 <= float64(now) {
		return nil, &JoinError{JoinExpToken, "the token has expired"}
	}
	if nbf, isSet := secondsOf(grant, "nbf"); isSet && float64(now) < nbf*1000 {
		return nil, &JoinError{JoinNbfToken, "the token is not valid yet"}
	}
	return grant, e.hasPlace(r, grant)
}

// hasPlace refuses the banned, and more people than the room takes.
func (e *Emulator) hasPlace(r *room, grant map[string]any) error {
	if r.meeting == nil {
		return nil
	}
	id, _ := grant["ud"].(string)
	if id != "" && r.meeting.banned[id] {
		return &JoinError{JoinNotAllowed, "this user was put out of the call"}
	}
	most := 200.0
	if n, isSet := secondsOf(r.config, "max_participants"); isSet {
		most = n
	}
	inside := len(r.meeting.inside())
	if id != "" && r.flag("enforce_unique_user_ids") && len(r.meeting.withUserID(id)) > 0 {
		inside-- // it takes the place of its namesake
	}
	if float64(inside) >= most {
		return &JoinError{JoinFull, "the room is full"}
	}
	return nil
}

// willEjectAt is when somebody who joins now will be put out. Any eject claim in the token
// switches the room's off; of two that count, the earlier holds.
func willEjectAt(r *room, grant map[string]any, now models.Time) *models.Time {
	atExp, _ := grant["ejt"].(bool)
	_, afterElapsed := grant["eje"]
	end, hasEnd := secondsOf(grant, "exp")
	elapsed, hasElapsed := secondsOf(grant, "eje")
	if !atExp && !afterElapsed {
		atExp = r.flag("eject_at_room_exp")
		end, hasEnd = secondsOf(r.config, "exp")
		elapsed, hasElapsed = secondsOf(r.config, "eject_after_elapsed")
	}
	var ends []models.Time
	if atExp && hasEnd {
		ends = append(ends, models.Time(end*1000))
	}
	if hasElapsed {
		ends = append(ends, now+models.Time(elapsed*1000))
	}
	if len(ends) == 0 {
		return nil
	}
	return slices.Min(ends).Ptr()
}

// permissionsOf is what the webhooks say about a participant.
func permissionsOf(r *room, grant map[string]any) object {
	owner, _ := grant["o"].(bool)
	given, _ := r.config["permissions"].(map[string]any)
	pick := func(key string, def any) any {
		if v, isSet := given[key]; isSet && !owner {
			return v
		}
		return def
	}
	return object{
		{"hasPresence", pick("hasPresence", true)},
		{"canSend", pick("canSend", true)},
		{"canReceive", pick("canReceive", object{{"base", true}})},
		{"canAdmin", pick("canAdmin", owner)},
	}
}

// enter adds a participant to the room's call, which begins with the first.
func (e *Emulator) enter(r *room, p *Participant, now models.Time) {
	if p.UserID != nil && r.flag("enforce_unique_user_ids") && r.meeting != nil {
		for _, other := range r.meeting.withUserID(*p.UserID) {
			e.leave(r.meeting, other, now, "ejected", "same user id joined again")
		}
	}
	m := r.meeting
	if m == nil {
		m = &meeting{id: newUUID(), room: r, start: now, banned: map[string]bool{}, data: map[string]any{}}
		r.meeting = m
		e.meetings = append(e.meetings, m)
		e.note(now, "meeting started", r.name, m.id)
		e.emit(m, meetingStarted(m, now))
	}
	p.MeetingID = m.id
	m.people = append(m.people, p)
	m.emptyAt = nil
	m.peak = max(m.peak, len(m.inside()))
	e.seated(m, p, now)
	e.note(now, "participant joined", r.name, p.SessionID)
	e.emit(m, participantJoined(p, now))
	if p.WillEjectAt != nil {
		e.plan(*p.WillEjectAt, func(at models.Time) {
			e.leave(m, p, at, "ejected", "time is up")
		})
	}
}

func (m *meeting) withUserID(id string) []*Participant {
	return slices.DeleteFunc(m.inside(), func(p *Participant) bool { return p.UserID == nil || *p.UserID != id })
}

// Leave takes a participant out, as closing the browser does. It is models.ErrNotFound when
// nobody of that session id is in the room.
func (e *Emulator) Leave(roomName, sessionID string) error {
	err := error(models.NotFound("participant"))
	e.do(func(now models.Time) {
		for _, m := range e.meetings {
			for _, p := range m.inside() {
				if m.room.name == roomName && p.SessionID == sessionID {
					e.leave(m, p, now, "left", "")
					err = nil
				}
			}
		}
	})
	return err
}

// hosting finds the call in a room once it has been known for as long as lag.
func (e *Emulator) hosting(name string, now models.Time, lag time.Duration) (*meeting, reply, bool) {
	r, found := e.live(name, now)
	if !found {
		return nil, noRoom(name), false
	}
	if r.meeting == nil || len(r.meeting.inside()) == 0 || now.Sub(r.meeting.start) < lag {
		return nil, notHosting(name), false
	}
	return r.meeting, reply{}, true
}
