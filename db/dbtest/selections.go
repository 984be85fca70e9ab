package dbtest

import (
	"fmt"
	"strings"
	"testing"

	"greenroom/db"
	"greenroom/models"
)

// allOfSession are the columns that can be selected, and allOfAvatar.
const (
	allOfSession = db.SessionRoomExp<<1 - 1
	allOfAvatar  = db.AvatarArchivedAt<<1 - 1
)

// testSelections holds selected columns against whole rows, over pages, filters and scopes. All are
// read into the same memory.
func testSelections(t *testing.T, store *db.Store) {
	w, other := NewWorld(t, store), NewWorld(t, store)
	text := strings.Repeat("\"\\\n€😀", 100) // longer than any buffer begins with
	metadata, err := models.NewMetadata(map[string]any{"k": text})
	w.Avatar.ArchivedAt = Now.Ptr()
	w.Do(func(tx *db.Tx) error { return tx.UpdateAvatar(w.Avatar) })
	one := w.Session(Now, func(s *models.Session) {
		s.EndUserID, s.Metadata, s.MaxDuration = &text, must(t, metadata, err), new(0)
	})
	w.Insert(one, w.Session(Now+1, func(s *models.Session) { s.Deadline = (Now + 50).Ptr() }),
		w.Session(Now+2, Started(Now+10, Now+100_000)), w.Session(Now+3, Ended(Now+10, Now+20)),
		w.Session(Now+4, func(s *models.Session) { s.Room.URL = "" }))
	other.Insert(other.Session(Now, nil))
	into := &db.Rows[db.SessionRow]{}
	for _, q := range []models.SessionQuery{
		{Scope: w.Scope(), Page: models.Page{Size: 3}},
		{Scope: w.Scope(), Page: models.Page{Size: 3, Backward: true, Before: one.ID}},
		{Scope: w.Scope(), Page: models.Page{Size: 3, After: one.ID}, Ascending: true},
		{Scope: w.Scope(), Page: models.Page{Size: 9}, Filter: models.SessionFilter{Status: []models.SessionStatus{models.StatusEnded}}},
		{Scope: w.Scope(), Page: models.Page{Size: 9}, Filter: models.SessionFilter{AvatarID: []string{}}},
		{Scope: models.Scope{AccountID: w.Account.ID, SessionID: one.ID, AvatarID: w.Avatar.ID}, Page: models.Page{Size: 9}},
		{Scope: models.Scope{AccountID: w.Account.ID, SessionID: one.ID, AvatarID: other.Avatar.ID}, Page: models.Page{Size: 9}},
	} {
		for _, at := range []models.Time{Now, Now + 50} {
			comparePage(t, store, q, at, into)
		}
	}
	compareOne(t, store, w, one)
}

