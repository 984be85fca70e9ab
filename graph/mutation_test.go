package graph_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	createSession = `mutation($input: CreateSessionInput!) { createSession(input: $input) {
		session { id status metadata endUserId dailyRoom { url token } avatar { id } events { type } }
		accessToken replayed concurrency { current max available holders { id } } account { id usage { usedSeconds } }
		userErrors { code message field retryAfter } } }`
	startSession = `mutation($id: ID!) { startSession(input: {id: $id}) {
		session { id status avatarState expiration events { type } } wsUri userErrors { code field retryAfter } } }`
	endSession = `mutation($id: ID!) { endSession(input: {id: $id}) {
		session { id status endReason duration dailyRoom { token } } account { id concurrency { current } } userErrors { code } } }`
)

func TestLife(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.avatarServer()

	created := at(w.must(w.mine, createSession, vars{"input": vars{
		"avatarId": w.avatar.ID, "endUserId": "u-1", "metadata": vars{"b": 1.50, "a": "é"},
	}}), "createSession")
	id, _ := at(created, "session", "id").(string)
	if at(created, "session", "status") != "CREATED" || !is(at(created, "replayed"), false) ||
		!strings.HasPrefix(text(at(created, "accessToken")), "gr_sess_") ||
		at(created, "session", "dailyRoom", "token") == nil ||
		at(created, "concurrency", "current") != 1.0 || at(created, "concurrency", "holders", 0, "id") != id ||
		at(created, "account", "id") != w.mine.AccountID {
		t.Fatalf("created %v", created)
	}
	if diff := cmp.Diff(vars{"a": "é", "b": 1.5}, at(created, "session", "metadata")); diff != "" {
		t.Fatalf("metadata (-want +got):\n%s", diff)
	}

	started := at(w.must(w.mine, startSession, vars{"id": id}), "startSession")
	if at(started, "session", "status") != "STARTED" || at(started, "session", "avatarState") != "READY" ||
		at(started, "wsUri") != "wss://greenroom.example/v1/sessions/"+id+"/stream" {
		t.Fatalf("started %v", started)
	}

	// The clock moves on between two mutations of one operation, and each payload shows its own.
	w.now.Add((90 * time.Second).Milliseconds())
	ended := w.must(w.mine, `mutation($id: ID!) {
		first: updateSessionMetadata(input: {id: $id, metadata: {a: null, c: [1]}}) { session { metadata events { type } } userErrors { code } }
		then: endSession(input: {id: $id}) { session { status duration endReason events(last: 1) { type actor } } account { concurrency { current } usage { usedSeconds } } userErrors { code } }
	}`, vars{"id": id})
	if diff := cmp.Diff(vars{"b": 1.5, "c": []any{1.0}}, at(ended, "first", "session", "metadata")); diff != "" {
		t.Fatalf("metadata (-want +got):\n%s", diff)
	}
	want := vars{
		"session": vars{
			"status": "ENDED", "duration": 90.0, "endReason": "CLIENT_ENDED",
			"events": []any{vars{"type": "ENDED", "actor": "API_KEY"}},
		},
		"account":    vars{"concurrency": vars{"current": 0.0}, "usage": vars{"usedSeconds": 90.0}},
		"userErrors": []any{},
	}
	if diff := cmp.Diff(want, at(ended, "then")); diff != "" {
		t.Fatalf("ended (-want +got):\n%s", diff)
	}
}

