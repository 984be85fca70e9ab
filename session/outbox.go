package session

import (
	"greenroom/db"
	"greenroom/models"
)

// hooked are the lines of a timeline that webhooks tell of, and as what. A session without its room
// is none of theirs yet: whoever is told of it can join it.
var hooked = map[models.EventType]models.WebhookEventType{
	models.EventRoomReady: models.WebhookSessionCreated,
	models.EventStarted:   models.WebhookSessionStarted,
	models.EventExpiring:  models.WebhookSessionExpiring,
	models.EventEnded:     models.WebhookSessionEnded,
}

// tell writes what the account's webhook endpoints are told of a line of the timeline, in the
// transaction that writes the line: either both are committed or neither. The line's id is the
// event's, so that a receiver knows what it has been told twice.
func tell(tx *db.Tx, s *models.Session, line *models.SessionEvent, now models.Time) error {
	what, ok := hooked[line.Type]
	if !ok || s.Room.URL == "" {
		return nil // a session whose room was never made has not been told of
	}
	endpoints, err := tx.WebhookEndpointsFor(s.AccountID, what)
	if err != nil || len(endpoints) == 0 {
		return err
	}
	payload, err := models.SessionWebhook(what, line.At, s)
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		if err := tx.InsertWebhookDelivery(models.NewWebhookDelivery(e, what, line.ID, &s.ID, now), payload); err != nil {
			return err
		}
	}
	return nil
}