func comparePage(t *testing.T, store *db.Store, q models.SessionQuery, at models.Time, into *db.Rows[db.SessionRow]) {
	t.Helper()
	ctx, name := t.Context(), fmt.Sprintf("%+v at %d", q, at)
	whole, err := store.Sessions(ctx, q, at)
	must(t, whole, err)
	if err := store.ReadSessions(ctx, db.SelectSessions(allOfSession, allOfAvatar), q, at, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	same(t, name, into.Info, whole.PageInfo)
	same(t, name, len(into.List), len(whole.Nodes))
	for i, row := range into.List {
		same(t, name, &row.Session, selectable(whole.Nodes[i]))
		if q.Scope.AvatarID != "" && q.Scope.AvatarID != row.AvatarID {
			same(t, name+": an avatar outside of the scope", row.Avatar.Avatar, models.Avatar{})
			continue
		}
		avatar := *one(store.Avatar(ctx, q.Scope, row.AvatarID))
		avatar.AccountID = ""
		same(t, name, row.Avatar.Avatar, avatar)
	}
	// One column at a time: it brings along what it follows from.
	for column, of := range columns {
		if err := store.ReadSessions(ctx, db.SelectSessions(column, 0), q, at, into); err != nil {
			t.Fatalf("%s, column %b: %v", name, column, err)
		}
		for i, row := range into.List {
			same(t, fmt.Sprintf("%s, column %b", name, column), []any{row.ID, of(&row.Session)}, []any{whole.Nodes[i].ID, of(whole.Nodes[i])})
		}
	}
}

// columns are what each column is of a session.
var columns = map[db.SessionColumns]func(s *models.Session) any{
	db.SessionAvatarID:       func(s *models.Session) any { return s.AvatarID },
	db.SessionType:           func(s *models.Session) any { return s.SessionType },
	db.SessionMetadata:       func(s *models.Session) any { return s.Metadata },
	db.SessionEndUserID:      func(s *models.Session) any { return s.EndUserID },
	db.SessionCreatedAt:      func(s *models.Session) any { return s.CreatedAt },
	db.SessionStartedAt:      func(s *models.Session) any { return s.StartedAt },
	db.SessionEndedAt:        func(s *models.Session) any { return s.EndedAt },
	db.SessionEndReason:      func(s *models.Session) any { return s.EndReason },
	db.SessionDeadline:       func(s *models.Session) any { return s.Deadline },
	db.SessionDeadlineReason: func(s *models.Session) any { return s.DeadlineReason },
	db.SessionExpiration:     func(s *models.Session) any { return s.Expiration },
	db.SessionMaxDuration:    func(s *models.Session) any { return s.MaxDuration },
	db.SessionRevision:       func(s *models.Session) any { return s.Revision },
	db.SessionAvatarState:    func(s *models.Session) any { return s.AvatarState },
	db.SessionRoomName:       func(s *models.Session) any { return s.Room.Name },
	db.SessionRoomURL:        func(s *models.Session) any { return s.Room.URL },
	db.SessionRoomExp:        func(s *models.Session) any { return s.Room.Exp },
}

// selectable is a session without the columns that cannot be selected.
func selectable(s *models.Session) *models.Session {
	kept := *s
	kept.Version, kept.TokenGeneration, kept.WarnAt, kept.Assignment = 0, 0, nil, models.Assignment{}
	kept.Room = models.Room{Name: s.Room.Name, URL: s.Room.URL, Exp: s.Room.Exp}
	return &kept
}

func compareOne(t *testing.T, store *db.Store, w *World, s *models.Session) {
	t.Helper()
	ctx := t.Context()
	rows, avatars := &db.Rows[db.SessionRow]{}, &db.Rows[db.AvatarRow]{}
	every := db.SelectSessions(allOfSession, 0)
	read := func(scope models.Scope, id string) int {
		if err := store.ReadSession(ctx, every, scope, id, Now, rows); err != nil {
			t.Fatal(err)
		}
		return len(rows.List)
	}
	same(t, "one", read(w.Scope(), s.ID), 1)
	same(t, "one", &rows.List[0].Session, selectable(s))
	same(t, "another's", read(models.Scope{AccountID: "acct_x"}, s.ID), 0)
	same(t, "another token's", read(models.Scope{AccountID: w.Account.ID, SessionID: "sess_x"}, s.ID), 0)
	same(t, "unknown", read(w.Scope(), "sess_x"), 0)

	selection := db.SelectAvatars(allOfAvatar)
	for _, backward := range []bool{false, true} {
		q := models.AvatarQuery{Scope: w.Scope(), Page: models.Page{Size: 1, Backward: backward}}
		if err := store.ReadAvatars(ctx, selection, q, avatars); err != nil {
			t.Fatal(err)
		}
		whole := one(store.Avatars(ctx, q))
		same(t, "avatars", avatars.Info, whole.PageInfo)
		same(t, "avatars", avatars.List[0].Name, whole.Nodes[0].Name)
	}
	for id, found := range map[string]int{w.Avatar.ID: 1, "avat_x": 0} {
		if err := store.ReadAvatar(ctx, selection, w.Scope(), id, avatars); err != nil {
			t.Fatal(err)
		}
		same(t, id, len(avatars.List), found)
	}
}
