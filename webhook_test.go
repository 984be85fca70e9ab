package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"greenroom/daily/emulator"
	"greenroom/db/dbtest"
)

// hookSecret is what Daily's webhooks are signed with in production installations of the tests.
const hookSecret = "c2lnbmVkIHdpdGggdGhpcnR5LXR3byBieXRlcyBvZiBpdA=="

// join brings a person into a session's room, by the token that its phone has.
func (s *site) join(of made) (participant string) {
	s.t.Helper()
	body := `{"user_name": "John", "token": "` + text(of.session, "dailyRoom.token") + `"}`
	got := s.request("POST", s.daily+"/_/rooms/"+text(of.session, "dailyRoom.name")+"/join", body)
	_, after, ok := strings.Cut(got.body, `"session_id":"`)
	id, _, _ := strings.Cut(after, `"`)
	if got.status != http.StatusOK || !ok {
		s.t.Fatalf("joining was answered %d %s", got.status, got.body)
	}
	return id
}

func (s *site) leave(of made, participant string) {
	s.t.Helper()
	body := `{"session_id": "` + participant + `"}`
	if got := s.request("POST", s.daily+"/_/rooms/"+text(of.session, "dailyRoom.name")+"/leave", body); got.status != http.StatusOK {
		s.t.Fatalf("leaving was answered %d %s", got.status, got.body)
	}
}

// timeline is a session's, as its account reads it: who did what.
func (s *site) timeline(of made) (lines []string) {
	s.t.Helper()
	read := s.must(s.key, `query ($id: ID!) { session(id: $id) { events { type actor } } }`, vars{"id": of.id})
	events, _ := at(read, "session.events").([]any)
	for _, e := range events {
		lines = append(lines, text(e, "type")+" by "+text(e, "actor"))
	}
	return lines
}

func (s *site) read(of made) map[string]any {
	s.t.Helper()
	return s.must(s.key, `query ($id: ID!) { session(id: $id) {`+sessionFields+`} }`, vars{"id": of.id})
}

// TestEverybodyLeaves is a person who closes the page without a word to this server.
func TestEverybodyLeaves(t *testing.T) {
	t.Parallel()
	t.Run("InDevelopment", func(t *testing.T) {
		t.Parallel()
		everybodyLeaves(t, serve(t, "--empty-room-grace=1s"))
	})
	for name, database := range map[string]func(*testing.T) string{
		"OnSQLite": sqlite, "OnPostgreSQL": func(t *testing.T) string { t.Helper(); return dbtest.Postgres(t) },
	} {
		t.Run("InProduction"+name, func(t *testing.T) {
			t.Parallel()
			p := build(t, database(t), "GREENROOM_SECRET="+strings.Repeat("s", 32), "DAILY_WEBHOOK_SECRET="+hookSecret)
			s := p.serve("--empty-room-grace=1s")
			p.avatars(s)
			p.do("webhook", "daily", "register", "--url="+s.url)
			everybodyLeaves(t, s)
		})
	}
}

func everybodyLeaves(t *testing.T, s *site) {
	t.Helper()
	of := s.create(nil)
	first, second := s.join(of), s.join(of)
	s.start(of.token, of.id)
	s.leave(of, first)
	until(t, "three moves are on the timeline", func() bool {
		return countPeople(s.timeline(of)) == 3
	})
	if got := s.read(of); text(got, "session.status") != "STARTED" {
		t.Fatalf("ended with somebody in the room: %v", got)
	}
	s.leave(of, second)
	until(t, "the session has ended", func() bool { return text(s.read(of), "session.status") == "ENDED" })
	if got := s.read(of); text(got, "session.endReason") != "PARTICIPANTS_LEFT" {
		t.Errorf("%v", got)
	}
	lines := s.timeline(of)
	if lines[len(lines)-1] != "ENDED by SYSTEM" || countPeople(lines) != 4 {
		t.Errorf("timeline %v", lines)
	}
	until(t, "the room is gone", func() bool {
		return s.room(text(of.session, "dailyRoom.name")).State == emulator.RoomDeleted
	})
}

// countPeople counts the lines about people.
func countPeople(lines []string) int {
	return len(slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !strings.HasPrefix(line, "PARTICIPANT_") }))
}

func TestWebhookCommands(t *testing.T) {
	t.Parallel()
	p := build(t, sqlite(t), "DAILY_WEBHOOK_SECRET="+hookSecret)
	s := p.serve()
	if _, err := command(t, p.environ, "webhook", "daily", "show"); err == nil || !strings.Contains(err.Error(), "webhook daily register") {
		t.Errorf("show without one: %v", err)
	}
	registered := p.do("webhook", "daily", "register", "--url="+s.url+"/")
	if text(registered, "0.url") != s.url+"/webhooks/daily" || text(registered, "0.state") != "ACTIVE" || text(registered, "0.retryType") != "exponential" {
		t.Errorf("registered %v", registered)
	}
	again := p.do("webhook", "daily", "register", "--url="+s.url+"/webhooks/daily")
	shown := p.do("webhook", "daily", "show")
	if text(again, "0.id") != text(registered, "0.id") || text(shown, "0.id") != text(registered, "0.id") {
		t.Errorf("%v, %v and %v", registered, again, shown)
	}
	if deleted := p.do("webhook", "daily", "delete"); text(deleted, "0.id") != text(registered, "0.id") {
		t.Errorf("deleted %v", deleted)
	}
	for name, wrong := range map[string]struct {
		environ string
		url     string
		says    string
	}{
		"NoSecret":      {environ: "DAILY_WEBHOOK_SECRET=", url: s.url, says: "DAILY_WEBHOOK_SECRET is not set"},
		"BadSecret":     {environ: "DAILY_WEBHOOK_SECRET=hunter2", url: s.url, says: "DAILY_WEBHOOK_SECRET is not base64"},
		"AnotherSecret": {environ: "DAILY_WEBHOOK_SECRET=YW5vdGhlciBzZWNyZXQgb2YgZW5vdWdoIGJ5dGVz", url: s.url, says: "did not answer the test"},
		"NoKey":         {environ: "DAILY_API_KEY=", url: s.url, says: "DAILY_API_KEY is not set"},
		"NoAddress":     {url: "ftp://example.com", says: "--url is not the address of a server"},
		"NoServer":      {url: s.url + "/webhooks/elsewhere", says: "did not answer the test"},
	} {
		_, err := command(t, append(slices.Clone(p.environ), wrong.environ), "webhook", "daily", "register", "--url="+wrong.url)
		if err == nil || !strings.Contains(err.Error(), wrong.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWebhookRoute is what a stranger meets.
func TestWebhookRoute(t *testing.T) {
	t.Parallel()
	without := build(t, sqlite(t)).serve()
	if got := without.request("POST", "/webhooks/daily", `{"test":"test"}`); got.status != http.StatusNotFound {
		t.Errorf("without a secret answered %d %s", got.status, got.body)
	}
	with := build(t, sqlite(t), "DAILY_WEBHOOK_SECRET="+hookSecret).serve()
	for method, status := range map[string]int{"POST": http.StatusUnauthorized, "GET": http.StatusMethodNotAllowed} {
		if got := with.request(method, "/webhooks/daily", `{"type":"participant.left"}`); got.status != status {
			t.Errorf("a %s without a signature was answered %d %s", method, got.status, got.body)
		}
	}
}
