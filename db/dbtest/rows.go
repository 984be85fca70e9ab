package dbtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/models"
)

func testAccounts(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	same(t, "account", one(store.Account(ctx, w.Account.ID)), w.Account)
	w.Do(func(tx *db.Tx) error { return tx.InsertAccount(w.Account) }) // again: left alone
	all, err := store.OperatorAccounts(ctx)
	same(t, "accounts", must(t, all, err), []*models.Account{w.Account})
	if _, err := store.Account(ctx, "acct_none"); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("unknown account: %v", err)
	}
	w.Do(func(tx *db.Tx) error {
		locked, err := tx.LockAccount(w.Account.ID)
		same(t, "locked", locked, w.Account)
		return err
	})
}

func testAvatars(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	names := []string{"Straße 100%", "ÄRGER_1", "plain"}
	for i, name := range names {
		at := Now + models.Time(i+1)
		a := &models.Avatar{AccountID: w.Account.ID, ID: models.NewID(models.AvatarPrefix, at), Name: name, URL: "https://example.com", CreatedAt: at}
		if i == 2 {
			a.ArchivedAt = at.Ptr()
		}
		w.Do(func(tx *db.Tx) error { return tx.InsertAvatar(a) })
	}
	find := func(part string, archived *bool) []string {
		t.Helper()
		q := models.AvatarQuery{Scope: w.Scope(), Filter: models.AvatarFilter{NameContains: &part, Archived: archived}, Page: models.Page{Size: 10}}
		page, err := store.Avatars(ctx, q)
		must(t, page, err)
		n, err := store.CountAvatars(ctx, q)
		must(t, n, err)
		got := make([]string, len(page.Nodes))
		for i, a := range page.Nodes {
			got[i] = a.Name
		}
		same(t, "count of "+part, n, len(got))
		return got
	}
	yes, no := true, false
	same(t, "newest first", find("", nil), []string{"plain", "ÄRGER_1", "Straße 100%", "Ada"})
	same(t, "folded beyond ASCII", find("ärger", nil), []string{"ÄRGER_1"})
	same(t, "sharp s", find("STRASSE", nil), []string{})
	same(t, "percent is no wildcard", find("0%", nil), []string{"Straße 100%"})
	same(t, "underscore is no wildcard", find("r_1", nil), []string{"ÄRGER_1"})
	same(t, "quote", find("'", nil), []string{})
	same(t, "archived", find("", &yes), []string{"plain"})
	same(t, "usable", find("ada", &no), []string{"Ada"})

	renamed := *w.Avatar
	renamed.Name, renamed.ArchivedAt = "Grace", Now.Ptr()
	w.Do(func(tx *db.Tx) error { return tx.UpdateAvatar(&renamed) })
	same(t, "renamed", one(store.Avatar(ctx, w.Scope(), w.Avatar.ID)), &renamed)
	same(t, "found by its new name", find("grace", nil), []string{"Grace"})
}

func testKeys(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	key := &models.APIKey{ID: models.NewID(models.KeyPrefix, Now), AccountID: w.Account.ID, Name: "back end", Prefix: "gr_live_ABCDEFGH", CreatedAt: Now}
	w.Do(func(tx *db.Tx) error { return tx.InsertAPIKey(key, hash("secret")) })
	found, h, err := store.APIKeyByPrefix(ctx, key.Prefix)
	same(t, "by prefix", must(t, found, err), key)
	same(t, "hash", h, hash("secret"))
	met := 0
	err = store.EachAPIKey(ctx, []string{"gr_live_NOBODYS0", key.Prefix, ""}, func(k *models.APIKey, h []byte) {
		met++
		same(t, "of many", k, key)
		same(t, "its hash", h, hash("secret"))
	})
	if err != nil || met != 1 {
		t.Errorf("met %d keys, %v", met, err)
	}
	twin := *key
	twin.ID = models.NewID(models.KeyPrefix, Now)
	err = store.Write(ctx, func(tx *db.Tx) error { return tx.InsertAPIKey(&twin, hash("x")) })
	if !errors.Is(err, models.ErrConflict) {
		t.Errorf("same prefix twice: %v", err)
	}
	w.Do(func(tx *db.Tx) error { return tx.TouchAPIKey(key.ID, Now+120_000) })
	w.Do(func(tx *db.Tx) error { return tx.TouchAPIKey(key.ID, Now+60_000) }) // never backwards
	w.Do(func(tx *db.Tx) error { return tx.RevokeAPIKey(w.Account.ID, key.ID, Now+1) })
	w.Do(func(tx *db.Tx) error { return tx.RevokeAPIKey(w.Account.ID, key.ID, Now+2) }) // keeps its time
	got := one(store.APIKey(ctx, w.Account.ID, key.ID))
	same(t, "last used", *got.LastUsedAt, Now+120_000)
	same(t, "revoked", *got.RevokedAt, Now+1)

	server := &models.AvatarServerKey{ID: models.NewID(models.KeyPrefix, Now), Prefix: "gr_avsrv_ABCDEFGH", CreatedAt: Now}
	w.Do(func(tx *db.Tx) error { return tx.InsertAvatarServerKey(server, hash("s")) })
	w.Do(func(tx *db.Tx) error { return tx.OperatorRevokeKey(server.ID, Now+3) })
	gotServer, _, err := store.AvatarServerKeyByPrefix(ctx, server.Prefix)
	same(t, "server key revoked", *must(t, gotServer, err).RevokedAt, Now+3)
	err = store.Write(ctx, func(tx *db.Tx) error { return tx.OperatorRevokeKey("key_none", Now) })
	if !errors.Is(err, models.ErrNotFound) {
		t.Errorf("revoke unknown key: %v", err)
	}
	page, err := store.APIKeys(ctx, models.APIKeyQuery{AccountID: w.Account.ID, Page: models.Page{Size: 10}})
	same(t, "keys", len(must(t, page, err).Nodes), 1)
	n, err := store.CountAPIKeys(ctx, w.Account.ID)
	same(t, "count", must(t, n, err), 1)
}

