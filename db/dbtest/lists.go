package dbtest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"greenroom/db"
	"greenroom/models"
)

func testPages(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	var all []string
	for i := range 7 {
		s := w.Session(Now+models.Time(i/2), nil) // some in the same millisecond
		w.Insert(s)
		all = append(all, s.ID)
	}
	slices.Sort(all) // within a millisecond, ids are in no order
	newest := slices.Clone(all)
	slices.Reverse(newest)
	for _, ascending := range []bool{false, true} {
		list := newest
		if ascending {
			list = all
		}
		walk := func(backward bool) []string {
			var seen []string
			page := models.Page{Size: 3, Backward: backward}
			for {
				c, err := store.Sessions(ctx, models.SessionQuery{Scope: w.Scope(), Ascending: ascending, Page: page}, Now)
				must(t, c, err)
				if backward {
					seen = append(ids(c.Nodes), seen...)
					if !c.PageInfo.HasPreviousPage {
						return seen
					}
					page.Before = *c.PageInfo.StartCursor
					continue
				}
				seen = append(seen, ids(c.Nodes)...)
				if !c.PageInfo.HasNextPage {
					return seen
				}
				page.After = *c.PageInfo.EndCursor
			}
		}
		same(t, fmt.Sprintf("forward, ascending %v", ascending), walk(false), list)
		same(t, fmt.Sprintf("backward, ascending %v", ascending), walk(true), list)
		between, err := store.Sessions(ctx, models.SessionQuery{
			Scope: w.Scope(), Ascending: ascending, Page: models.Page{Size: 10, After: list[1], Before: list[5]},
		}, Now)
		same(t, "between two cursors", ids(must(t, between, err).Nodes), list[2:5])
	}
	empty, err := store.Sessions(ctx, models.SessionQuery{Scope: w.Scope(), Page: models.Page{Size: 3, After: all[0]}}, Now)
	same(t, "past the end", must(t, empty, err).PageInfo, models.PageInfo{HasPreviousPage: true})
}

func testFilters(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	user := "user-1"
	created := w.Session(Now, func(s *models.Session) { s.EndUserID = &user })
	due := w.Session(Now+1, func(s *models.Session) { s.Deadline = (Now + 50).Ptr() })
	running := w.Session(Now+2, Started(Now+10, Now+100_000))
	over := w.Session(Now+3, Ended(Now+10, Now+20))
	w.Insert(created, due, running, over)
	at := Now + 50
	find := func(f models.SessionFilter) []string {
		t.Helper()
		q := models.SessionQuery{Scope: w.Scope(), Filter: f, Ascending: true, Page: models.Page{Size: 10}}
		page := one(store.Sessions(ctx, q, at))
		same(t, "count", one(store.CountSessions(ctx, q, at)), len(page.Nodes))
		return ids(page.Nodes)
	}
	same(t, "created", find(models.SessionFilter{Status: []models.SessionStatus{models.StatusCreated}}), []string{created.ID})
	same(t, "started", find(models.SessionFilter{Status: []models.SessionStatus{models.StatusStarted}}), []string{running.ID})
	same(t, "ended, due ones too", find(models.SessionFilter{Status: []models.SessionStatus{models.StatusEnded}}), []string{due.ID, over.ID})
	same(t, "two statuses", find(models.SessionFilter{Status: []models.SessionStatus{models.StatusEnded, models.StatusStarted}}), []string{due.ID, running.ID, over.ID})
	same(t, "no status", find(models.SessionFilter{Status: []models.SessionStatus{}}), []string{})
	same(t, "reason of a due one", find(models.SessionFilter{EndReason: []models.EndReason{models.EndNeverStarted}}), []string{due.ID})
	same(t, "reasons", find(models.SessionFilter{EndReason: []models.EndReason{models.EndClient, models.EndExpired}}), []string{over.ID})
	same(t, "no reason", find(models.SessionFilter{EndReason: []models.EndReason{}}), []string{})
	same(t, "avatar", len(find(models.SessionFilter{AvatarID: []string{w.Avatar.ID}})), 4)
	same(t, "no avatar", find(models.SessionFilter{AvatarID: []string{}}), []string{})
	same(t, "end user", find(models.SessionFilter{EndUserID: []string{"user-1", "user-2"}}), []string{created.ID})
	same(t, "created after, inclusive", find(models.SessionFilter{CreatedAfter: (Now + 2).Ptr()}), []string{running.ID, over.ID})
	same(t, "created before, exclusive", find(models.SessionFilter{CreatedBefore: (Now + 2).Ptr()}), []string{created.ID, due.ID})
	same(t, "all conditions hold", find(models.SessionFilter{EndUserID: []string{"user-1"}, Status: []models.SessionStatus{models.StatusEnded}}), []string{})
	same(t, "holders", ids(one(store.Holders(ctx, w.Account.ID, at, 10))), []string{created.ID, running.ID})
	same(t, "places", one(store.CountLive(ctx, w.Account.ID, at)), 2)
}

