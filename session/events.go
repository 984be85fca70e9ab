package session

import (
	"greenroom/db"
	"greenroom/models"
)

// record adds a line to the session's timeline, in the transaction of the change that it tells
// and that has raised the revision. Webhooks are told of it there too.
func record(tx *db.Tx, s *models.Session, what models.EventType, at models.Time, by models.Actor) error {
	return write(tx, s, &models.SessionEvent{
		AccountID: s.AccountID, SessionID: s.ID, Revision: s.Revision, ID: models.NewID(models.EventPrefix, at),
		Type: what, At: at, Actor: by,
	}, at)
}

// write adds a line that stands already.
func write(tx *db.Tx, s *models.Session, line *models.SessionEvent, now models.Time) error {
	if err := tx.InsertEvent(line); err != nil {
		return err
	}
	return tell(tx, s, line, now)
}
