package emulator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"greenroom/models"
)

const (
	// joinWithin is how long a socket may take to say who is joining.
	joinWithin = 10 * time.Second
	// signsEvery is how often a sign of life is asked for, and how long it may take. With a
	// browser that is there its program answers, whatever the page does.
	signsEvery = 4 * time.Second
	// maxFrame is room for a caption.
	maxFrame = 128 << 10
	// maxUserName is how much of a name is kept, in letters.
	maxUserName = 60
)

// A said is a text frame from a participant: join first; then leave, and from an avatar caption
// and interrupt. An avatar's binary frames are speech.
type said struct {
	Type  string `json:"type"`
	Token string `json:"token"`
	Name  string `json:"name"`
	// Avatar asks to be shown as the one who speaks, with the picture.
	Avatar  bool   `json:"avatar"`
	Picture string `json:"picture"`
	Text    string `json:"text"`
}

// serveSocket is one participant from joining to leaving: whoever closes the socket, or does not
// answer it any more, has left. Browsers may come from the room's own page only; programs send
// no origin.
func (e *Emulator) serveSocket(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	ws.SetReadLimit(maxFrame)
	s := newSeat(ws)
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	if !e.hold() {
		_ = ws.Close(websocket.StatusGoingAway, "the emulator is closed")
		return
	}
	defer e.wg.Done()
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	forget := context.AfterFunc(e.ctx, func() { s.end(websocket.StatusGoingAway, "the emulator is closed") })
	defer forget()
	beside.Go(func() { s.write(ctx) })
	beside.Go(func() { s.beat(ctx, e.signsEvery) })
	late := time.AfterFunc(joinWithin, func() { s.end(closeTimeout, "nobody said who is joining") })
	defer late.Stop()
	for {
		kind, data, err := ws.Read(ctx)
		if err != nil {
			break
		}
		if err := e.hear(s, r.PathValue("name"), kind, data); err != nil {
			s.end(closeBadFrame, err.Error())
		}
		if s.p != nil {
			late.Stop()
		}
	}
	if s.p != nil {
		_ = e.Leave(s.p.Room, s.p.SessionID) // it may have been put out
	}
}

// hold makes Close wait for the caller, who calls wg.Done; false when the emulator is closed.
func (e *Emulator) hold() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.wg.Add(1)
	}
	return !e.closed
}

// hear acts on a frame.
func (e *Emulator) hear(s *seat, room string, kind websocket.MessageType, data []byte) error {
	if kind == websocket.MessageBinary {
		if len(data)%2 != 0 {
			return errors.New("speech has whole samples")
		}
		return e.toOthers(s, func(other *seat) { other.play(data) })
	}
	var f said
	if json.Unmarshal(data, &f) != nil {
		return errors.New("a text frame is a JSON object")
	}
	switch {
	case f.Type == "leave":
		if s.p != nil {
			_ = e.Leave(s.p.Room, s.p.SessionID) // it may have been put out
		}
		s.end(websocket.StatusNormalClosure, "")
		return nil
	case f.Type == "join" && s.p == nil:
		e.sit(s, room, f)
		return nil
	case f.Type == "caption":
		return e.toOthers(s, func(other *seat) { other.tell(caption(f.Text)) })
	case f.Type == "interrupt":
		return e.toOthers(s, func(other *seat) {
			other.silence()
			other.tell(object{{"type", "interrupt"}})
		})
	}
	return errors.New("no such frame, or not now")
}

func caption(text string) object { return object{{"type", "caption"}, {"text", text}} }

// sit joins, or tells why not.
func (e *Emulator) sit(s *seat, room string, f said) {
	s.avatar = f.Avatar
	if u, err := url.Parse(f.Picture); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		s.picture = f.Picture
	}
	name := []rune(strings.TrimSpace(f.Name))
	name = name[:min(len(name), maxUserName)]
	var err error
	e.do(func(now models.Time) {
		_, err = e.join(room, f.Token, cmp.Or(string(name), "Guest"), s, now)
	})
	if failed, isOne := errors.AsType[*JoinError](err); isOne {
		s.tell(object{{"type", "refused"}, {"error", failed.Type}, {"info", failed.Info}})
		s.end(closeRefused, failed.Type)
	}
}

// toOthers passes on what an avatar says to everybody else in its call.
func (e *Emulator) toOthers(s *seat, do func(other *seat)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !s.avatar || s.p == nil {
		return errors.New("only an avatar speaks here")
	}
	if s.p.LeftAt == nil {
		for _, other := range s.meeting.seats() {
			if other != s {
				do(other)
			}
		}
	}
	return nil
}

func (m *meeting) seats() []*seat {
	var seats []*seat
	for _, p := range m.inside() {
		if p.seat != nil {
			seats = append(seats, p.seat)
		}
	}
	return seats
}

// seated tells everybody who is here, and the newcomer how long it may stay. mu is held.
func (e *Emulator) seated(m *meeting, p *Participant, now models.Time) {
	if s := p.seat; s != nil {
		s.p, s.meeting = p, m
		var eject any
		if p.WillEjectAt != nil {
			eject = int64(*p.WillEjectAt)
		}
		s.tell(object{
			{"type", "joined"}, {"session_id", p.SessionID}, {"name", p.UserName},
			{"now", int64(now)}, {"eject_at", eject},
		})
	}
	m.tellPeople()
}

// unseated closes the socket of somebody who is out, and tells the others. mu is held.
func (m *meeting) unseated(p *Participant, how, detail string) {
	if s := p.seat; s != nil && how != "left" {
		s.silence()
		s.tell(object{{"type", "ended"}, {"error", "ejected"}, {"info", detail}})
		s.end(closeEnded, how+": "+detail)
	} else if s != nil {
		s.end(websocket.StatusNormalClosure, how)
	}
	m.tellPeople()
}

func (m *meeting) tellPeople() {
	people := []object{}
	for _, p := range m.inside() {
		person := object{{"session_id", p.SessionID}, {"name", p.UserName}, {"avatar", false}, {"picture", ""}}
		if p.seat != nil {
			person[2].value, person[3].value = p.seat.avatar, p.seat.picture
		}
		people = append(people, person)
	}
	for _, s := range m.seats() {
		s.tell(object{{"type", "people"}, {"people", people}})
	}
}
