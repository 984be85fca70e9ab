package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"greenroom/models"
)

// SessionEvents reads the timelines of many sessions with one statement: of each the newest
// last events, or all when last is nil; oldest first.
func (s *Store) SessionEvents(ctx context.Context, scope models.Scope, sessionIDs []string, last *int) (map[string][]*models.SessionEvent, error) {
	wanted := ofAccount(scope.AccountID).and("session_id IN ?", sessionIDs)
	if scope.SessionID != "" {
		wanted = wanted.and("session_id = ?", scope.SessionID)
	}
	ranked := s.reader.Model(&models.SessionEvent{}).Clauses(wanted.where()...).
		Select("*, ROW_NUMBER() OVER (PARTITION BY session_id ORDER BY revision DESC) AS place")
	newest := conditions{}
	if last != nil {
		newest = newest.and("place <= ?", *last)
	}
	rows, err := gorm.G[*models.SessionEvent](s.reader, newest.where()...).
		Table("(?) AS session_events", ranked).Order("session_id, revision").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("session events: %w", translate(err))
	}
	bySession := map[string][]*models.SessionEvent{}
	for _, e := range rows {
		bySession[e.SessionID] = append(bySession[e.SessionID], e)
	}
	return bySession, nil
}

// SessionEvent reads one event. Nothing outside the scope is found.
func (s *Store) SessionEvent(ctx context.Context, scope models.Scope, id string) (*models.SessionEvent, error) {
	wanted := ofAccount(scope.AccountID).and("id = ?", id)
	if scope.SessionID != "" {
		wanted = wanted.and("session_id = ?", scope.SessionID)
	}
	found, err := gorm.G[*models.SessionEvent](s.reader, wanted.where()...).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", id, translate(err))
	}
	return found, nil
}

// InsertEvent adds a line to a session's timeline.
func (t *Tx) InsertEvent(e *models.SessionEvent) error {
	if err := sessionEvents.insert(t, e, ""); err != nil {
		return fmt.Errorf("insert event: %w", err)
	}
	return nil
}
