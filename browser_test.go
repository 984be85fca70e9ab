//go:build browser

package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/models"
)

// TestBrowser has a browser use the pages as they are in this binary. Each file of tests has a
// server and a database of its own; `make test-browser` installs what they need.
func TestBrowser(t *testing.T) {
	testNode(t, "web/dashboard/e2e", false, func(t *testing.T, name string) *site {
		file := filepath.Join(t.TempDir(), "browser.db")
		if fill := furnished[name]; fill != nil {
			serve(t, "--database=sqlite:"+file).stop() // for the account and its avatars
			fill(t, file)
		}
		return serve(t, "--database=sqlite:"+file)
	})
}

// furnished are the files whose tests find something in the database.
var furnished = map[string]func(t *testing.T, file string){"thousand": thousand}

// thousand puts 1,000 ended sessions of the last 30 days into a development database, the newest
// an hour old, of both avatars in turn.
func thousand(t *testing.T, file string) {
	t.Helper()
	store, err := db.Open(t.Context(), "sqlite:"+file, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	accounts, err := store.OperatorAccounts(t.Context())
	if err != nil || len(accounts) != 1 {
		t.Fatalf("accounts: %v, %v", accounts, err)
	}
	scope := models.Scope{AccountID: accounts[0].ID}
	avatars, err := store.Avatars(t.Context(), models.AvatarQuery{Scope: scope, Page: models.Page{Size: 2}})
	if err != nil || len(avatars.Nodes) != 2 {
		t.Fatalf("avatars: %v, %v", avatars, err)
	}
	reasons := []models.EndReason{models.EndClient, models.EndExpired, models.EndParticipantsLeft, models.EndAvatarLost}
	newest := models.SystemClock().Add(-time.Hour)
	err = store.Write(t.Context(), func(tx *db.Tx) error {
		for i := range 1000 {
			at := newest.Add(-time.Duration(i) * 43 * time.Minute)
			metadata, err := models.NewMetadata(models.JSONObject{"number": i, "even": i%2 == 0})
			if err != nil {
				return err
			}
			s := &models.Session{
				AccountID: scope.AccountID, ID: models.NewID(models.SessionPrefix, at), AvatarID: avatars.Nodes[i%2].ID,
				SessionType: models.WebRTCVideo, Metadata: metadata, EndUserID: new(fmt.Sprintf("person-%d", i%10)),
				CreatedAt: at, StartedAt: at.Add(time.Second).Ptr(), Revision: 4, Version: 4, AvatarState: models.AvatarReady, TokenGeneration: 1,
				Room: models.Room{State: models.RoomGone, Name: "gone-" + fmt.Sprint(i), URL: "https://x.daily.co/gone", Exp: at},
			}
			s.End(at.Add(time.Duration(2+i%600)*time.Second), reasons[i%len(reasons)])
			if err := tx.InsertSession(s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
