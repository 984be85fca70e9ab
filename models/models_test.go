package models_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"greenroom/models"
)

const now models.Time = 1_790_000_000_123

func TestID(t *testing.T) {
	t.Parallel()
	id := models.NewID(models.SessionPrefix, now)
	if !models.ValidID(models.SessionPrefix, id) || models.IDTime(id) != now || len(id) != len("sess_")+26 {
		t.Errorf("made %s of %v", id, models.IDTime(id))
	}
	if models.ValidID(models.AvatarPrefix, id) {
		t.Error("a session's id is taken for an avatar's")
	}
	if later := models.NewID(models.SessionPrefix, now+1); later <= id {
		t.Errorf("%s does not sort behind %s", later, id)
	}
	for _, bad := range []string{
		"", "sess_", "1=1", strings.ToLower(id), id + "0", id[:len(id)-1], " " + id, "sess_8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
		"sess_01M81FAW5H818QBC94QEEN1XMU", "sess_01M81FAW5H818QBC94QEEN1XM\x00", "sess_01M81FAW5H818QBC94QEEN1X' ",
	} {
		if models.ValidID(models.SessionPrefix, bad) {
			t.Errorf("%q is taken for an id", bad)
		}
	}
}

func FuzzValidID(f *testing.F) {
	f.Add(models.NewID(models.SessionPrefix, now))
	f.Add("sess_01M81FAW5H818QBC94QEEN1XMU")
	f.Fuzz(func(t *testing.T, id string) {
		if models.ValidID(models.SessionPrefix, id) && (len(id) != 31 || strings.ToUpper(id[5:]) != id[5:] || strings.ContainsAny(id, "'\"\\ %;")) {
			t.Errorf("%q is taken for an id", id)
		}
	})
}

