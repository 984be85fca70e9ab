package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"greenroom/daily/emulator"
)

// TestStory is the whole product once: a back end makes a session, a phone plays it.
func TestStory(t *testing.T) {
	t.Parallel()
	s := serve(t)
	story(t, s)
}

// story plays one session on a site that has nothing else to do.
func story(t *testing.T, s *site) {
	t.Helper()
	input := vars{"metadata": vars{"user_name": "John Doe"}, "endUserId": "john", "idempotencyKey": "story"}
	first := s.create(input)
	if again := s.create(input); again.id != first.id || again.token != first.token {
		t.Errorf("the key made %s, then %s", first.id, again.id)
	}
	opensOnlyItsRoom(t, s, first)
	joinWithToken(t, s, first)
	readAsPhone(t, s, first)
	startTwice(t, s, first)
	ended := endTwice(t, s, first)
	everyFieldIsThere(t, ended)
	refusedAfterEnd(t, s, first)
}

// joinWithToken is in the private room, as a person: the token opens it and nothing else does.
func joinWithToken(t *testing.T, s *site, of made) {
	t.Helper()
	name := text(of.session, "dailyRoom.name")
	if room := s.room(name); room.Privacy != "private" || room.State != emulator.RoomLive {
		t.Errorf("the room is %+v", room)
	}
	join := s.daily + "/_/rooms/" + name + "/join"
	if got := s.request("POST", join, `{"user_name": "a stranger"}`); got.status != http.StatusForbidden {
		t.Errorf("joining without a token was answered %d %s", got.status, got.body)
	}
	body := `{"user_name": "John", "token": "` + text(of.session, "dailyRoom.token") + `"}`
	if got := s.request("POST", join, body); got.status != http.StatusOK {
		t.Errorf("joining with the token was answered %d %s", got.status, got.body)
	}
}

// opensOnlyItsRoom reads the meeting token: signed with Daily's key, for this room and person.
func opensOnlyItsRoom(t *testing.T, s *site, of made) {
	t.Helper()
	parts := strings.Split(text(of.session, "dailyRoom.token"), ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	mac := hmac.New(sha256.New, []byte(s.dailyKey))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	if base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) != parts[2] {
		t.Error("not signed with Daily's key")
	}
	decoded, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err == nil {
		err = json.Unmarshal(decoded, &claims)
	}
	if err != nil || claims["r"] != at(of.session, "dailyRoom.name") || claims["ud"] != of.id {
		t.Errorf("claims %v, %v", claims, err)
	}
	if eject := slices.ContainsFunc(slices.Collect(maps.Keys(claims)), func(key string) bool { return strings.HasPrefix(key, "ej") }); eject {
		t.Errorf("an eject flag in %v would switch off the room's", claims)
	}
}

func readAsPhone(t *testing.T, s *site, of made) {
	t.Helper()
	seen := s.must(of.token, `{ viewer { kind account { id } session {`+sessionFields+`} } }`, nil)
	got := at(seen, "viewer.session")
	if at(seen, "viewer.kind") != "ACCESS_TOKEN" || at(seen, "viewer.account") != nil ||
		text(got, "id") != of.id || text(got, "status") != "CREATED" || text(got, "avatar.id") != s.avatar {
		t.Errorf("the phone sees %v", seen)
	}
	// A refetch must not make anybody rejoin.
	if text(got, "dailyRoom.token") != text(of.session, "dailyRoom.token") {
		t.Error("the room's token is another one on the second read")
	}
}

func startTwice(t *testing.T, s *site, of made) {
	t.Helper()
	started := at(s.start(of.token, of.id), "startSession")
	want := "ws" + strings.TrimPrefix(s.url, "http") + "/v1/sessions/" + of.id + "/stream"
	if text(started, "wsUri") != want || text(started, "session.status") != "STARTED" || text(started, "session.avatarState") != "READY" {
		t.Errorf("started: %v", started)
	}
	for _, credential := range []string{of.token, s.key} {
		again := at(s.start(credential, of.id), "startSession")
		if text(again, "wsUri") != want || text(again, "session.startedAt") != text(started, "session.startedAt") {
			t.Errorf("started again: %v", again)
		}
	}
}

// endTwice ends by both credentials, and gives the session as the back end reads it then.
func endTwice(t *testing.T, s *site, of made) map[string]any {
	t.Helper()
	byPhone := at(s.end(of.token, of.id), "endSession")
	if text(byPhone, "session.status") != "ENDED" || text(byPhone, "session.endReason") != "CLIENT_ENDED" || at(byPhone, "account") != nil {
		t.Errorf("ended: %v", byPhone)
	}
	byBackEnd := at(s.end(s.key, of.id), "endSession")
	if count(byBackEnd, "account.concurrency.current") != 0 || text(byBackEnd, "session.endedAt") != text(byPhone, "session.endedAt") {
		t.Errorf("ended again: %v", byBackEnd)
	}
	name := text(of.session, "dailyRoom.name")
	until(t, "the room is gone and everybody is out of it", func() bool {
		room := s.room(name)
		return room.State == emulator.RoomDeleted && len(room.Inside) == 0
	})
	read := s.must(s.key, `query ($id: ID!) { session(id: $id) {`+sessionFields+`} }`, vars{"id": of.id})
	session, _ := read["session"].(map[string]any)
	return session
}