func testTokens(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	s := w.Session(Now, nil)
	w.Insert(s)
	w.Do(func(tx *db.Tx) error { return tx.PutAccessToken(s, hash("one")) })
	w.Do(func(tx *db.Tx) error { return tx.PutAccessToken(s, hash("two")) })
	if _, err := store.SessionByToken(ctx, hash("one"), Now); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("replaced token: %v", err)
	}
	other := w.Session(Now, nil)
	w.Insert(other)
	w.Do(func(tx *db.Tx) error { return tx.PutAccessToken(other, hash("three")) })
	many, err := store.SessionsByToken(ctx, [][]byte{hash("one"), hash("two"), hash("three")}, Now)
	same(t, "of many", len(must(t, many, err)), 2)
	same(t, "of many, the second", many[string(hash("two"))].ID, s.ID)
	same(t, "of many, the third", many[string(hash("three"))].ID, other.ID)
	same(t, "by token", one(store.SessionByToken(ctx, hash("two"), Now)), &models.Session{AccountID: s.AccountID, ID: s.ID, AvatarID: s.AvatarID, Deadline: s.Deadline, DeadlineReason: s.DeadlineReason})
}

func testIdempotency(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	bind := func(session string, now models.Time) {
		k := &db.IdempotencyKey{AccountID: w.Account.ID, Key: "k'\"€", Fingerprint: hash("f"), SessionID: session, ExpiresAt: now + 1000}
		w.Do(func(tx *db.Tx) error { return tx.BindIdempotencyKey(k, now) })
	}
	bound := func(now models.Time) string {
		k, err := store.IdempotencyKey(ctx, w.Account.ID, "k'\"€", now)
		if errors.Is(err, models.ErrNotFound) {
			return ""
		}
		return must(t, k, err).SessionID
	}
	bind("sess_1", Now)
	bind("sess_2", Now+999) // not yet expired: the first stays
	same(t, "bound", bound(Now+999), "sess_1")
	same(t, "expired", bound(Now+1000), "")
	bind("sess_3", Now+1000)
	same(t, "bound again", bound(Now+1001), "sess_3")
	w.Do(func(tx *db.Tx) error { return tx.UnbindIdempotencyKey(w.Account.ID, "sess_3") })
	same(t, "unbound", bound(Now+1001), "")
	bind("sess_4", Now)
	w.Do(func(tx *db.Tx) error { return tx.DropIdempotencyKeys(Now + 1000) })
	same(t, "dropped", bound(Now), "")
}

func testEvents(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	first, second := w.Session(Now, nil), w.Session(Now, nil)
	w.Insert(first, second)
	revision := 0
	add := func(s *models.Session, what models.EventType) error {
		revision++
		return store.Write(ctx, func(tx *db.Tx) error {
			return tx.InsertEvent(&models.SessionEvent{
				AccountID: s.AccountID, SessionID: s.ID, Revision: revision, ID: models.NewID(models.EventPrefix, Now),
				Type: what, At: Now, Actor: models.ActorSystem,
			})
		})
	}
	for _, what := range []models.EventType{models.EventCreated, models.EventRoomReady, models.EventEnded} {
		must(t, 0, add(first, what))
	}
	must(t, 0, add(second, models.EventCreated))
	if err := add(first, models.EventEnded); !errors.Is(err, models.ErrConflict) {
		t.Errorf("a second end: %v", err)
	}
	kinds := func(events []*models.SessionEvent) []models.EventType {
		out := []models.EventType{}
		for _, e := range events {
			out = append(out, e.Type)
		}
		return out
	}
	all, err := store.SessionEvents(ctx, w.Scope(), []string{first.ID, second.ID}, nil)
	same(t, "oldest first, also within a millisecond", kinds(must(t, all, err)[first.ID]),
		[]models.EventType{models.EventCreated, models.EventRoomReady, models.EventEnded})
	last := 2
	some, err := store.SessionEvents(ctx, w.Scope(), []string{first.ID, second.ID}, &last)
	same(t, "newest two", kinds(must(t, some, err)[first.ID]), []models.EventType{models.EventRoomReady, models.EventEnded})
	same(t, "of the other", kinds(some[second.ID]), []models.EventType{models.EventCreated})
	narrowed, err := store.SessionEvents(ctx, models.Scope{AccountID: w.Account.ID, SessionID: second.ID}, []string{first.ID, second.ID}, nil)
	same(t, "narrowed", len(must(t, narrowed, err)[first.ID]), 0)
	same(t, "one event", one(store.SessionEvent(ctx, w.Scope(), all[first.ID][0].ID)), all[first.ID][0])
}

