package session

import (
	"greenroom/db"
	"greenroom/models"
)

// record adds a line to the session's timeline, in the transaction of the change that it tells
// and that has raised the revision.
func record(tx *db.Tx, s *models.Session, what models.EventType, at models.Time, by models.Actor) error {
	return tx.InsertEvent(&models.SessionEvent{
		AccountID: s.AccountID, SessionID: s.ID, Revision: s.Revision, ID: models.NewID(models.EventPrefix, at),
		Type: what, At: at, Actor: by,
	})
}