// everyFieldIsThere walks the fields that an ended session has; startBy and the token are over.
func everyFieldIsThere(t *testing.T, ended map[string]any) {
	t.Helper()
	for field, value := range ended {
		if (value == nil) != (field == "startBy") {
			t.Errorf("%s is %v", field, value)
		}
	}
	for field, value := range at(ended, "dailyRoom").(map[string]any) { //nolint:errcheck // a panic fails the test
		if (value == nil) != strings.HasPrefix(field, "token") {
			t.Errorf("dailyRoom.%s is %v", field, value)
		}
	}
	timeline := []string{}
	events, _ := ended["events"].([]any)
	for _, e := range events {
		// Where webhooks are set up, they tell of people whenever they come.
		if text(e, "actor") != "PARTICIPANT" {
			timeline = append(timeline, text(e, "type")+" by "+text(e, "actor"))
		}
	}
	want := "CREATED by API_KEY, ROOM_READY by SYSTEM, START_REQUESTED by ACCESS_TOKEN, STARTED by AVATAR_SERVER, ENDED by ACCESS_TOKEN"
	if got := strings.Join(timeline, ", "); got != want {
		t.Errorf("timeline %s", got)
	}
}

// refusedAfterEnd is what the access token may still do once its session has ended: read it, and
// end it again.
func refusedAfterEnd(t *testing.T, s *site, of made) {
	t.Helper()
	other := s.create(nil)
	seen := s.must(of.token, `query ($mine: ID!, $other: ID!) {
		viewer { session { id status endReason } }
		mine: session(id: $mine) { id }
		other: session(id: $other) { id }
		node(id: $other) { id }
		sessions { totalCount nodes { id } }
	}`, vars{"mine": of.id, "other": other.id})
	if text(seen, "viewer.session.endReason") != "CLIENT_ENDED" || text(seen, "mine.id") != of.id ||
		at(seen, "other") != nil || at(seen, "node") != nil || count(seen, "sessions.totalCount") != 1 || text(seen, "sessions.nodes.0.id") != of.id {
		t.Errorf("the token reads %v", seen)
	}
	got := s.ask(of.token, `mutation ($id: ID!) { startSession(input: {id: $id}) { wsUri userErrors { code } } }`, vars{"id": of.id})
	if text(got.Data, "startSession.userErrors.0.code") != "SESSION_ENDED" || at(got.Data, "startSession.wsUri") != nil {
		t.Errorf("starting an ended session was answered %s", got.body)
	}
	got = s.ask(of.token, `mutation ($id: ID!) { endSession(input: {id: $id}) { session { id } userErrors { code } } }`, vars{"id": other.id})
	if text(got.Data, "endSession.userErrors.0.code") != "NOT_FOUND" {
		t.Errorf("ending somebody else's session was answered %s", got.body)
	}
	for name, mutation := range map[string]string{
		"createSession":         `createSession(input: {avatarId: "AVATAR"}) { userErrors { code } }`,
		"updateSessionMetadata": `updateSessionMetadata(input: {id: "SESSION", metadata: {a: 1}}) { userErrors { code } }`,
		"rotateAccessToken":     `rotateAccessToken(input: {id: "SESSION"}) { accessToken }`,
		"createAvatar":          `createAvatar(input: {name: "Eve", url: "https://eve.example/x.png"}) { userErrors { code } }`,
		"updateAvatar":          `updateAvatar(input: {id: "AVATAR", name: "Eve"}) { userErrors { code } }`,
		"archiveAvatar":         `archiveAvatar(input: {id: "AVATAR"}) { userErrors { code } }`,
		"createApiKey":          `createApiKey(input: {name: "Eve"}) { secret }`,
	} {
		mutation = strings.NewReplacer("SESSION", of.id, "AVATAR", s.avatar).Replace(mutation)
		if got := s.ask(of.token, "mutation { "+mutation+" }", nil); got.code() != "FORBIDDEN" {
			t.Errorf("%s was answered %s", name, got.body)
		}
	}
	join := s.daily + "/_/rooms/" + text(of.session, "dailyRoom.name") + "/join"
	if got := s.request("POST", join, `{"token": "`+text(of.session, "dailyRoom.token")+`"}`); got.status == http.StatusOK {
		t.Error("the room's token still opens it")
	}
}

// TestStop is not parallel: it looks at all goroutines of the process.
func TestStop(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("InDevelopment", func(t *testing.T) {
		s := serve(t)
		of := s.create(nil)
		s.start(of.token, of.id)
	})
	t.Run("InProduction", func(t *testing.T) {
		p := build(t, sqlite(t))
		s := p.serve()
		p.avatars(s)
		of := s.create(nil)
		s.start(of.token, of.id)
		s.stop() // before Daily, and before the avatar server that is still connected
	})
	// GORM's cache of statements has a goroutine that it never ends.
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}