func testMetadataFilter(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	object := map[string]any{
		"plain": "x", "quote\"'`\\": "q", "dot.ted": "d", "$": "dollar", "": "empty key", "ünï 😀": "ö",
		"n": int64(1), "f": 1.5, "t": true, "no": false, "list": []any{"x"}, "deep": map[string]any{"a": "x"}, "text1": "1", "nl\n\t": "tab\there",
	}
	text := one(models.NewMetadata(object))
	s := w.Session(Now, func(s *models.Session) { s.Metadata = text })
	w.Insert(s, w.Session(Now+1, nil))
	found := func(want models.JSONObject) bool {
		t.Helper()
		q := models.SessionQuery{Scope: w.Scope(), Filter: models.SessionFilter{Metadata: want}, Page: models.Page{Size: 10}}
		page, err := store.Sessions(ctx, q, Now)
		if err != nil {
			t.Errorf("filter %v: %v", want, err)
			return false
		}
		return slices.Contains(ids(page.Nodes), s.ID)
	}
	for key, value := range object {
		switch value.(type) {
		case []any, map[string]any:
			continue
		}
		if !found(models.JSONObject{key: value}) {
			t.Errorf("%q: %v does not match itself", key, value)
		}
		if found(models.JSONObject{key: "something else"}) {
			t.Errorf("%q matches something else", key)
		}
	}
	for _, c := range []struct {
		want models.JSONObject
		is   bool
	}{
		{models.JSONObject{"n": 1.0}, true}, {models.JSONObject{"n": "1"}, false}, {models.JSONObject{"text1": int64(1)}, false},
		{models.JSONObject{"t": "true"}, false}, {models.JSONObject{"t": int64(1)}, false}, {models.JSONObject{"no": false, "t": true}, true},
		{models.JSONObject{"no": false, "t": false}, false}, {models.JSONObject{"missing": "x"}, false}, {models.JSONObject{"missing": nil, "n": int64(1)}, true},
		{models.JSONObject{}, true}, {models.JSONObject{"plain' OR 1=1 --": "x"}, false}, {models.JSONObject{"plain": "' OR '1'='1"}, false},
	} {
		if found(c.want) != c.is {
			t.Errorf("filter %v: match is %v, want %v", c.want, !c.is, c.is)
		}
	}
	bad := func(want models.JSONObject) {
		t.Helper()
		q := models.SessionQuery{Scope: w.Scope(), Filter: models.SessionFilter{Metadata: want}, Page: models.Page{Size: 10}}
		if _, err := store.Sessions(ctx, q, Now); models.KindOf(err) != models.KindInvalidInput {
			t.Errorf("filter %v: %v", want, err)
		}
	}
	bad(models.JSONObject{"list": []any{"x"}})
	bad(models.JSONObject{"deep": map[string]any{"a": "x"}})
	bad(models.JSONObject{"a": "", "b": "", "c": "", "d": "", "e": "", "f": ""})
	bad(models.JSONObject{"nul": "a\x00b"})
	bad(models.JSONObject{"nul\x00": "ab"})
}

