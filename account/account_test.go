package account_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/account"
	"greenroom/auth"
	"greenroom/db"
	"greenroom/events"
	"greenroom/models"
)

// noon is what every test's clock says.
const noon models.Time = 1_800_014_400_000

type fixture struct {
	*account.Service
	store *db.Store
	// mine and other hold an API key of two accounts, phone an access token of mine's.
	mine, other, phone context.Context
	avatar             *models.Avatar
	session            *models.Session
}

func setup(t *testing.T) fixture {
	t.Helper()
	hub, err := events.Open(events.Config{Environment: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hub.Close)
	store, err := db.Open(t.Context(), "sqlite:"+t.TempDir()+"/x.db", db.Options{Committed: hub.Publish})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	places, minutes := 2, 60
	plans := models.Plans{
		"small": {Key: "small", Name: "Small", MaxConcurrentSessions: &places, IncludedMinutes: &minutes},
		"open":  {Key: "open", Name: "Open"},
	}
	clock := models.Clock(func() models.Time { return noon })
	f := fixture{Service: account.New(store, hub, plans, clock, slog.New(slog.DiscardHandler)), store: store}
	f.mine, f.other = f.signedUp(t, "small"), f.signedUp(t, "open")
	if f.avatar, err = f.CreateAvatar(f.mine, "Ada", "https://pictures.example/ada.png"); err != nil {
		t.Fatal(err)
	}
	f.session = f.running(t, noon-90_000)
	f.phone = auth.WithCaller(t.Context(), &auth.Caller{
		Kind: auth.AccessToken, AccountID: f.avatar.AccountID, SessionID: f.session.ID, AvatarID: f.avatar.ID,
	})
	return f
}

func (f fixture) signedUp(t *testing.T, plan string) context.Context {
	t.Helper()
	made, err := f.OperatorCreateAccount(t.Context(), "Somebody", plan)
	if err != nil {
		t.Fatal(err)
	}
	return auth.WithCaller(t.Context(), &auth.Caller{Kind: auth.APIKey, AccountID: made.ID})
}

// running stores a session of mine's that started at the given time.
func (f fixture) running(t *testing.T, since models.Time) *models.Session {
	t.Helper()
	s := &models.Session{
		AccountID: f.avatar.AccountID, ID: models.NewID(models.SessionPrefix, since), AvatarID: f.avatar.ID,
		SessionType: models.WebRTCVideo, Metadata: models.EmptyMetadata, CreatedAt: since, StartedAt: &since,
		Revision: 2, Version: 1, AvatarState: models.AvatarReady, TokenGeneration: 1,
		Room: models.Room{State: models.RoomReady, Exp: noon + 3_600_000},
	}
	s.Room.Name = "test-s-" + strings.ToLower(models.ULID(s.ID))
	if err := f.store.Write(t.Context(), func(tx *db.Tx) error { return tx.InsertSession(s) }); err != nil {
		t.Fatal(err)
	}
	return s
}

// check fails unless err is of the kind and, when fields are given, about that field.
func check(t *testing.T, err error, want models.Kind, field ...string) {
	t.Helper()
	if models.KindOf(err) != want {
		t.Fatalf("got error %v, want kind %q", err, want)
	}
	if refusal, ok := errors.AsType[*models.Error](err); ok && field != nil {
		if diff := cmp.Diff(field, refusal.Field); diff != "" {
			t.Fatalf("field (-want +got):\n%s", diff)
		}
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	f := setup(t)

	t.Run("IsTheCallersOwn", func(t *testing.T) {
		t.Parallel()
		got, err := f.Account(f.mine)
		if err != nil || got.ID != f.avatar.AccountID || got.PlanKey != "small" {
			t.Fatalf("got %+v, %v", got, err)
		}
	})
	t.Run("IsNotForAccessTokens", func(t *testing.T) {
		t.Parallel()
		_, err := f.Account(f.phone)
		check(t, err, models.KindForbidden)
	})
	t.Run("IsNotForStrangers", func(t *testing.T) {
		t.Parallel()
		_, err := f.Account(t.Context())
		check(t, err, models.KindUnauthenticated)
	})
	t.Run("NeedsAConfiguredPlan", func(t *testing.T) {
		t.Parallel()
		_, err := f.OperatorCreateAccount(t.Context(), "Somebody", "golden")
		check(t, err, models.KindInvalidInput, "plan")
	})
}

func TestPlan(t *testing.T) {
	t.Parallel()
	f := setup(t)

	t.Run("ThatIsNoLongerConfiguredAllowsNothing", func(t *testing.T) {
		t.Parallel()
		got := f.Plan(&models.Account{ID: "acct_x", PlanKey: "gone"})
		none := 0
		want := models.Plan{Key: "gone", Name: "gone", MaxConcurrentSessions: &none, MaxSessionDuration: &none, IncludedMinutes: &none}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("plan (-want +got):\n%s", diff)
		}
	})
	t.Run("CountsPlacesAndTheirHolders", func(t *testing.T) {
		t.Parallel()
		got, err := f.Concurrency(f.mine, f.avatar.AccountID)
		if err != nil || got.Current != 1 || *got.Max != 2 || *got.Available() != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
		holders, err := f.Holders(f.mine, f.avatar.AccountID)
		if err != nil || len(holders) != 1 || holders[0].ID != f.session.ID {
			t.Fatalf("got %v, %v", holders, err)
		}
	})
	t.Run("HidesOtherAccountsPlaces", func(t *testing.T) {
		t.Parallel()
		_, err := f.Concurrency(f.other, f.avatar.AccountID)
		check(t, err, models.KindNotFound)
		_, err = f.Holders(f.other, f.avatar.AccountID)
		check(t, err, models.KindNotFound)
		_, err = f.Usage(f.other, &models.Account{ID: f.avatar.AccountID, PlanKey: "small"})
		check(t, err, models.KindNotFound)
		_, err = f.UsageReport(f.other, &models.Account{ID: f.avatar.AccountID}, noon-1, noon)
		check(t, err, models.KindNotFound)
		_, err = f.UsageReport(f.phone, &models.Account{ID: f.avatar.AccountID}, noon-1, noon)
		check(t, err, models.KindForbidden)
	})
}

func TestUsage(t *testing.T) {
	t.Parallel()
	f := setup(t)
	start, end := noon.Month()

	t.Run("CountsRunningSessionsUpToNow", func(t *testing.T) {
		t.Parallel()
		a, err := f.Account(f.mine)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Usage(f.mine, a)
		left := 60*60 - 90
		want := &models.Usage{PeriodStart: start, PeriodEnd: end, UsedSeconds: 90, RemainingSeconds: &left}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("error %v, usage (-want +got):\n%s", err, diff)
		}
	})
	t.Run("IsUnlimitedWhereThePlanIs", func(t *testing.T) {
		t.Parallel()
		a, err := f.Account(f.other)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Usage(f.other, a)
		want := &models.Usage{PeriodStart: start, PeriodEnd: end}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("error %v, usage (-want +got):\n%s", err, diff)
		}
	})
}