// Package time says how a time is written.
func TestTimeAppendJSON(t *testing.T) {
	t.Parallel()
	check := func(at models.Time) {
		t.Helper()
		if got, want := string(at.AppendJSON(nil)), at.Std().Format(`"2006-01-02T15:04:05.000Z"`); got != want {
			t.Errorf("%d: %s, want %s", at, got, want)
		}
	}
	for _, year := range []int{1899, 1970, 1972, 1999, 2000, 2001, 2100, 2400, 4000, 9999, 10000, 12345} {
		first := models.TimeOf(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		for day := range models.Time(367) {
			check(first + day*86_400_000)
			check(first + day*86_400_000 - 1)
		}
	}
	for range 10_000 {
		check(models.Time(rand.Int64N(260_000_000_000_000)))
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	models.Time(0).MarshalGQL(&out)
	now.MarshalGQL(&out)
	if want := `"1970-01-01T00:00:00.000Z""2026-09-21T14:13:20.123Z"`; out.String() != want {
		t.Errorf("%s, want %s", &out, want)
	}
	for text, want := range map[string]models.Time{
		"2026-09-21T14:13:20.123Z":       now,
		"2026-09-21T16:13:20.1221+02:00": now, // rounded up
		"1970-01-01T00:00:00Z":           0,
	} {
		var got models.Time
		if err := got.UnmarshalGQL(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, bad := range []any{"", "yesterday", "2026-09-21", "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", 5, nil} {
		var got models.Time
		if err := got.UnmarshalGQL(bad); err == nil {
			t.Errorf("%v: %v", bad, got)
		}
	}
	text, err := json.Marshal(now)
	var back models.Time
	if err := errors.Join(err, json.Unmarshal(text, &back)); err != nil || back != now {
		t.Errorf("%s comes back as %v: %v", text, back, err)
	}
	start, end := models.TimeOf(time.Date(2027, 12, 31, 23, 59, 59, 999e6, time.UTC)).Month()
	if start.String() != "2027-12-01T00:00:00.000Z" || end.String() != "2028-01-01T00:00:00.000Z" {
		t.Errorf("month from %v to %v", start, end)
	}
}

func TestInstant(t *testing.T) {
	t.Parallel()
	at := now
	clock := models.Clock(func() models.Time { at++; return at })
	ctx := clock.WithInstant(t.Context())
	first := clock.Now(ctx)
	if clock.Now(ctx) != first {
		t.Error("now moved within one operation")
	}
	clock.Renew(ctx)
	if clock.Now(ctx) == first {
		t.Error("now was not renewed")
	}
	if early := clock.Now(t.Context()); clock.Now(t.Context()) == early {
		t.Error("without an operation the clock itself counts")
	}
}

func TestNewPage(t *testing.T) {
	t.Parallel()
	id, other := models.NewID(models.SessionPrefix, now), models.NewID(models.AvatarPrefix, now)
	page := func(first *int, after *string, last *int, before *string) (models.Page, error) {
		return models.NewPage(models.SessionPrefix, first, after, last, before)
	}
	for name, c := range map[string]struct {
		first, last   *int
		after, before *string
		want          models.Page
		bad           bool
	}{
		"Nothing":      {want: models.Page{Size: 20}},
		"First":        {first: new(1), want: models.Page{Size: 1}},
		"Last":         {last: new(100), want: models.Page{Size: 100, Backward: true}},
		"Between":      {first: new(5), after: &id, before: &id, want: models.Page{Size: 5, After: id, Before: id}},
		"Both":         {first: new(1), last: new(1), bad: true},
		"Zero":         {first: new(0), bad: true},
		"ZeroLast":     {last: new(0), bad: true},
		"Negative":     {first: new(-1), bad: true},
		"TooMany":      {first: new(101), bad: true},
		"NoCursor":     {after: new("x"), bad: true},
		"EmptyCursor":  {before: new(""), bad: true},
		"OtherListsId": {after: &other, bad: true},
	} {
		got, err := page(c.first, c.after, c.last, c.before)
		if c.bad && models.KindOf(err) != models.KindInvalidInput || !c.bad && (err != nil || got != c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	expired := models.EndExpired
	s := models.Session{StartedAt: (now - 2500).Ptr(), Deadline: now.Ptr(), DeadlineReason: &expired, Revision: 4, AvatarState: models.AvatarReady}
	before, at := s, s
	before.Settle(now - 1)
	at.Settle(now)
	if before.Status() != models.StatusStarted || before.Revision != 4 || before.Duration() != nil {
		t.Errorf("before: %+v", before)
	}
	if at.Status() != models.StatusEnded || *at.EndedAt != now || *at.EndReason != expired || at.Revision != 5 || at.AvatarState != models.AvatarGone || *at.Duration() != 2 {
		t.Errorf("at: %+v", at)
	}
	again := at
	again.Settle(now + 1000)
	if again != at {
		t.Errorf("settled twice: %+v", again)
	}
}

// What a reader of a due session sees of its end is what the sweep writes.
func TestTimeline(t *testing.T) {
	t.Parallel()
	expired := models.EndExpired
	due := models.Session{ID: models.NewID(models.SessionPrefix, now-9000), StartedAt: (now - 2500).Ptr(), Deadline: now.Ptr(), DeadlineReason: &expired, Revision: 4}
	stored := []*models.SessionEvent{{Type: models.EventCreated, Revision: 1}, {Type: models.EventStarted, Revision: 4}}
	if got := due.Timeline(stored, nil); len(got) != 2 {
		t.Errorf("before: %v", got)
	}
	due.Settle(now)
	got := due.Timeline(stored, nil)
	if len(got) != 3 || len(stored) != 2 || got[2].Type != models.EventEnded || got[2].At != now || got[2].Revision != 5 || got[2].Actor != models.ActorSystem {
		t.Fatalf("at its deadline: %+v", got)
	}
	if written := due.EndEvent(models.ActorSystem); written.ID != got[2].ID || !models.ValidID(models.EventPrefix, written.ID) || models.IDTime(written.ID) != now {
		t.Errorf("read as %s, written as %s", got[2].ID, written.ID)
	}
	if again := due.Timeline(got, nil); len(again) != 3 {
		t.Errorf("once it is written: %v", again)
	}
	if newest := due.Timeline(stored[1:], new(1)); len(newest) != 1 || newest[0].Type != models.EventEnded {
		t.Errorf("the newest one: %v", newest)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("start session: %w", &models.Error{Kind: models.KindSessionEnded, Message: "own words"})
	if !errors.Is(err, models.ErrSessionEnded) || errors.Is(err, models.ErrNotFound) || models.KindOf(err) != models.KindSessionEnded {
		t.Errorf("%v", err)
	}
	if models.KindOf(errors.New("x")) != "" {
		t.Error("an error without a kind has one")
	}
}