func testSettings(t *testing.T, store *db.Store) {
	ctx := t.Context()
	if _, err := store.Setting(ctx, db.SettingMode); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("unset: %v", err)
	}
	for _, v := range []string{"dev", "production"} {
		must(t, 0, store.Write(ctx, func(tx *db.Tx) error { return tx.PutSetting(db.SettingMode, v) }))
		same(t, "setting", one(store.Setting(ctx, db.SettingMode)), v)
	}
}

func testRooms(t *testing.T, store *db.Store) {
	w := NewWorld(t, store)
	room := func(state models.RoomState, due models.Time) *models.Session {
		return w.Session(Now, func(s *models.Session) { s.Room.State, s.Room.Due = state, due.Ptr() })
	}
	late, early, other := room(models.RoomDeleting, Now), room(models.RoomDeleting, Now-1), room(models.RoomCreating, Now)
	w.Insert(late, early, other, room(models.RoomDeleting, Now+1), w.Session(Now, nil))
	w.Do(func(tx *db.Tx) error {
		rows, err := tx.DueRooms([]models.RoomState{models.RoomDeleting}, Now, 10)
		same(t, "longest waiting first", ids(rows), []string{early.ID, late.ID})
		return err
	})
}

// What sweeps read in steps is every account's, in the order of ids, and whole.
func testLive(t *testing.T, store *db.Store) {
	ctx := t.Context()
	one, other := NewWorld(t, store), NewWorld(t, store)
	full := one.full(one.Session(Now-9, nil))
	full.EndedAt, full.EndReason, full.Deadline = nil, nil, (Now + 1).Ptr()
	started := []*models.Session{full, one.Session(Now-8, Started(Now-5, 0)), other.Session(Now-7, Started(Now-5, Now+1))}
	created := []*models.Session{one.Session(Now-6, nil), other.Session(Now-5, nil)}
	over := []*models.Session{one.Session(Now-4, Ended(Now-3, Now-2)), one.Session(Now-3, Started(Now-2, Now))}
	live := slices.Concat(started, created)
	for _, s := range slices.Concat(live, over) {
		map[string]*World{one.Account.ID: one, other.Account.ID: other}[s.AccountID].Insert(s)
	}
	for what, list := range map[string]struct {
		read func(context.Context, string, models.Time, int) ([]*models.Session, error)
		want []*models.Session
	}{"live": {store.LiveSessions, live}, "started": {store.StartedSessions, started}} {
		var all []*models.Session
		for after := ""; ; after = all[len(all)-1].ID {
			next, err := list.read(ctx, after, Now, 2)
			if len(must(t, next, err)) == 0 {
				break
			}
			all = append(all, next...)
		}
		same(t, what, all, list.want)
	}
}

func testWrite(t *testing.T, store *db.Store) {
	w := NewWorld(t, store)
	ctx := t.Context()
	put := func(name string) func(*db.Tx) error {
		return func(tx *db.Tx) error { return tx.PutSetting(db.Setting(name), "x") }
	}
	has := func(name string) bool {
		_, err := store.Setting(ctx, db.Setting(name))
		return err == nil
	}
	refusal := errors.New("refused")
	err := store.Write(ctx, func(tx *db.Tx) error { _ = put("refused")(tx); return refusal })
	if !errors.Is(err, refusal) || has("refused") {
		t.Errorf("a refused closure: %v, kept %v", err, has("refused"))
	}
	err = store.Write(ctx, func(tx *db.Tx) error { _ = put("panicked")(tx); panic("boom") })
	if err == nil || has("panicked") {
		t.Errorf("a panicking closure: %v, kept %v", err, has("panicked"))
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	ran := false
	err = store.Write(gone, func(*db.Tx) error { ran = true; return nil })
	if !errors.Is(err, context.Canceled) || ran {
		t.Errorf("a cancelled caller: %v, ran %v", err, ran)
	}
	slow, cancelSlow := context.WithTimeout(ctx, time.Hour)
	err = store.Write(slow, func(tx *db.Tx) error { cancelSlow(); return put("cancelled inside")(tx) })
	if err != nil || !has("cancelled inside") {
		t.Errorf("a caller cancelled in mid-statement harms itself: %v", err)
	}
	w.Do(put("after all that"))
}
