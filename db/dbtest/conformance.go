// Package dbtest holds what every database must do: one suite, run on each engine.
package dbtest

import (
	"context"
	"crypto/sha256"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/db"
	"greenroom/models"
)

// Now is the instant at which the suite's world stands.
const Now models.Time = 1_790_000_000_000

// Run runs the suite. open gives each test a fresh, migrated store.
func Run(t *testing.T, open func(t *testing.T) *db.Store) {
	for name, test := range map[string]func(*testing.T, *db.Store){
		"Accounts":          testAccounts,
		"Avatars":           testAvatars,
		"Keys":              testKeys,
		"Tokens":            testTokens,
		"Idempotency":       testIdempotency,
		"Events":            testEvents,
		"Settings":          testSettings,
		"Swap":              testSwap,
		"SwapWritesAll":     testSwapWritesAll,
		"Rooms":             testRooms,
		"Pages":             testPages,
		"Selections":        testSelections,
		"Filters":           testFilters,
		"MetadataFilter":    testMetadataFilter,
		"FilterInGo":        testFilterInGo,
		"ByAvatar":          testByAvatar,
		"UsedSeconds":       testUsedSeconds,
		"UsageReport":       testUsageReport,
		"UsageReportSums":   testUsageReportSums,
		"Due":               testDue,
		"Live":              testLive,
		"WebhookEndpoints":  testWebhookEndpoints,
		"WebhookSecrets":    testWebhookSecrets,
		"WebhookDeliveries": testWebhookDeliveries,
		"Warnings":          testWarnings,
		"Write":             testWrite,
		"Isolation":         testIsolation,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// A World is an account with an avatar, to put sessions into.
type World struct {
	tb      testing.TB
	Store   *db.Store
	Account *models.Account
	Avatar  *models.Avatar
}

// NewWorld adds an account with one avatar to the store.
func NewWorld(tb testing.TB, store *db.Store) *World {
	tb.Helper()
	w := &World{tb: tb, Store: store}
	w.Account = &models.Account{ID: models.NewID(models.AccountPrefix, Now), Name: "Acme", PlanKey: "pro", CreatedAt: Now}
	w.Avatar = &models.Avatar{
		AccountID: w.Account.ID, ID: models.NewID(models.AvatarPrefix, Now),
		Name: "Ada", URL: "https://example.com/ada.png", CreatedAt: Now,
	}
	w.Do(func(tx *db.Tx) error {
		if err := tx.InsertAccount(w.Account); err != nil {
			return err
		}
		return tx.InsertAvatar(w.Avatar)
	})
	return w
}

// Do writes, and fails the test when that fails.
func (w *World) Do(fn func(*db.Tx) error) {
	w.tb.Helper()
	if err := w.Store.Write(context.Background(), fn); err != nil {
		w.tb.Fatalf("write: %v", err)
	}
}

// Scope is the whole account.
func (w *World) Scope() models.Scope { return models.Scope{AccountID: w.Account.ID} }

// Session is a live session that was created at the given time, changed by change; not stored.
func (w *World) Session(created models.Time, change func(*models.Session)) *models.Session {
	id := models.NewID(models.SessionPrefix, created)
	never := models.EndNeverStarted
	s := &models.Session{
		AccountID: w.Account.ID, ID: id, AvatarID: w.Avatar.ID, SessionType: models.WebRTCVideo,
		Metadata: models.EmptyMetadata, CreatedAt: created,
		Deadline: created.Add(600e9).Ptr(), DeadlineReason: &never,
		Revision: 1, Version: 1, AvatarState: models.AvatarWaiting, TokenGeneration: 1,
		Room: models.Room{State: models.RoomReady, Name: "test-s-" + models.ULID(id), URL: "https://x.daily.co/r", Exp: created.Add(3600e9), Fence: 1},
	}
	if change != nil {
		change(s)
	}
	return s
}

// Insert stores sessions.
func (w *World) Insert(sessions ...*models.Session) {
	w.tb.Helper()
	w.Do(func(tx *db.Tx) error {
		for _, s := range sessions {
			if err := tx.InsertSession(s); err != nil {
				return err
			}
		}
		return nil
	})
}

// Started is a change: started at, ending by itself at deadline when that is not 0.
func Started(at, deadline models.Time) func(*models.Session) {
	return func(s *models.Session) {
		s.StartedAt, s.Deadline, s.DeadlineReason = &at, nil, nil
		s.AvatarState = models.AvatarReady
		if deadline != 0 {
			expired := models.EndExpired
			s.Expiration, s.Deadline, s.DeadlineReason = &deadline, &deadline, &expired
		}
	}
}

// Ended is a change: started at, ended at, on request.
func Ended(start, end models.Time) func(*models.Session) {
	return func(s *models.Session) {
		Started(start, 0)(s)
		s.End(end, models.EndClient)
	}
}

func hash(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// one is v; a database that fails here ends the whole test.
func one[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func ids(nodes []*models.Session) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = n.ID
	}
	return out
}
