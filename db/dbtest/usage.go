package dbtest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greenroom/db"
	"greenroom/models"
)

// day is a day in the unit of models.Time.
const day = models.Time(24 * time.Hour / time.Millisecond)

func (w *World) newAvatar() *models.Avatar {
	w.tb.Helper()
	a := &models.Avatar{AccountID: w.Account.ID, ID: models.NewID(models.AvatarPrefix, Now), Name: "Other", URL: "https://example.com", CreatedAt: Now}
	w.Do(func(tx *db.Tx) error { return tx.InsertAvatar(a) })
	return a
}

func of(a *models.Avatar, change func(*models.Session)) func(*models.Session) {
	return func(s *models.Session) {
		s.AvatarID = a.ID
		change(s)
	}
}

func testUsageReport(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w, stranger := NewWorld(t, store), NewWorld(t, store)
	other := w.newAvatar()
	now := Now - Now%day + day/2 // noon
	from, to := now-3*day-day/2, now+day+day/2
	midnight := from + day
	w.Insert(
		w.Session(from-9000, Ended(from-5000, from+2_999)),                      // 2 s of it on the first day
		w.Session(from-9000, Ended(from-5000, from)),                            // over before
		w.Session(from, of(other, Ended(midnight-1_500, midnight+3_900))),       // 5 s: 2 begin before midnight, 3 after
		w.Session(from, of(other, Ended(midnight-10_000, midnight+day+10_000))), // 10 s, a day, 10 s
		w.Session(from, Started(now-7_900, 0)),                                  // running: 7 s
		w.Session(from, Started(now-day-9_000, now-day-5_000)),                  // due, not written: 4 s
		w.Session(from, Ended(now, now+999)),                                    // ran, but for no second
		w.Session(from, nil),                                                    // never started
		w.Session(to-9000, of(other, Ended(to-5_000, to+5_000))),                // 5 s
		w.Session(to-9000, Ended(to, to+5_000)),                                 // not yet
	)
	stranger.Insert(stranger.Session(from, Ended(from, to)))
	got := one(store.UsageReport(ctx, w.Account.ID, from, to, now))
	want := &models.UsageReport{
		From: from, To: to, Sessions: 7, Seconds: 2 + 5 + 20 + 86_400 + 7 + 4 + 5,
		Days: []*models.UsageDay{
			{Day: from, Sessions: 3, Seconds: 2 + 2 + 10},
			{Day: from + day, Seconds: 3 + 86_400},
			{Day: from + 2*day, Sessions: 1, Seconds: 10 + 4},
			{Day: from + 3*day, Sessions: 2, Seconds: 7},
			{Day: from + 4*day, Sessions: 1, Seconds: 5},
		},
		Avatars: []*models.UsageAvatar{
			{AvatarID: other.ID, Sessions: 3, Seconds: 5 + 86_420 + 5}, {AvatarID: w.Avatar.ID, Sessions: 4, Seconds: 2 + 7 + 4},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}

	part := one(store.UsageReport(ctx, w.Account.ID, now-1, now+1, now))
	same(t, "of two milliseconds", *part, models.UsageReport{
		From: now - 1, To: now + 1, Sessions: 2, Days: []*models.UsageDay{{Day: from + 3*day, Sessions: 2}},
		Avatars: []*models.UsageAvatar{{AvatarID: w.Avatar.ID, Sessions: 2}},
	})
	empty := one(store.UsageReport(ctx, "acct_none", from, to, now))
	same(t, "days of nobody", len(empty.Days), 5)
	same(t, "seconds of nobody", empty.Seconds+empty.Sessions+len(empty.Avatars), 0)

	for i := range models.MaxReportAvatars {
		w.Insert(w.Session(from, of(w.newAvatar(), Ended(from, from+models.Time(i+1)*1000))))
	}
	many := one(store.UsageReport(ctx, w.Account.ID, from, to, now))
	same(t, "avatars named", len(many.Avatars), models.MaxReportAvatars)
	same(t, "the first", *many.Avatars[0], models.UsageAvatar{AvatarID: other.ID, Sessions: 3, Seconds: 86_430})
	same(t, "the last", many.Avatars[models.MaxReportAvatars-1].Seconds, 3)
	same(t, "the rest", many.OtherAvatars, models.UsageOtherAvatars{Avatars: 2, Sessions: 2, Seconds: 1 + 2})
}

// Whatever the sessions and the range, the report is what counting second by second says, and
// its parts add up.
func testUsageReportSums(t *testing.T, store *db.Store) {
	ctx := t.Context()
	rapid.Check(t, func(r *rapid.T) {
		w := NewWorld(t, store)
		avatars := []*models.Avatar{w.Avatar, w.newAvatar(), w.newAvatar()}
		midnight := Now - Now%day
		at := rapid.Custom(func(r *rapid.T) models.Time {
			near := models.Time(rapid.IntRange(-2, 2).Draw(r, "day")) * day
			return midnight + near + models.Time(rapid.OneOf(rapid.IntRange(-3000, 3000), rapid.IntRange(0, int(day))).Draw(r, "of day"))
		})
		var sessions []*models.Session
		for range rapid.IntRange(0, 6).Draw(r, "sessions") {
			start, end := at.Draw(r, "start"), at.Draw(r, "end")
			start, end = min(start, end), max(start, end)
			change := rapid.SampledFrom([]func(*models.Session){
				nil, Started(start, 0), Started(start, end), Ended(start, end),
			}).Draw(r, "session")
			s := w.Session(start, change)
			s.AvatarID = rapid.SampledFrom(avatars).Draw(r, "avatar").ID
			sessions = append(sessions, s)
		}
		w.Insert(sessions...)
		from, to, now := at.Draw(r, "from"), at.Draw(r, "to"), at.Draw(r, "now")
		from, to = min(from, to), max(from, to)+1

		got := one(store.UsageReport(ctx, w.Account.ID, from, to, now))
		if used := one(store.UsedSeconds(ctx, w.Account.ID, from, to, now)); used != got.Seconds {
			r.Fatalf("used seconds are %d, the report has %d", used, got.Seconds)
		}
		if diff := cmp.Diff(naiveReport(sessions, from, to, now), got); diff != "" {
			r.Fatalf("report (-naive +got):\n%s", diff)
		}
		days, named := models.UsageDay{}, models.UsageAvatar{}
		for _, d := range got.Days {
			days.Sessions, days.Seconds = days.Sessions+d.Sessions, days.Seconds+d.Seconds
		}
		for _, a := range got.Avatars {
			named.Sessions, named.Seconds = named.Sessions+a.Sessions, named.Seconds+a.Seconds
		}
		if days.Sessions != got.Sessions || days.Seconds != got.Seconds || named.Sessions != got.Sessions || named.Seconds != got.Seconds {
			r.Fatalf("days add up to %+v, avatars to %+v, the whole is %d and %d", days, named, got.Sessions, got.Seconds)
		}
	})
}

// naiveReport counts second by second, from sessions as reads show them.
func naiveReport(sessions []*models.Session, from, to, now models.Time) *models.UsageReport {
	r := &models.UsageReport{From: from, To: to}
	first := from / day
	for n := first; n*day < to; n++ {
		r.Days = append(r.Days, &models.UsageDay{Day: n * day})
	}
	byAvatar := map[string]*models.UsageAvatar{}
	for _, stored := range sessions {
		s := *stored
		s.Settle(now)
		if s.StartedAt == nil {
			continue
		}
		since, until := max(*s.StartedAt, from), min(now, to)
		if s.EndedAt != nil {
			until = min(*s.EndedAt, to)
		}
		if since >= until {
			continue
		}
		a := byAvatar[s.AvatarID]
		if a == nil {
			a = &models.UsageAvatar{AvatarID: s.AvatarID}
			byAvatar[s.AvatarID] = a
			r.Avatars = append(r.Avatars, a)
		}
		r.Sessions++
		a.Sessions++
		r.Days[since/day-first].Sessions++
		for ; since+1000 <= until; since += 1000 {
			r.Seconds++
			a.Seconds++
			r.Days[since/day-first].Seconds++
		}
	}
	slices.SortFunc(r.Avatars, func(a, b *models.UsageAvatar) int {
		switch {
		case a.Seconds != b.Seconds:
			return b.Seconds - a.Seconds
		case a.Sessions != b.Sessions:
			return b.Sessions - a.Sessions
		case a.AvatarID > b.AvatarID:
			return -1
		default:
			return 1
		}
	})
	return r
}