func TestUsageReport(t *testing.T) {
	t.Parallel()
	f := setup(t)
	a, err := f.Account(f.mine)
	if err != nil {
		t.Fatal(err)
	}
	start, end := noon.Month()

	for name, to := range map[string]models.Time{"ToNow": noon, "ToTheEndOfTheMonth": end} {
		t.Run("HasTheMonthsUsage"+name, func(t *testing.T) {
			t.Parallel()
			got, err := f.UsageReport(f.mine, a, start, to)
			if err != nil {
				t.Fatal(err)
			}
			usage, err := f.Usage(f.mine, a)
			if err != nil || got.Seconds != usage.UsedSeconds || got.Seconds != 90 || got.Sessions != 1 {
				t.Errorf("error %v, report %+v, usage %+v", err, got, usage)
			}
			today := got.Days[(noon-start)/models.Time(24*time.Hour.Milliseconds())]
			if diff := cmp.Diff(&models.UsageDay{Day: noon - noon%models.Time(24*time.Hour.Milliseconds()), Sessions: 1, Seconds: 90}, today); diff != "" {
				t.Errorf("today (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("IsOfAYearAtMost", func(t *testing.T) {
		t.Parallel()
		year := noon.Add(models.MaxReport)
		got, err := f.UsageReport(f.mine, a, noon, year)
		if err != nil || len(got.Days) != 367 {
			t.Errorf("error %v, %d days", err, len(got.Days))
		}
		last := models.TimeOf(time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC))
		for _, to := range []models.Time{year + 1, noon, noon - 1, 0, last} {
			_, err := f.UsageReport(f.mine, a, noon, to)
			check(t, err, models.KindInvalidInput)
		}
		_, err = f.UsageReport(f.mine, a, 0, last)
		check(t, err, models.KindInvalidInput)
	})
}
