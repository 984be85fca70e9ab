package dbtest

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"greenroom/db"
	"greenroom/models"
)

// The filter of a list in SQL and models.SessionFilter.Matches are one rule.
func testFilterInGo(t *testing.T, store *db.Store) {
	w := NewWorld(t, store)
	other := &models.Avatar{AccountID: w.Account.ID, ID: models.NewID(models.AvatarPrefix, Now), Name: "Other", URL: "https://example.com", CreatedAt: Now}
	w.Do(func(tx *db.Tx) error { return tx.InsertAvatar(other) })
	values := []any{nil, "", "1", "x", "ö😀", true, false, int64(0), int64(1), 1.0, 1.5, json.Number("9007199254740993"), json.Number("9007199254740992.0"), []any{"x"}, map[string]any{"a": "x"}}
	scalars := values[:13]
	keys := []string{"a", "b", "quote\"'", "d.e"}
	rapid.Check(t, func(r *rapid.T) {
		pick := func(of []any, label string) map[string]any {
			object := map[string]any{}
			for _, key := range keys {
				if rapid.Bool().Draw(r, label+key) {
					object[key] = of[rapid.IntRange(0, len(of)-1).Draw(r, label+" value")]
				}
			}
			return object
		}
		s := w.Session(Now+models.Time(rapid.IntRange(-2, 2).Draw(r, "created")), func(s *models.Session) {
			s.Metadata = one(models.NewMetadata(pick(values, "has ")))
			s.AvatarID = rapid.SampledFrom([]string{w.Avatar.ID, other.ID}).Draw(r, "avatar")
			s.EndUserID = rapid.SampledFrom([]*string{nil, new("me"), new("")}).Draw(r, "end user")
		})
		switch rapid.SampledFrom([]string{"created", "started", "ended", "due"}).Draw(r, "status") {
		case "started":
			Started(s.CreatedAt, 0)(s)
		case "ended":
			Ended(s.CreatedAt, s.CreatedAt+5)(s)
		case "due":
			Started(s.CreatedAt, Now)(s)
		}
		w.Insert(s)
		f := models.SessionFilter{
			Status:        rapid.SampledFrom([][]models.SessionStatus{nil, {}, {models.StatusCreated}, {models.StatusStarted, models.StatusEnded}}).Draw(r, "status in"),
			AvatarID:      rapid.SampledFrom([][]string{nil, nil, {}, {other.ID}, {w.Avatar.ID, "nobody"}}).Draw(r, "avatar in"),
			EndUserID:     rapid.SampledFrom([][]string{nil, nil, {"me"}, {""}}).Draw(r, "end user in"),
			EndReason:     rapid.SampledFrom([][]models.EndReason{nil, nil, {models.EndClient}, {models.EndExpired}}).Draw(r, "reason in"),
			CreatedAfter:  rapid.SampledFrom([]*models.Time{nil, new(Now), new(Now + 1)}).Draw(r, "after"),
			CreatedBefore: rapid.SampledFrom([]*models.Time{nil, new(Now), new(Now + 1)}).Draw(r, "before"),
			Metadata:      pick(scalars, "wants "),
		}
		// Of this session alone: those of earlier rounds stand there too.
		page, err := store.Sessions(t.Context(), models.SessionQuery{
			Scope: models.Scope{AccountID: w.Account.ID, SessionID: s.ID}, Filter: f, Page: models.Page{Size: 1},
		}, Now)
		if err != nil {
			r.Fatal(err)
		}
		found := len(page.Nodes) == 1
		settled := *s
		settled.Settle(Now)
		if f.Matches(&settled) != found {
			r.Fatalf("in SQL %v, in Go %v: %+v of %+v, metadata %s", found, !found, f, settled, s.Metadata)
		}
	})
}

func testWarnings(t *testing.T, store *db.Store) {
	w := NewWorld(t, store)
	next := func() models.Time {
		t.Helper()
		if at := must(t, one(store.NextDue(t.Context())), nil); at != nil {
			return *at
		}
		return 0
	}
	same(t, "nothing is due", next(), models.Time(0))
	warned := w.Session(Now, func(s *models.Session) {
		Started(Now, Now+100)(s)
		s.WarnAt = new(Now + 40)
	})
	over := w.Session(Now+1, func(s *models.Session) {
		Started(Now+1, Now+30)(s)
		s.WarnAt = new(Now + 10)
	})
	w.Insert(warned, over, w.Session(Now+2, func(s *models.Session) { Started(Now+2, Now+200)(s) }), w.Session(Now+3, Ended(Now+3, Now+4)))
	same(t, "the warning comes first", next(), Now+10)
	toWarn := func(at models.Time) (found []string) {
		w.Do(func(tx *db.Tx) error {
			rows, err := tx.SessionsToWarn(at, 10)
			found = ids(rows)
			return err
		})
		return found
	}
	same(t, "before", toWarn(Now+9), []string{})
	same(t, "one is near its end", toWarn(Now+10), []string{over.ID})
	same(t, "one is over, the other near", toWarn(Now+40), []string{warned.ID})
	w.Do(func(tx *db.Tx) error {
		row, err := tx.Session(w.Scope(), over.ID)
		if err != nil {
			return err
		}
		row.End(Now+30, models.EndExpired)
		return tx.Swap(row)
	})
	same(t, "the other's warning", next(), Now+40)
}
