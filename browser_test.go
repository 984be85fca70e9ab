//go:build browser

package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/models"
)

// picturesFolder is given by `make pictures`.
var picturesFolder = flag.String("pictures", "", "the folder that TestPictures draws the pages into")

// TestBrowser has a browser use the pages as they are in this binary. Each file of tests has a
// server and a database of its own; `make test-browser` installs what they need.
func TestBrowser(t *testing.T) {
	testNode(t, "web/dashboard/e2e", furnishedSite)
}

// TestPictures draws the pages for the README, each in light, dark and on a phone.
func TestPictures(t *testing.T) {
	if *picturesFolder == "" {
		t.Skip("no folder for the pictures: this is `make pictures`")
	}
	folder, err := filepath.Abs(*picturesFolder)
	if err != nil {
		t.Fatal(err)
	}
	runNode(t, "web/dashboard/e2e", "pictures.mjs", furnishedSite(t, "pictures"), "PICTURES="+folder)
}

// furnishedSite serves the database that a file of tests expects: an empty one, unless it is among
// the histories.
func furnishedSite(t *testing.T, name string) *site {
	t.Helper()
	file := filepath.Join(t.TempDir(), "browser.db")
	if write, ok := histories[name]; ok {
		serve(t, "--database=sqlite:"+file).stop() // for the account and its avatars
		write(t, file)
	}
	return serve(t, "--database=sqlite:"+file)
}

// histories are the ended sessions that files of tests find, by the file's name.
var histories = map[string]func(t *testing.T, file string){"thousand": thousand, "usage": month, "pictures": month}

// thousand writes 1,000 sessions of the last 30 days, of both avatars in turn.
func thousand(t *testing.T, file string) {
	t.Helper()
	past(t, file, 1000, func(i int) ended {
		return ended{
			ago: time.Hour + time.Duration(i)*43*time.Minute, lasted: time.Duration(1+i%600) * time.Second,
			user: fmt.Sprintf("person-%d", i%10), metadata: models.JSONObject{"number": i, "even": i%2 == 0}, avatar: i % 2,
		}
	})
}

// month writes 90 sessions of the last 30 days, at times and of lengths that look like people's.
func month(t *testing.T, file string) {
	t.Helper()
	users := []string{"amara", "bjorn", "chen-wei", "dolores", "emeka", "fatima", "giulia", "hiroshi"}
	plans := []string{"trial", "team", "team", "school"}
	past(t, file, 90, func(i int) ended {
		metadata := models.JSONObject{"plan": plans[i%7%len(plans)], "lesson": 1 + i*5%24}
		return ended{
			ago: time.Duration(22+i*470+i*i%7*61) * time.Minute, lasted: time.Duration(95+i*i*37%1500) * time.Second,
			user: users[i*3%len(users)], metadata: metadata, avatar: i * i % 3 % 2,
		}
	})
}

// An ended session, as far as one differs from another.
type ended struct {
	ago, lasted time.Duration
	user        string
	metadata    models.JSONObject
	avatar      int
}

// past writes n ended sessions into a development database.
func past(t *testing.T, file string, n int, session func(i int) ended) {
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
	now := models.SystemClock()
	err = store.Write(t.Context(), func(tx *db.Tx) error {
		for i := range n {
			of := session(i)
			at := now.Add(-of.ago)
			metadata, err := models.NewMetadata(of.metadata)
			if err != nil {
				return err
			}
			s := &models.Session{
				AccountID: scope.AccountID, ID: models.NewID(models.SessionPrefix, at), AvatarID: avatars.Nodes[of.avatar].ID,
				SessionType: models.WebRTCVideo, Metadata: metadata, EndUserID: &of.user,
				CreatedAt: at, StartedAt: at.Add(time.Second).Ptr(), Revision: 4, Version: 4, AvatarState: models.AvatarReady, TokenGeneration: 1,
				Room: models.Room{State: models.RoomGone, Name: "gone-" + fmt.Sprint(i), URL: "https://x.daily.co/gone", Exp: at},
			}
			s.End(at.Add(time.Second+of.lasted), reasons[i%len(reasons)])
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
