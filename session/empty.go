package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"greenroom/daily"
	"greenroom/db"
	"greenroom/models"
)

// checkRooms ends sessions that everybody has left, round after round. Daily is asked first:
// webhooks say when to ask, and never that a session is over.
func (s *Service) checkRooms(ctx context.Context) {
	for {
		claimed, err := s.claimEmpty(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.Log.Error("claim empty rooms", "error", err)
		}
		var round sync.WaitGroup
		for _, row := range claimed {
			round.Go(func() {
				if err := s.checkRoom(ctx, row); err != nil && ctx.Err() == nil {
					s.Log.Warn("ask whether a room is empty", "session", row.ID, "error", err)
				}
			})
		}
		round.Wait()
		if len(claimed) == claimRooms {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.Timings.Sweep):
		}
	}
}

// claimEmpty takes rooms whose grace is over. Should this replica die, another asks once the lease
// has run out.
func (s *Service) claimEmpty(ctx context.Context) ([]*models.Session, error) {
	var claimed []*models.Session
	now := s.Clock()
	err := s.Store.Write(ctx, func(tx *db.Tx) error {
		rows, err := tx.EmptyRooms(now, now.Add(s.checkWithin()), claimRooms)
		if err != nil {
			return err
		}
		for _, row := range rows {
			row.Room.CheckDue = now.Add(lease).Ptr()
			if err := tx.Swap(row); err != nil {
				return err
			}
		}
		claimed = rows
		return nil
	})
	return claimed, err
}

// checkWithin is beyond the longest wait until a room is looked at. One that is to be looked at later
// still was put off under a clock that has been set back since.
func (s *Service) checkWithin() time.Duration {
	return max(s.Timings.EmptyGrace, lastRetry, lease) + time.Minute
}

// checkRoom ends a session if Daily agrees that its room is empty. When Daily cannot be asked, it
// is asked again later, less and less often; the session's own deadline is the end of that.
func (s *Service) checkRoom(ctx context.Context, row *models.Session) error {
	ctx, cancel := context.WithTimeout(ctx, roomWithin)
	defer cancel()
	if held := s.vigil.held(wait{row.ID, *row.Room.EmptySince}); held < s.Timings.EmptyGrace {
		// The clock was set forward, or this process is younger than the grace.
		return s.checkLater(ctx, row, func(now *models.Session) {
			now.Room.CheckDue = s.Clock().Add(s.Timings.EmptyGrace - held).Ptr()
		})
	}
	inside, came, err := s.askDaily(ctx, row)
	if err != nil && cutOff(ctx) {
		return errors.Join(err, s.checkLater(ctx, row, func(now *models.Session) { now.Room.CheckDue = s.Clock().Ptr() }))
	}
	if err != nil {
		wait := backoff(row.Room.Checks + 1)
		return errors.Join(err, s.checkLater(ctx, row, func(now *models.Session) {
			now.Room.Checks++
			now.Room.CheckDue = s.Clock().Add(wait).Ptr()
		}))
	}
	for _, seen := range came {
		// They are in until the next looks miss them.
		if err := s.noteStay(ctx, row, seen); err != nil {
			return err
		}
	}
	switch {
	case len(came) > 0:
		return nil
	case inside:
		// Ghosts of those who left go within half a minute. Somebody who really is in the room gets
		// the whole grace again.
		since := s.Clock()
		s.vigil.held(wait{row.ID, since})
		return s.checkLater(ctx, row, func(now *models.Session) {
			now.Room.EmptySince, now.Room.Checks = &since, 0
			now.Room.CheckDue = since.Add(s.Timings.EmptyGrace).Ptr()
		})
	default:
		return s.endEmpty(ctx, row)
	}
}

// askDaily asks whether Daily shows a person in the session's room, and who has been there that
// nobody told of. Presence alone would overlook who came this moment, the records of the calls who
// came back.
func (s *Service) askDaily(ctx context.Context, row *models.Session) (inside bool, came []stay, err error) {
	present, err := s.Daily.RoomPresence(ctx, row.Room.Name)
	if err != nil {
		return false, nil, err
	}
	meetings, err := s.Daily.Meetings(ctx, row.Room.Name)
	if err != nil {
		return false, nil, err
	}
	known, err := s.Store.ParticipantsOfSessions(ctx, []*models.Session{row})
	if err != nil {
		return false, nil, err
	}
	inside = slices.ContainsFunc(present, func(a daily.Attendance) bool { return a.UserID == row.RoomUserID() })
	ever := present
	for _, m := range meetings {
		ever = append(ever, m.Participants...)
	}
	return inside, strangers(ever, row.RoomUserID(), known[row.ID]), nil
}

// checkLater writes when to ask again, unless somebody has come or gone since the claim.
func (s *Service) checkLater(ctx context.Context, claimed *models.Session, change func(*models.Session)) error {
	err := s.Store.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		row, err := tx.Session(models.Scope{AccountID: claimed.AccountID}, claimed.ID)
		if err != nil || !sameEmptiness(row, claimed) {
			return err
		}
		change(row)
		return tx.Swap(row)
	})
	if err != nil {
		return fmt.Errorf("room of session %s: %w", claimed.ID, err)
	}
	return nil
}

// endEmpty ends a session whose people have left, unless somebody has come since Daily was asked.
func (s *Service) endEmpty(ctx context.Context, claimed *models.Session) error {
	after, err := s.move(context.WithoutCancel(ctx), models.Scope{AccountID: claimed.AccountID}, claimed.ID, end, func(tx *db.Tx, row *models.Session, now models.Time) error {
		if !sameEmptiness(row, claimed) {
			return models.ErrConflict
		}
		return finish(tx, row, now, now, models.EndParticipantsLeft, models.ActorSystem)
	})
	switch {
	case err == nil:
		s.after(after)
		return nil
	case errors.Is(err, models.ErrConflict), errors.Is(err, models.ErrSessionEnded):
		return nil
	default:
		return err
	}
}

// sameEmptiness tells whether the room is empty since the very time at which it was when claimed.
func sameEmptiness(row, claimed *models.Session) bool {
	return row.EndedAt == nil && row.Room.EmptySince != nil && *row.Room.EmptySince == *claimed.Room.EmptySince
}