func testByAvatar(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	other := &models.Avatar{AccountID: w.Account.ID, ID: models.NewID(models.AvatarPrefix, Now), Name: "Other", URL: "https://example.com", CreatedAt: Now}
	w.Do(func(tx *db.Tx) error { return tx.InsertAvatar(other) })
	for i := range 9 {
		w.Insert(w.Session(Now+models.Time(i), func(s *models.Session) {
			if i%3 == 0 {
				s.AvatarID = other.ID
			}
		}))
	}
	avatars := []string{w.Avatar.ID, other.ID, models.NewID(models.AvatarPrefix, Now)}
	for _, page := range []models.Page{{Size: 2}, {Size: 2, Backward: true}, {Size: 100}} {
		for _, ascending := range []bool{false, true} {
			q := models.SessionQuery{Scope: w.Scope(), Ascending: ascending, Page: page}
			batch := one(store.SessionsByAvatar(ctx, avatars, q, Now))
			counts := one(store.CountSessionsByAvatar(ctx, avatars, q, Now))
			for _, id := range avatars {
				alone := q
				alone.Filter.AvatarID = []string{id}
				want := one(store.Sessions(ctx, alone, Now))
				same(t, "page in a batch", ids(batch[id].Nodes), ids(want.Nodes))
				same(t, "its info", batch[id].PageInfo, want.PageInfo)
				same(t, "its count", counts[id], one(store.CountSessions(ctx, alone, Now)))
			}
		}
	}
}

func testUsedSeconds(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	from, to := Now.Month()
	w.Insert(
		w.Session(from-50_000, Ended(from-10_000, from+2_999)),  // 2 s of it this month
		w.Session(from, Ended(from+1000, from+4_500)),           // 3 s
		w.Session(from, Started(Now-7_900, 0)),                  // running: 7 s
		w.Session(from, Started(Now-9_000, Now-5_000)),          // due: 4 s, whether or not it is written
		w.Session(from-90_000, Ended(from-80_000, from-70_000)), // last month
		w.Session(from, Ended(from+1000, from+1999)),            // 0 s
		w.Session(Now, nil),                                     // never started
		w.Session(to-10_000, Ended(to-5_000, to+5_000)),         // 5 s
	)
	same(t, "used", one(store.UsedSeconds(ctx, w.Account.ID, from, to, Now)), 2+3+7+4+5)
	w.Do(func(tx *db.Tx) error {
		same(t, "used in a transaction", one(tx.UsedSeconds(w.Account.ID, from, to, Now)), 21)
		return nil
	})
	same(t, "of nobody", one(store.UsedSeconds(ctx, "acct_none", from, to, Now)), 0)
}

// testDue holds the SQL fragment of the due rule and models.Session.Settle together: whatever
// the row and the instant, filters and counts find exactly what a read shows.
func testDue(t *testing.T, store *db.Store) {
	ctx := t.Context()
	rapid.Check(t, func(r *rapid.T) {
		w := NewWorld(t, store)
		tick := rapid.Int64Range(-2, 2)
		reasons := []models.EndReason{models.EndExpired, models.EndNeverStarted, models.EndQuotaExhausted}
		var sessions []*models.Session
		for range rapid.IntRange(1, 6).Draw(r, "sessions") {
			sessions = append(sessions, w.Session(Now-10, func(s *models.Session) {
				if rapid.Bool().Draw(r, "started") {
					s.StartedAt = (Now - 5).Ptr()
				}
				s.Deadline, s.DeadlineReason = nil, nil
				if rapid.Bool().Draw(r, "deadline") {
					s.Deadline = (Now + models.Time(tick.Draw(r, "due"))).Ptr()
					s.DeadlineReason = &reasons[rapid.IntRange(0, 2).Draw(r, "reason")]
				}
				if rapid.Bool().Draw(r, "ended") {
					s.End(Now+models.Time(tick.Draw(r, "end")), models.EndClient)
				}
			}))
		}
		w.Insert(sessions...)
		at := Now + models.Time(tick.Draw(r, "now"))
		q := models.SessionQuery{Scope: w.Scope(), Page: models.Page{Size: 100}}
		all := one(store.Sessions(ctx, q, at)).Nodes
		live := 0
		for _, status := range []models.SessionStatus{models.StatusCreated, models.StatusStarted, models.StatusEnded} {
			var want []string
			for _, s := range all {
				if s.Status() == status {
					want = append(want, s.ID)
				}
			}
			if status != models.StatusEnded {
				live += len(want)
			}
			q.Filter = models.SessionFilter{Status: []models.SessionStatus{status}}
			if got := ids(one(store.Sessions(ctx, q, at)).Nodes); !slices.Equal(got, want) {
				r.Fatalf("%s: filter finds %v, reads say %v", status, got, want)
			}
		}
		if n := one(store.CountLive(ctx, w.Account.ID, at)); n != live {
			r.Fatalf("%d places taken, reads say %d", n, live)
		}
		for _, reason := range append(reasons, models.EndClient) {
			var want []string
			for _, s := range all {
				if s.EndReason != nil && *s.EndReason == reason {
					want = append(want, s.ID)
				}
			}
			q.Filter = models.SessionFilter{EndReason: []models.EndReason{reason}}
			if got := ids(one(store.Sessions(ctx, q, at)).Nodes); !slices.Equal(got, want) {
				r.Fatalf("%s: filter finds %v, reads say %v", reason, got, want)
			}
		}
	})
}