// Its parts run in order: they live on the same session and avatar.
func TestMutation(t *testing.T) {
	w := setup(t)
	own := w.newSession(w.mine, w.avatar.ID)
	second := w.newAvatar(w.other, "Bea")

	t.Run("RefusesACreateWithItsReasonAndThePlaces", func(t *testing.T) {
		for range 3 {
			w.newSession(w.other, second.ID)
		}
		got := at(w.must(w.other, createSession, vars{"input": vars{"avatarId": second.ID}}), "createSession")
		if at(got, "session") != nil || at(got, "accessToken") != nil || !is(at(got, "replayed"), false) ||
			at(got, "userErrors", 0, "code") != "CONCURRENCY_LIMIT_REACHED" ||
			at(got, "concurrency", "current") != 3.0 || at(got, "concurrency", "available") != 0.0 ||
			len(list(at(got, "concurrency", "holders"))) != 3 || at(got, "account", "id") != w.other.AccountID {
			t.Fatalf("got %v", got)
		}
	})
	t.Run("NamesTheFieldOfBadInput", func(t *testing.T) {
		for field, input := range map[string]vars{
			"maxDuration":    {"avatarId": w.avatar.ID, "maxDuration": 3601},
			"endUserId":      {"avatarId": w.avatar.ID, "endUserId": ""},
			"idempotencyKey": {"avatarId": w.avatar.ID, "idempotencyKey": strings.Repeat("k", 129)},
			"metadata":       {"avatarId": w.avatar.ID, "metadata": vars{"nul": "a\x00b"}},
		} {
			got := at(w.must(w.mine, createSession, vars{"input": input}), "createSession", "userErrors", 0)
			want := vars{"code": "INVALID_INPUT", "field": []any{field}, "retryAfter": nil, "message": at(got, "message")}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", field, diff)
			}
		}
	})
	t.Run("ReplaysAnIdempotencyKey", func(t *testing.T) {
		input := vars{"input": vars{"avatarId": w.avatar.ID, "idempotencyKey": "once"}}
		first := at(w.must(w.mine, createSession, input), "createSession")
		again := at(w.must(w.mine, createSession, input), "createSession")
		if !is(at(again, "replayed"), true) || at(again, "accessToken") != at(first, "accessToken") || at(again, "session", "id") != at(first, "session", "id") {
			t.Fatalf("first %v\nagain %v", first, again)
		}
	})
	t.Run("AnswersTheSessionOfARefusedStart", func(t *testing.T) {
		got := at(w.must(w.mine, startSession, vars{"id": own.ID}), "startSession")
		if at(got, "session", "id") != own.ID || at(got, "wsUri") != nil ||
			at(got, "userErrors", 0, "code") != "NO_AVATAR_SERVER" || at(got, "userErrors", 0, "retryAfter") != 5.0 {
			t.Fatalf("got %v", got)
		}
	})
	t.Run("IsNotForAccessTokensButStartAndEnd", func(t *testing.T) {
		token := tokenOf(own)
		for _, m := range []string{
			`createSession(input: {avatarId: "x"}) { replayed }`,
			`updateSessionMetadata(input: {id: "` + own.ID + `", metadata: {}}) { session { id } }`,
			`rotateAccessToken(input: {id: "` + own.ID + `"}) { accessToken }`,
			`createAvatar(input: {name: "", url: ""}) { avatar { id } }`,
			`updateAvatar(input: {id: "` + w.avatar.ID + `", name: ""}) { avatar { id } }`,
			`archiveAvatar(input: {id: "` + w.avatar.ID + `"}) { avatar { id } }`,
			`createApiKey(input: {name: ""}) { secret }`,
			`revokeApiKey(input: {id: "key_x"}) { apiKey { id } }`,
		} {
			got := w.ask(token, "mutation { "+m+" }", nil)
			if got.code() != "FORBIDDEN" || got.Data != nil {
				t.Errorf("%s\nanswered %s", m, got.body)
			}
		}
		ended := at(w.must(token, endSession, vars{"id": own.ID}), "endSession")
		if at(ended, "session", "status") != "ENDED" || at(ended, "account") != nil {
			t.Fatalf("ended %v", ended)
		}
	})
	t.Run("LetsAnEndedTokenLearnWhyAndEndAgain", func(t *testing.T) {
		token := tokenOf(own)
		got := w.must(token, `query($id: ID!) { viewer { kind account { id } session { id } }
			session(id: $id) { status endReason dailyRoom { token } avatar { name sessions { nodes { id } totalCount } } } sessions { nodes { id } } avatars { nodes { name } totalCount } }`, vars{"id": own.ID})
		want := vars{
			"viewer": vars{"kind": "ACCESS_TOKEN", "account": nil, "session": vars{"id": own.ID}},
			"session": vars{
				"status": "ENDED", "endReason": "CLIENT_ENDED", "dailyRoom": vars{"token": nil},
				"avatar": vars{"name": "Ada", "sessions": vars{"nodes": []any{vars{"id": own.ID}}, "totalCount": 1.0}},
			},
			"sessions": vars{"nodes": []any{vars{"id": own.ID}}},
			"avatars":  vars{"nodes": []any{vars{"name": "Ada"}}, "totalCount": 1.0},
		}
		if diff := cmp.Diff(want, any(got)); diff != "" {
			t.Fatalf("got (-want +got):\n%s", diff)
		}
		again := at(w.must(token, endSession, vars{"id": own.ID}), "endSession")
		if at(again, "session", "status") != "ENDED" || len(list(at(again, "userErrors"))) != 0 {
			t.Fatalf("again %v", again)
		}
	})
	t.Run("ShowsAKeysSecretOnce", func(t *testing.T) {
		made := at(w.must(w.mine, `mutation { createApiKey(input: {name: "back end"}) { apiKey { id name prefix revokedAt } secret userErrors { code } } }`, nil), "createApiKey")
		secret, _ := at(made, "secret").(string)
		if !strings.HasPrefix(secret, "gr_live_") {
			t.Fatalf("made %v", made)
		}
		keys := w.ask(w.mine, `{ viewer { account { apiKeys { totalCount nodes { id name prefix lastUsedAt } } } } }`, nil)
		if strings.Contains(keys.body, secret) || at(keys.Data, "viewer", "account", "apiKeys", "totalCount") != 1.0 {
			t.Fatalf("keys %s", keys.body)
		}
		revoked := w.must(w.mine, `mutation($id: ID!) { revokeApiKey(input: {id: $id}) { apiKey { revokedAt } userErrors { code } } }`, vars{"id": at(made, "apiKey", "id")})
		if at(revoked, "revokeApiKey", "apiKey", "revokedAt") != epoch.String() {
			t.Fatalf("revoked %v", revoked)
		}
	})
	t.Run("ChangesAndArchivesAnAvatar", func(t *testing.T) {
		got := w.must(w.mine, `mutation($id: ID!) {
			rename: updateAvatar(input: {id: $id, name: "Grace"}) { avatar { name url archivedAt } userErrors { code } }
			bad: updateAvatar(input: {id: $id, url: "ftp://x"}) { avatar { name } userErrors { code field } }
			archive: archiveAvatar(input: {id: $id}) { avatar { name archivedAt } userErrors { code } }
			late: createSession(input: {avatarId: $id}) { session { id } userErrors { code } } }`, vars{"id": w.avatar.ID})
		want := vars{
			"rename":  vars{"avatar": vars{"name": "Grace", "url": w.avatar.URL, "archivedAt": nil}, "userErrors": []any{}},
			"bad":     vars{"avatar": nil, "userErrors": []any{vars{"code": "INVALID_INPUT", "field": []any{"url"}}}},
			"archive": vars{"avatar": vars{"name": "Grace", "archivedAt": epoch.String()}, "userErrors": []any{}},
			"late":    vars{"session": nil, "userErrors": []any{vars{"code": "AVATAR_ARCHIVED"}}},
		}
		if diff := cmp.Diff(want, any(got)); diff != "" {
			t.Fatalf("got (-want +got):\n%s", diff)
		}
	})
}
