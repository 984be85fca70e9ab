package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"greenroom/daily"
	"greenroom/db"
	"greenroom/models"
)

// pollEvery is the time between two looks at who is in all rooms, for webhooks that were lost or
// are not set up. It is longer than presence lags behind, so that whoever is missing from two
// looks in a row has left.
const pollEvery = time.Minute

// NoteParticipant takes what Daily's webhook tells. It may come twice, late and in any order. What
// is about rooms of others, or about somebody who is not a person of the session, is no error.
func (s *Service) NoteParticipant(ctx context.Context, ev daily.Event) error {
	id, ok := s.sessionOf(ev.Room)
	if !ok || ev.Participant.UserID != id {
		return nil
	}
	of, err := s.stored(ctx, id)
	switch {
	case errors.Is(err, models.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("%s in session %s: %w", ev.Type, id, err)
	}
	seen := stay{id: ev.Participant.SessionID, joined: ev.Participant.Joined}
	if ev.Type == daily.ParticipantLeft {
		seen.left = ev.Left.Ptr()
	}
	return s.noteStay(ctx, of, seen)
}

// sessionOf is the session that a room was made for, by the room's name; false for a room that is
// not this installation's.
func (s *Service) sessionOf(room string) (id string, ok bool) {
	ulid, ok := strings.CutPrefix(room, s.roomPrefix())
	id = models.SessionPrefix + strings.ToUpper(ulid)
	return id, ok && models.ValidID(models.SessionPrefix, id) && s.roomName(id) == room
}

// A stay is a person in a room from joining to leaving, as Daily has it: left is nil while they
// are in, as far as is known.
type stay struct {
	id     string
	joined models.Time
	left   *models.Time
}

// noteStay puts on the timeline what is new of a stay, and whether the room is empty now. Whatever
// comes in whichever order, a stay has one line for joining and at most one for leaving. The end
// of a session stops neither: people are put out after it.
func (s *Service) noteStay(ctx context.Context, of *models.Session, seen stay) error {
	noted := s.Uptime()
	after, err := s.move(ctx, models.Scope{AccountID: of.AccountID}, of.ID, noteParticipant, func(tx *db.Tx, row *models.Session, now models.Time) error {
		stays, err := tx.Participants(row)
		if err != nil {
			return err
		}
		// Daily's clock is not ours: nothing was before the session or is yet to come.
		at := func(t models.Time) models.Time { return max(min(t, now), row.CreatedAt) }
		i := slices.IndexFunc(stays, func(p *db.Participant) bool { return p.ID == seen.id })
		if i < 0 {
			i = len(stays)
			stays = append(stays, &db.Participant{AccountID: row.AccountID, SessionID: row.ID, ID: seen.id, JoinedAt: at(seen.joined)})
			row.Revision++
			if err := record(tx, row, models.EventParticipantJoined, stays[i].JoinedAt, models.ActorParticipant); err != nil {
				return err
			}
		} else if seen.left == nil || stays[i].LeftAt != nil {
			return nil // all of it is known
		}
		if seen.left != nil {
			stays[i].LeftAt = max(at(*seen.left), stays[i].JoinedAt).Ptr()
			row.Revision++
			if err := record(tx, row, models.EventParticipantLeft, *stays[i].LeftAt, models.ActorParticipant); err != nil {
				return err
			}
		}
		s.setEmpty(row, stays)
		return tx.PutParticipant(stays[i])
	})
	if err != nil {
		return fmt.Errorf("participant of session %s: %w", of.ID, err)
	}
	if after.Room.EmptySince != nil {
		s.vigil.begin(wait{after.ID, *after.Room.EmptySince}, noted)
	}
	return nil
}

// setEmpty works out since when nobody has been in the room. Somebody has been: there is a stay.
func (s *Service) setEmpty(row *models.Session, stays []*db.Participant) {
	if row.EndedAt != nil {
		return
	}
	row.Room.EmptySince, row.Room.CheckDue, row.Room.Checks = nil, nil, 0
	var last models.Time
	for _, p := range stays {
		if p.LeftAt == nil {
			return
		}
		last = max(last, *p.LeftAt)
	}
	row.Room.EmptySince = &last
	row.Room.CheckDue = last.Add(s.Timings.EmptyGrace).Ptr()
}

// pollPresence compares what is known of who is in the rooms with Daily's own records, round after
// round, so that a webhook that was lost does not keep a session running.
func (s *Service) pollPresence(ctx context.Context) {
	missing := map[string]models.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pollEvery):
		}
		now, err := s.pollOnce(ctx, missing)
		if err == nil {
			missing = now
		} else if ctx.Err() == nil {
			s.Log.Warn("look who is in the rooms", "error", err)
		}
	}
}

// pollOnce takes one look at all rooms of running sessions, with one call. missing is who was in
// no room at the last look although nobody has told that they left, and since when; it gives the
// same for this one. Whoever is missing again has left when they were first missed.
func (s *Service) pollOnce(ctx context.Context, missing map[string]models.Time) (map[string]models.Time, error) {
	look := sync.OnceValues(func() (map[string]daily.Occupancy, error) { return s.Daily.Presence(ctx) })
	still := map[string]models.Time{}
	for after := ""; ; {
		started, err := s.Store.StartedSessions(ctx, after, s.Clock(), sweepBatch)
		if err != nil || len(started) == 0 {
			return still, err
		}
		after = started[len(started)-1].ID
		running := slices.DeleteFunc(started, func(row *models.Session) bool { return row.Room.State != models.RoomReady })
		if len(running) == 0 {
			continue
		}
		rooms, err := look()
		if err != nil {
			return nil, err
		}
		known, err := s.Store.ParticipantsOfSessions(ctx, running)
		if err != nil {
			return nil, err
		}
		for _, row := range running {
			inside := rooms[row.Room.Name]
			if inside.Err != nil { // who is in it is not known, so that nobody is missing
				s.Log.Warn("look who is in a room", "session", row.ID, "error", inside.Err)
				continue
			}
			for _, seen := range s.compare(row, known[row.ID], inside.People, missing, still) {
				if err := s.noteStay(ctx, row, seen); err != nil {
					return nil, err
				}
			}
		}
	}
}

// compare finds what is to be noted of one room: who came unnoticed, and who has been missing for
// two looks. Who is missing for the first time goes into still.
func (s *Service) compare(row *models.Session, known []*db.Participant, inside []daily.Attendance, missing, still map[string]models.Time) []stay {
	news := strangers(inside, row.RoomUserID(), known)
	for _, p := range known {
		if p.LeftAt != nil || slices.ContainsFunc(inside, func(a daily.Attendance) bool { return a.SessionID == p.ID }) {
			continue
		}
		if since, again := missing[p.ID]; again {
			news = append(news, stay{id: p.ID, joined: p.JoinedAt, left: &since})
		} else {
			still[p.ID] = s.Clock()
			s.vigil.held(wait{row.ID, still[p.ID]}) // should they have been the last
		}
	}
	return news
}

// strangers are the people among those whom Daily names that nobody has told of.
func strangers(named []daily.Attendance, userID string, known []*db.Participant) []stay {
	var unknown []stay
	for _, a := range named {
		isKnown := slices.ContainsFunc(known, func(p *db.Participant) bool { return p.ID == a.SessionID })
		if a.UserID == userID && a.SessionID != "" && !isKnown {
			unknown = append(unknown, stay{id: a.SessionID, joined: a.Joined})
		}
	}
	return unknown
}
