package graph_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"greenroom/db"
	"greenroom/models"
)

// seed stores n sessions, each with an avatar of its own and five events.
func (w *world) seed(n int) {
	w.t.Helper()
	scope := w.mine.AccountID
	for i := range n / 5 {
		hook := &models.WebhookEndpoint{
			AccountID: scope, ID: models.NewID(models.WebhookPrefix, epoch-models.Time(i)), URL: "https://x.example",
			EventTypes: []models.WebhookEventType{models.WebhookSessionEnded}, CreatedAt: epoch,
		}
		if err := w.store.Write(context.Background(), func(tx *db.Tx) error { return tx.InsertWebhookEndpoint(hook) }); err != nil {
			w.t.Fatal(err)
		}
	}
	for i := range n {
		at := epoch + models.Time(i) - 1000
		avatar := &models.Avatar{
			AccountID: scope, ID: models.NewID(models.AvatarPrefix, at), Name: "Ada", URL: "https://x.example", CreatedAt: at,
		}
		s := &models.Session{
			AccountID: scope, ID: models.NewID(models.SessionPrefix, at), AvatarID: avatar.ID,
			SessionType: models.WebRTCVideo, Metadata: models.EmptyMetadata, CreatedAt: at, StartedAt: &at,
			Revision: 1, Version: 1, AvatarState: models.AvatarWaiting, TokenGeneration: 1,
			Room: models.Room{State: models.RoomReady, URL: "https://x.daily.co/room", Exp: epoch},
		}
		s.Room.Name = "test-s-" + strings.ToLower(models.ULID(s.ID))
		err := w.store.Write(context.Background(), func(tx *db.Tx) error {
			if err := tx.InsertAvatar(avatar); err != nil {
				return err
			}
			if err := tx.InsertSession(s); err != nil {
				return err
			}
			for revision := range 5 {
				if err := tx.InsertEvent(&models.SessionEvent{
					AccountID: scope, SessionID: s.ID, Revision: revision + 1, ID: models.NewID(models.EventPrefix, at),
					Type: models.EventParticipantJoined, At: at, Actor: models.ActorParticipant,
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// A page costs as many statements as it has kinds of rows, not as it has rows. In a bubble the
// loaders' millisecond passes only when every field waits for one of them, however slow the
// machine is. The store stays outside of it: its writer and GORM's cache have goroutines.
func TestStatements(t *testing.T) {
	t.Parallel()
	const everything = `id revision status sessionType metadata duration dailyRoom { url token } avatar { id name }
		events(last: 3) { id type } all: events { id }`
	for name, c := range map[string]struct {
		query string
		want  int64
	}{
		"OfAPage":               {`{ sessions(first: 50) { nodes { ` + everything + ` } pageInfo { endCursor } totalCount } }`, 1 + 1 + 2},
		"OfAPageByEdges":        {`{ sessions(first: 50) { edges { cursor node { avatar { name } } } } }`, 1},
		"OfEndpointsDeliveries": {`{ viewer { account { webhookEndpoints(first: 10) { totalCount nodes { deliveries(first: 5) { totalCount nodes { id attempts { at } } } } } } } }`, 1 + 1 + 1 + 1 + 1},
		"OfAvatarsSessions":     {`{ avatars(last: 50) { nodes { sessions(first: 2) { totalCount nodes { id avatar { id } } } } } }`, 1 + 1 + 1 + 1},
		"OfListsThatDiffer":     {`{ avatars(first: 50) { nodes { a: sessions(first: 2) { nodes { id } } b: sessions(last: 2) { nodes { id } } } } }`, 1 + 2},
		"OfNestingUpAndDown":    {`{ sessions(first: 10) { nodes { avatar { sessions(first: 3) { nodes { avatar { sessions(first: 3) { nodes { id } } } } } } } } }`, 1 + 1 + 1},
		"OfHoldersAndTheirs":    {`{ viewer { account { concurrency { current holders { ` + everything + ` } } } } }`, 1 + 2 + 1 + 1 + 2},
		"OfAReport":             {`{ viewer { account { usageReport(from: "2026-09-01T00:00:00Z", to: "2026-10-01T00:00:00Z") { seconds days { day seconds } avatars { seconds avatar { name } } otherAvatars { avatars } } } } }`, 1 + 1 + 1},
		"OfWhatIsNotSelected":   {`{ viewer { kind } serverTime }`, 0},
		"OfACountOnly":          {`{ sessions { totalCount } }`, 1},
		"OfCountsOfManyAvatars": {`{ avatars(first: 50) { nodes { sessions(first: 1) { totalCount } } } }`, 1 + 1 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{t: t, log: &logbook{}}
			w.now.Store(int64(epoch))
			w.assemble(nil)
			t.Cleanup(func() { _ = w.store.Close(); w.hub.Close() })
			w.seed(50)
			synctest.Test(t, func(t *testing.T) {
				ctx, n := counting(as(w.mine))
				got := w.askIn(ctx, c.query, nil)
				if len(got.Errors) > 0 {
					t.Fatal(got.body)
				}
				if n.Load() != c.want {
					t.Errorf("%d statements, want %d", n.Load(), c.want)
				}
			})
		})
	}
}