// testIsolation asks for everything of one account under another's scope.
func testIsolation(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w, other := NewWorld(t, store), NewWorld(t, store)
	s := w.Session(Now, nil)
	w.Insert(s)
	foreign := other.Scope()
	for what, err := range map[string]error{
		"session": second(store.Session(ctx, foreign, s.ID, Now)),
		"avatar":  second(store.Avatar(ctx, foreign, w.Avatar.ID)),
		"in a tx": store.Write(ctx, func(tx *db.Tx) error { return second(tx.Session(foreign, s.ID)) }),
		"update": store.Write(ctx, func(tx *db.Tx) error {
			a := *w.Avatar
			a.AccountID = other.Account.ID
			return tx.UpdateAvatar(&a)
		}),
		"other avatar": store.Write(ctx, func(tx *db.Tx) error {
			return tx.InsertSession(other.Session(Now, func(s *models.Session) { s.AvatarID = w.Avatar.ID }))
		}),
	} {
		if err == nil || (what != "other avatar" && !errors.Is(err, models.ErrNotFound)) {
			t.Errorf("%s of another account: %v", what, err)
		}
	}
	q := models.SessionQuery{Scope: foreign, Page: models.Page{Size: 10}}
	same(t, "list", len(one(store.Sessions(ctx, q, Now)).Nodes), 0)
	same(t, "count", one(store.CountSessions(ctx, q, Now)), 0)
	same(t, "by avatar", len(one(store.SessionsByAvatar(ctx, []string{w.Avatar.ID}, q, Now))[w.Avatar.ID].Nodes), 0)
	same(t, "avatars by id", len(one(store.AvatarsByID(ctx, foreign, []string{w.Avatar.ID}))), 0)
	narrow := models.Scope{AccountID: w.Account.ID, SessionID: s.ID, AvatarID: w.Avatar.ID}
	w.Insert(w.Session(Now, nil))
	q.Scope = narrow
	same(t, "narrowed to one session", ids(one(store.Sessions(ctx, q, Now)).Nodes), []string{s.ID})
	for name, ask := range map[string]func(){
		"sessions": func() { _, _ = store.Sessions(ctx, models.SessionQuery{Page: models.Page{Size: 1}}, Now) },
		"session":  func() { _, _ = store.Session(ctx, models.Scope{}, s.ID, Now) },
		"avatars":  func() { _, _ = store.Avatars(ctx, models.AvatarQuery{Page: models.Page{Size: 1}}) },
		"keys":     func() { _, _ = store.APIKeys(ctx, models.APIKeyQuery{Page: models.Page{Size: 1}}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s without an account: no panic", name)
				}
			}()
			ask()
		}()
	}
}

func second[T any](_ T, err error) error { return err }
