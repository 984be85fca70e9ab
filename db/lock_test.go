package db_test

import (
	"sync"
	"testing"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

// Who holds a row keeps others from changing it, but not from writing rows that refer to it: a
// session's move writes deliveries to endpoints whose failures are being noted, and the other way
// round.
func TestALockLetsOthersReferToTheRow(t *testing.T) {
	t.Parallel()
	store := openPostgres(t)
	w := dbtest.NewWorld(t, store)
	s, endpoint := w.Session(dbtest.Now, nil), w.Endpoint(dbtest.Now, models.WebhookSessionEnded)
	w.Insert(s)
	useAvatar := func(tx *db.Tx) error { _, err := tx.AvatarInUse(w.Scope(), s.AvatarID); return err }
	for name, test := range map[string]struct{ lock, refer func(*db.Tx) error }{
		"Account": {
			func(tx *db.Tx) error { _, err := tx.LockAccount(w.Account.ID); return err },
			func(tx *db.Tx) error { return tx.InsertSession(w.Session(dbtest.Now, nil)) },
		},
		"Session": {
			func(tx *db.Tx) error { _, err := tx.Session(w.Scope(), s.ID); return err },
			func(tx *db.Tx) error {
				return tx.InsertEvent(&models.SessionEvent{
					AccountID: s.AccountID, SessionID: s.ID, Revision: 9, ID: models.NewID(models.EventPrefix, dbtest.Now),
					Type: models.EventCreated, At: dbtest.Now, Actor: models.ActorAPIKey,
				})
			},
		},
		"Avatar": {useAvatar, useAvatar}, // which all sessions of an account may have
		"WebhookEndpoint": {
			func(tx *db.Tx) error { _, err := tx.WebhookEndpoint(w.Account.ID, endpoint.ID); return err },
			func(tx *db.Tx) error {
				d := models.NewWebhookDelivery(endpoint, models.WebhookTest, models.NewID(models.EventPrefix, dbtest.Now), nil, dbtest.Now)
				return tx.InsertWebhookDelivery(d, `{}`)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			locked, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			held := sync.OnceFunc(func() { close(locked) }) // a closure may run again
			go func() {
				done <- store.Write(t.Context(), func(tx *db.Tx) error {
					err := test.lock(tx)
					held()
					<-release
					return err
				})
			}()
			<-locked
			// Were it to wait, it would give up, or get its way when the other's time is over.
			if err := store.Write(t.Context(), test.refer); err != nil {
				t.Error(err)
			}
			close(release)
			if err := <-done; err != nil {
				t.Errorf("the one that holds it: %v", err)
			}
		})
	}
}
