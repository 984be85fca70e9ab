package main

import (
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The session object that Greenroom began from, a REST API's, in its three examples. Its first
// two leave out daily_room, which its table of fields lists for all three.
const (
	seedCreated = `{
		"session_id": "sess_01H3Z8G9YR3K2N5M6P7Q8W4T",
		"avatar": {
			"avatar_id": "avat_01H3Z8G9YR3K2N5M6P7Q8W4T",
			"name": "Professional Avatar",
			"url": "https://example.com/avatars/preview.jpg"
		},
		"session_type": "webrtc_video",
		"status": "created",
		"access_token": "access_token_xxxxxxxxxxxxx",
		"started_at": null,
		"ended_at": null,
		"expiration": null,
		"duration": null,
		"created_at": "2024-01-15T10:30:00Z",
		"metadata": {"user_name": "John Doe", "session_purpose": "Customer Support"}
	}`
	seedStarted = `{
		"session_id": "sess_01H3Z8G9YR3K2N5M6P7Q8W4T",
		"avatar": {
			"avatar_id": "avat_01H3Z8G9YR3K2N5M6P7Q8W4T",
			"name": "Professional Avatar",
			"url": "https://example.com/avatars/preview.jpg"
		},
		"session_type": "webrtc_video",
		"status": "started",
		"started_at": "2024-01-15T10:35:00Z",
		"ended_at": null,
		"expiration": "2024-01-15T14:35:00Z",
		"duration": null,
		"created_at": "2024-01-15T10:30:00Z",
		"metadata": {"user_name": "John Doe", "session_purpose": "Customer Support"}
	}`
	seedEnded = `{
		"session_id": "sess_01H3Z8G9YR3K2N5M6P7Q8W4T",
		"avatar": {
			"avatar_id": "avat_01H3Z8G9YR3K2N5M6P7Q8W4T",
			"name": "Professional Avatar",
			"url": "https://example.com/avatars/preview.jpg"
		},
		"session_type": "webrtc_video",
		"status": "ended",
		"daily_room": {
			"url": "https://agenthuman.daily.co/example-room-name",
			"name": "example-room-name",
			"token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..."
		},
		"started_at": "2024-01-15T10:35:00Z",
		"ended_at": "2024-01-15T11:20:00Z",
		"expiration": "2024-01-15T14:35:00Z",
		"duration": 2700,
		"created_at": "2024-01-15T10:30:00Z",
		"metadata": {"user_name": "John Doe", "session_purpose": "Customer Support"}
	}`
)

// seedObject is the seed's object made from a GraphQL Session: other names, nothing else. The
// access token is not in a session: createSession answers it beside.
func seedObject(session map[string]any) map[string]any {
	object := map[string]any{
		"session_id": session["id"],
		"avatar": map[string]any{
			"avatar_id": at(session, "avatar.id"), "name": at(session, "avatar.name"), "url": at(session, "avatar.url"),
		},
		"session_type": strings.ToLower(text(session, "sessionType")),
		"status":       strings.ToLower(text(session, "status")),
		"started_at":   session["startedAt"],
		"ended_at":     session["endedAt"],
		"created_at":   session["createdAt"],
		"daily_room":   nil,
		"expiration":   session["expiration"],
		"duration":     session["duration"],
		"metadata":     session["metadata"],
	}
	if session["dailyRoom"] != nil {
		object["daily_room"] = map[string]any{
			"url": at(session, "dailyRoom.url"), "name": at(session, "dailyRoom.name"), "token": at(session, "dailyRoom.token"),
		}
	}
	return object
}

// A seedLife is one session, as the seed's object at each of its three stages, and what else
// createSession and startSession answered.
type seedLife struct {
	created, started, ended map[string]any
	raw                     map[string]any // the GraphQL session as created
	wsURI                   string
}

// live plays the seed's session on the plan of its examples, which runs for 4 hours at most.
func live(t *testing.T) (*site, seedLife) {
	t.Helper()
	p := build(t, sqlite(t))
	s := p.serve()
	p.avatars(s)
	s.avatar = text(s.must(s.key, `mutation {
		createAvatar(input: {name: "Professional Avatar", url: "https://example.com/avatars/preview.jpg"}) { avatar { id } userErrors { code } }
	}`, nil), "createAvatar.avatar.id")
	of := s.create(vars{"metadata": vars{"user_name": "John Doe", "session_purpose": "Customer Support"}})
	life := seedLife{created: seedObject(of.session), raw: of.session}
	life.created["access_token"] = of.token
	begun := at(s.start(s.key, of.id), "startSession")
	life.wsURI = text(begun, "wsUri")
	session, _ := at(begun, "session").(map[string]any)
	life.started = seedObject(session)
	// A duration of 0 would say nothing.
	until(t, "a second has passed", func() bool {
		now := instant(t, s.must("", `{ serverTime }`, nil), "serverTime")
		return now.Sub(instant(t, life.started, "started_at")) > time.Second
	})
	session, _ = at(s.end(s.key, of.id), "endSession.session").(map[string]any)
	life.ended = seedObject(session)
	return s, life
}

// TestSeed rebuilds the seed's examples from GraphQL's answers. Ids, times and tokens are
// compared by form here, and by how they hang together.
func TestSeed(t *testing.T) {
	t.Parallel()
	s, life := live(t)

	t.Run("CreatedSession", func(t *testing.T) {
		t.Parallel()
		compareWithSeed(t, seedCreated, life.created)
		if !strings.HasPrefix(text(life.created, "access_token"), "gr_sess_") {
			t.Errorf("access token %v", life.created["access_token"])
		}
	})
	t.Run("StartedSession", func(t *testing.T) {
		t.Parallel()
		compareWithSeed(t, seedStarted, life.started)
		sameButFor(t, life.created, life.started, "access_token", "status", "started_at", "expiration")
		started := instant(t, life.started, "started_at")
		if started.Before(instant(t, life.started, "created_at")) {
			t.Error("started before it was created")
		}
		if got, want := instant(t, life.started, "expiration").Sub(started), seedGrant(t, seedStarted); got != want {
			t.Errorf("expires %s after the start, the seed's example %s", got, want)
		}
	})
	t.Run("EndedSession", func(t *testing.T) {
		t.Parallel()
		compareWithSeed(t, seedEnded, life.ended)
		sameButFor(t, life.started, life.ended, "status", "ended_at", "duration", "daily_room")
		lasted := instant(t, life.ended, "ended_at").Sub(instant(t, life.ended, "started_at"))
		if want := math.Floor(lasted.Seconds()); life.ended["duration"] != want || want < 1 {
			t.Errorf("duration %v of %s", life.ended["duration"], lasted)
		}
		for _, part := range []string{"url", "name"} {
			if at(life.ended, "daily_room."+part) != at(life.started, "daily_room."+part) {
				t.Errorf("the room's %s has changed", part)
			}
		}
	})
	t.Run("FieldTable", func(t *testing.T) {
		t.Parallel()
		walkSeedFields(t, life)
	})
	t.Run("RoomIntegration", func(t *testing.T) {
		t.Parallel()
		// The seed names exp beside url, name and token, in words only.
		if exp := instant(t, life.raw, "dailyRoom.exp"); exp.Before(instant(t, life.started, "expiration")) {
			t.Errorf("the room closes at %s, before the session", exp)
		}
		if !strings.HasSuffix(text(life.created, "daily_room.url"), "/"+text(life.created, "daily_room.name")) {
			t.Errorf("the room is %v", life.created["daily_room"])
		}
	})
	t.Run("WhatASessionDoesNotShow", func(t *testing.T) {
		t.Parallel()
		// The seed has the stream's address in the answer to start alone, the access token in that
		// to create.
		if !strings.HasPrefix(life.wsURI, "ws://") {
			t.Errorf("wsUri %q", life.wsURI)
		}
		for _, field := range []string{"wsUri", "accessToken"} {
			got := s.in(t).ask(s.key, `{ sessions { nodes { `+field+` } } }`, nil)
			if got.code() != "GRAPHQL_VALIDATION_FAILED" {
				t.Errorf("%s was answered %s", field, got.body)
			}
		}
	})
}

// compareWithSeed compares keys, kinds and nulls all the way down, and the values that are the
// same for everybody.
func compareWithSeed(t *testing.T, example string, got map[string]any) {
	t.Helper()
	var seed map[string]any
	if err := json.Unmarshal([]byte(example), &seed); err != nil {
		t.Fatal(err)
	}
	if seed["daily_room"] == nil {
		seed["daily_room"] = map[string]any{"url": "https://x.daily.co/x", "name": "x", "token": "eyJ.x.x"}
	}
	if seed["status"] == "ended" {
		// Beyond the seed: a token that outlived its session would be no use and some danger.
		seed["daily_room"].(map[string]any)["token"] = nil //nolint:errcheck // the example is above
	}
	if diff := cmp.Diff(shape(seed), shape(got)); diff != "" {
		t.Errorf("not the seed's form (-seed +got):\n%s", diff)
	}
}

var seedForms = map[string]*regexp.Regexp{
	"a session id":    regexp.MustCompile(`^sess_[0-9A-HJKMNP-TV-Z]{24,26}$`),
	"an avatar id":    regexp.MustCompile(`^avat_[0-9A-HJKMNP-TV-Z]{24,26}$`),
	"a time":          regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$`),
	"a meeting token": regexp.MustCompile(`^eyJ[\w-]*\.`),
}

// shape puts in place of ids, times, tokens, addresses and numbers what they are.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		shaped := map[string]any{}
		for key, inner := range v {
			shaped[key] = shape(inner)
			if key == "access_token" {
				shaped[key] = "a text"
			}
		}
		if _, isRoom := v["token"]; isRoom {
			// The host is Daily's, or the emulator's.
			for _, key := range []string{"name", "url"} {
				if _, ok := v[key].(string); ok {
					shaped[key] = "a text"
				}
			}
		}
		return shaped
	case float64:
		return "a number"
	case string:
		for form, fits := range seedForms {
			if fits.MatchString(v) {
				return form
			}
		}
	}
	return v
}

// seedGrant is how long the seed's started example may run.
func seedGrant(t *testing.T, example string) time.Duration {
	t.Helper()
	var seed map[string]any
	if err := json.Unmarshal([]byte(example), &seed); err != nil {
		t.Fatal(err)
	}
	return instant(t, seed, "expiration").Sub(instant(t, seed, "started_at"))
}

// sameButFor compares two stages of one session.
func sameButFor(t *testing.T, before, after map[string]any, changing ...string) {
	t.Helper()
	before, after = maps.Clone(before), maps.Clone(after)
	for _, key := range changing {
		delete(before, key)
		delete(after, key)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("what must not change has changed:\n%s", diff)
	}
}

// walkSeedFields walks the seed's table of fields at every stage, and looks that nothing stands
// beside it.
func walkSeedFields(t *testing.T, life seedLife) {
	t.Helper()
	stages := []map[string]any{life.created, life.started, life.ended}
	listed := map[string]bool{}
	for _, row := range []struct {
		field string
		kinds [3]string // when created, started, ended; none where the field is not there
		form  string
	}{
		{"session_id", [3]string{"string", "string", "string"}, `^sess_`},
		{"avatar", [3]string{"object", "object", "object"}, ""},
		{"avatar.avatar_id", [3]string{"string", "string", "string"}, `^avat_`},
		{"avatar.name", [3]string{"string", "string", "string"}, `^Professional Avatar$`},
		{"avatar.url", [3]string{"string", "string", "string"}, `^https://`},
		{"session_type", [3]string{"string", "string", "string"}, `^webrtc_video$`},
		{"status", [3]string{"string", "string", "string"}, `^(created|started|ended)$`},
		{"started_at", [3]string{"null", "string", "string"}, `Z$`},
		{"ended_at", [3]string{"null", "null", "string"}, `Z$`},
		{"created_at", [3]string{"string", "string", "string"}, `Z$`},
		{"access_token", [3]string{"string", "", ""}, `^gr_sess_`},
		{"daily_room", [3]string{"object", "object", "object"}, ""},
		{"daily_room.url", [3]string{"string", "string", "string"}, `^http://.*/rooms/prod-s-`},
		{"daily_room.name", [3]string{"string", "string", "string"}, `^prod-s-`},
		{"daily_room.token", [3]string{"string", "string", "null"}, `^eyJ`},
		{"expiration", [3]string{"null", "string", "string"}, `Z$`},
		{"duration", [3]string{"null", "null", "number"}, ""},
		{"metadata", [3]string{"object", "object", "object"}, ""},
	} {
		listed[row.field] = true
		for i, object := range stages {
			value := at(object, row.field)
			_, there := object[row.field]
			if kind := kindOf(value); kind != row.kinds[i] && (kind != "null" || row.kinds[i] != "" || there) {
				t.Errorf("%s is %s when %v, want %s", row.field, kind, object["status"], row.kinds[i])
			}
			if word, ok := value.(string); ok && !regexp.MustCompile(row.form).MatchString(word) {
				t.Errorf("%s is %q when %v", row.field, word, object["status"])
			}
		}
	}
	for _, object := range stages {
		for key := range object {
			if !listed[key] {
				t.Errorf("%s is not in the seed's table", key)
			}
		}
	}
}

// kindOf is a JSON value's type, as the seed's table has it.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case float64:
		return "number"
	case map[string]any:
		return "object"
	default:
		return "something else"
	}
}
