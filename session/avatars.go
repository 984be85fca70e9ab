package session

import (
	"context"
	"errors"
	"fmt"

	"greenroom/avatarserver"
	"greenroom/db"
	"greenroom/models"
)

// A Service answers avatar servers' news.
var _ avatarserver.Sessions = (*Service)(nil)

// Carried tells which of the sessions that a dialling avatar server has may stay with it: those
// that were last handed to it and have not ended.
func (s *Service) Carried(ctx context.Context, server string, have []avatarserver.Ref) ([]avatarserver.Ref, error) {
	var keep []avatarserver.Ref
	for _, ref := range have {
		found, err := s.stored(ctx, ref.SessionID)
		if errors.Is(err, models.ErrNotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		if found.EndedAt == nil && carries(found, server, ref) {
			keep = append(keep, ref)
		}
	}
	return keep, nil
}

func carries(row *models.Session, server string, ref avatarserver.Ref) bool {
	return row.Assignment.Server == server && row.Assignment.Generation == ref.Generation
}

// stored reads a session of whichever account as it is now, or models.ErrNotFound.
func (s *Service) stored(ctx context.Context, id string) (*models.Session, error) {
	if !models.ValidID(models.SessionPrefix, id) {
		return nil, models.ErrNotFound
	}
	found, err := s.Store.OperatorSession(ctx, id)
	if err != nil {
		return nil, err
	}
	found.Settle(s.Clock())
	return found, nil
}

// Ready starts the session: its avatar is in the room. For a session that had lost its avatar
// it is the recovery. It may come twice; word from an older hand-over is refused.
func (s *Service) Ready(ctx context.Context, server string, ref avatarserver.Ref) error {
	found, err := s.stored(ctx, ref.SessionID)
	if err != nil {
		return err
	}
	isStart := false
	_, err = s.move(ctx, models.Scope{AccountID: found.AccountID}, found.ID, markReady, func(tx *db.Tx, row *models.Session, now models.Time) error {
		isStart = row.StartedAt == nil
		if !carries(row, server, ref) {
			return models.ErrConflict
		}
		row.Assignment.Since = nil
		row.Revision++
		if !isStart {
			return record(tx, row, models.EventAvatarRecovered, now, models.ActorAvatarServer)
		}
		if err := s.begin(tx, row, now); err != nil {
			return err
		}
		return record(tx, row, models.EventStarted, now, models.ActorAvatarServer)
	})
	if errors.Is(err, models.ErrConflict) && s.isReady(ctx, server, ref) {
		return nil
	}
	if err == nil && isStart {
		s.Observe("started", "")
	}
	return err
}

// isReady tells whether the hand-over was ready before.
func (s *Service) isReady(ctx context.Context, server string, ref avatarserver.Ref) bool {
	found, err := s.stored(ctx, ref.SessionID)
	return err == nil && positionOf(found) == ready && carries(found, server, ref)
}

// begin sets the clocks of a session that starts now: its expiration, and the deadline, which
// the month's included minutes may bring nearer.
func (s *Service) begin(tx *db.Tx, row *models.Session, now models.Time) error {
	account, err := tx.Account(row.AccountID)
	if err != nil {
		return err
	}
	plan, _ := s.Plans.Of(account)
	now = max(now, row.CreatedAt) // the clock may have been set back meanwhile
	row.StartedAt, row.Deadline, row.DeadlineReason = &now, nil, nil
	granted := row.MaxDuration
	if limit := plan.MaxSessionDuration; limit != nil && (granted == nil || *limit < *granted) {
		granted = limit
	}
	if granted != nil {
		expiration, expired := now+models.Time(*granted)*1000, models.EndExpired
		row.Expiration, row.Deadline, row.DeadlineReason = &expiration, &expiration, &expired
	}
	if row.Deadline == nil {
		// Nothing limits the session, but its room closes, and nobody could join another.
		closes, expired := row.Room.Exp, models.EndExpired
		row.Deadline, row.DeadlineReason = &closes, &expired
	}
	quota, err := quotaDeadline(tx.UsedSeconds, plan, row.AccountID, now)
	if err != nil {
		return err
	}
	if quota != nil && *quota < *row.Deadline {
		exhausted, at := models.EndQuotaExhausted, max(*quota, now)
		row.Deadline, row.DeadlineReason = &at, &exhausted
	}
	row.WarnAt = max(now, row.Deadline.Add(-WarnBefore)).Ptr()
	return nil
}

// Lost says that the session's avatar server is gone; another is sought at once, and the sweep
// ends the session when none is found in time.
func (s *Service) Lost(ctx context.Context, server string, ref avatarserver.Ref) {
	found, err := s.stored(ctx, ref.SessionID)
	if err == nil {
		err = s.lose(ctx, found, server, ref)
	}
	switch {
	case err == nil:
	case errors.Is(err, models.ErrNotFound), errors.Is(err, models.ErrConflict), errors.Is(err, models.ErrSessionEnded):
		s.Log.Debug("stale word of a lost avatar", "session", ref.SessionID, "generation", ref.Generation)
	default:
		s.Log.Error("note a lost avatar", "session", ref.SessionID, "error", err)
	}
}

func (s *Service) lose(ctx context.Context, found *models.Session, server string, ref avatarserver.Ref) error {
	at := s.Uptime()
	after, err := s.move(ctx, models.Scope{AccountID: found.AccountID}, found.ID, lose, func(tx *db.Tx, row *models.Session, now models.Time) error {
		if !carries(row, server, ref) {
			return models.ErrConflict
		}
		row.Assignment.Since = now.Ptr()
		row.Assignment.Server = ""
		row.Assignment.Generation++
		row.Revision++
		return record(tx, row, models.EventAvatarLost, now, models.ActorAvatarServer)
	})
	if err != nil {
		return fmt.Errorf("lose avatar: %w", err)
	}
	s.vigil.begin(wait{after.ID, *after.Assignment.Since}, at)
	s.search(after, models.ActorSystem)
	return nil
}

// releaseAvatar takes an ended session from its avatar server.
func (s *Service) releaseAvatar(row *models.Session) {
	if row.Assignment.Server != "" {
		s.AvatarServers.Release(avatarserver.Ref{SessionID: row.ID, Generation: row.Assignment.Generation})
	}
}
