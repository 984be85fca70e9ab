package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"greenroom/models"
)

// Session reads one session as it is at now. Nothing outside the scope is found.
func (s *Store) Session(ctx context.Context, scope models.Scope, id string, now models.Time) (*models.Session, error) {
	found, err := gorm.G[*models.Session](s.reader, inScope(scope).and("id = ?", id).where()...).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", id, translate(err))
	}
	found.Settle(now)
	return found, nil
}

// OperatorSession reads a session of whichever account, as stored: for operators and for this
// program's own work.
func (s *Store) OperatorSession(ctx context.Context, id string) (*models.Session, error) {
	found, err := gorm.G[*models.Session](s.reader).Where("id = ?", id).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", id, translate(err))
	}
	return found, nil
}

// DueSessions are the first sessions, oldest deadline first, whose deadline has passed without
// the end having been written; as stored.
func (s *Store) DueSessions(ctx context.Context, now models.Time, limit int) ([]*models.Session, error) {
	due, err := gorm.G[*models.Session](s.reader, isDue(now).where()...).
		Order("deadline, id").Limit(limit).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("due sessions: %w", translate(err))
	}
	return due, nil
}

// DueSessions are the same, kept from others until the transaction ends; those that another
// transaction holds are passed over.
func (t *Tx) DueSessions(now models.Time, limit int) ([]*models.Session, error) {
	due, err := gorm.G[*models.Session](t.db, isDue(now).where(t.dialect.claim()...)...).
		Order("deadline, id").Limit(limit).Find(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("due sessions: %w", translate(err))
	}
	t.changes.found(due...)
	return due, nil
}

// SessionsToWarn are live sessions whose end is to be told of in advance by now, longest waiting
// first, kept from others until the transaction ends; those that another transaction holds are
// passed over. As stored.
func (t *Tx) SessionsToWarn(now models.Time, limit int) ([]*models.Session, error) {
	toWarn := conditions{}.live(now).and("warn_at <= ?", now).where(t.dialect.claim()...)
	rows, err := gorm.G[*models.Session](t.db, toWarn...).Order("warn_at").Limit(limit).Find(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("sessions to warn: %w", translate(err))
	}
	t.changes.found(rows...)
	return rows, nil
}

// NextDue is the next instant at which a session's end or warning is due, which may have passed;
// nil when there is none.
func (s *Store) NextDue(ctx context.Context) (*models.Time, error) {
	const query = "SELECT MIN(at) FROM (" +
		"SELECT MIN(deadline) AS at FROM sessions WHERE ended_at IS NULL AND deadline IS NOT NULL" +
		" UNION ALL SELECT MIN(warn_at) FROM sessions WHERE warn_at IS NOT NULL) AS due"
	var next *models.Time
	if err := s.reader.WithContext(ctx).Raw(query).Scan(&next).Error; err != nil {
		return nil, fmt.Errorf("next deadline: %w", translate(err))
	}
	return next, nil
}

func isDue(now models.Time) conditions {
	return conditions{}.and("ended_at IS NULL AND deadline <= ?", now)
}

// WaitingSessions are live sessions whose avatar has been in the given state since then or
// longer, longest first, and behind them those for which that began after now: the clock has been
// set back since. As stored.
func (s *Store) WaitingSessions(ctx context.Context, state models.AvatarState, since, now models.Time, limit int) ([]*models.Session, error) {
	lasting := conditions{}.live(now).
		and("assignment_since IS NOT NULL"). // said by itself, an index can serve it
		and("(assignment_since <= ? OR assignment_since > ?) AND avatar_state = ?", since, now, state)
	waiting, err := gorm.G[*models.Session](s.reader, lasting.where()...).
		Order("assignment_since").Limit(limit).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("waiting sessions: %w", translate(err))
	}
	return waiting, nil
}

// LiveSessions are sessions of all accounts that are live at now, behind the id after, in the
// order of ids; as stored.
func (s *Store) LiveSessions(ctx context.Context, after string, now models.Time, limit int) ([]*models.Session, error) {
	live, err := sessions.behind(ctx, s, after, limit, conditions{}.live(now))
	if err != nil {
		return nil, fmt.Errorf("live sessions: %w", err)
	}
	return live, nil
}

// StartedSessions are those of LiveSessions that have been started.
func (s *Store) StartedSessions(ctx context.Context, after string, now models.Time, limit int) ([]*models.Session, error) {
	started, err := sessions.behind(ctx, s, after, limit, conditions{}.live(now).and("started_at IS NOT NULL"))
	if err != nil {
		return nil, fmt.Errorf("started sessions: %w", err)
	}
	return started, nil
}

// Session reads one session as stored and keeps others from changing it until the transaction
// ends.
func (t *Tx) Session(scope models.Scope, id string) (*models.Session, error) {
	found, err := sessions.find(t, inScope(scope).and("id = ?", id), t.dialect.lock()...)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", id, err)
	}
	t.changes.found(found)
	return found, nil
}

// InsertSession adds a session.
func (t *Tx) InsertSession(s *models.Session) error {
	if err := sessions.insert(t, s, ""); err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	t.changes.inserted(s)
	return nil
}

// Swap writes a session that was read in this or another transaction and since changed. Of
// many concurrent callers exactly one succeeds; the others get models.ErrConflict and change
// nothing. What never changes (account, avatar, creation) is left alone.
func (t *Tx) Swap(s *models.Session) error {
	asRead := ofAccount(s.AccountID).and("id = ? AND version = ?", s.ID, s.Version)
	before := t.changes.before(s) // which looks at the version, too
	s.Version++
	n, err := sessions.update(t, before, s, asRead,
		"account_id", "id", "avatar_id", "session_type", "end_user_id", "created_at", "room_name")
	if err != nil {
		return fmt.Errorf("write session %s: %w", s.ID, err)
	}
	if n == 0 {
		return fmt.Errorf("write session %s: %w", s.ID, models.ErrConflict)
	}
	t.changes.swapped(s)
	return nil
}

// CountLive counts the account's sessions that hold a place at now.
func (t *Tx) CountLive(accountID string, now models.Time) (int, error) {
	return t.count("sessions", ofAccount(accountID).live(now))
}

// CountLive counts the account's sessions that hold a place at now.
func (s *Store) CountLive(ctx context.Context, accountID string, now models.Time) (int, error) {
	return s.count(ctx, "sessions", ofAccount(accountID).live(now))
}

// Holders are the account's live sessions, oldest first.
func (s *Store) Holders(ctx context.Context, accountID string, now models.Time, limit int) ([]*models.Session, error) {
	holders, err := gorm.G[*models.Session](s.reader, ofAccount(accountID).live(now).where()...).
		Order("id").Limit(limit).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("holders: %w", translate(err))
	}
	return settled(holders, now), nil
}
