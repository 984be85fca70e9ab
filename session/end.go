package session

import (
	"context"
	"errors"
	"fmt"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/failpoint"
	"greenroom/models"
)

// End ends the caller's session and answers after its commit; ejecting people and deleting the
// room follow in the background. An ended session stays as it is, and that is a success.
func (s *Service) End(ctx context.Context, id string) (*models.Session, error) {
	caller, err := auth.Require(ctx)
	if err != nil {
		return nil, err
	}
	return s.endAs(ctx, caller.Scope(), id, models.EndClient, caller.Actor())
}

// endAs ends a session for a reason, on behalf of an actor.
func (s *Service) endAs(ctx context.Context, scope models.Scope, id string, reason models.EndReason, by models.Actor) (*models.Session, error) {
	after, err := s.move(ctx, scope, id, end, func(tx *db.Tx, row *models.Session, now models.Time) error {
		return finish(tx, row, now, now, reason, by)
	})
	switch {
	case errors.Is(err, models.ErrSessionEnded):
		return after, nil
	case err != nil:
		return nil, err
	}
	failpoint.Hit(failpoint.EndAfterCommit)
	s.after(after)
	return after, nil
}

// OperatorEnd ends a session of whichever account, as the operator. The server that serves the
// database notices and releases what the session held.
func OperatorEnd(ctx context.Context, store *db.Store, clock models.Clock, id string) (*models.Session, error) {
	if !models.ValidID(models.SessionPrefix, id) {
		return nil, models.NotFound("session")
	}
	found, err := store.OperatorSession(ctx, id)
	if errors.Is(err, models.ErrNotFound) {
		return nil, models.NotFound("session")
	} else if err != nil {
		return nil, fmt.Errorf("end session %s: %w", id, err)
	}
	now := clock()
	scope := models.Scope{AccountID: found.AccountID}
	err = store.Write(ctx, func(tx *db.Tx) error {
		if found, err = tx.Session(scope, id); err != nil {
			return err
		}
		if _, err := settle(tx, found, now); err != nil {
			return err
		}
		if allow(end, found) == nil {
			if err := finish(tx, found, now, now, models.EndOperator, models.ActorOperator); err != nil {
				return err
			}
		}
		return tx.Swap(found)
	})
	if err != nil {
		return nil, fmt.Errorf("end session %s: %w", id, err)
	}
	return found, nil
}

// settle writes the end of a session whose deadline has passed, and tells whether it did.
func settle(tx *db.Tx, row *models.Session, now models.Time) (bool, error) {
	if row.EndedAt != nil || row.Deadline == nil || *row.Deadline > now {
		return false, nil
	}
	return true, finish(tx, row, *row.Deadline, now, *row.DeadlineReason, models.ActorSystem)
}

// finish is the one place where a session ends. The end is never before the beginning, even
// when the clock has been set back.
func finish(tx *db.Tx, row *models.Session, at, now models.Time, reason models.EndReason, by models.Actor) error {
	at = max(at, row.CreatedAt)
	if row.StartedAt != nil {
		at = max(at, *row.StartedAt)
	}
	row.End(at, reason)
	row.Assignment.Since = nil
	row.Room.Tries, row.Room.CheckDue = 0, nil
	switch row.Room.State {
	case models.RoomReady:
		row.Room.State, row.Room.Due = models.RoomEjecting, now.Ptr()
	case models.RoomCreating:
		// Whoever is making the room finds the fence raised. The room may still appear: it is
		// deleted when Daily can hardly make it behind our back any more, and once more later on.
		row.Room.State, row.Room.Due, row.Room.DeleteAgain = models.RoomDeleting, now.Add(lateRoom).Ptr(), true
		row.Room.Fence++
	case models.RoomEjecting, models.RoomDeleting, models.RoomGone:
	}
	failpoint.Hit(failpoint.EndBeforeCommit)
	return write(tx, row, row.EndEvent(by), now)
}
