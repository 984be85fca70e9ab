package main

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/db/dbtest"
)

// canaries are secrets by what they are, each without the part that may be shown.
type canaries map[string]string

// look reports every canary in a text: as it is, and as bytes that were printed.
func (c canaries) look(t *testing.T, where, text string) {
	t.Helper()
	for name, secret := range c {
		forms := []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))}
		if raw, err := base64.StdEncoding.DecodeString(secret); err == nil && len(raw) >= 16 {
			forms = append(forms, string(raw), hex.EncodeToString(raw))
		}
		for _, form := range forms {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("the %s is in %s: %.200q", name, where, text[max(0, i-80):])
			}
		}
	}
}

// TestSecrets plays a session's whole life with things going wrong, and then looks for every
// secret that was in it wherever something is written.
func TestSecrets(t *testing.T) {
	t.Parallel()
	t.Run("AreNotKeptOnSQLite", func(t *testing.T) {
		t.Parallel()
		database := sqlite(t)
		folder := filepath.Dir(strings.TrimPrefix(database, "sqlite:"))
		keepNoSecret(t, database, func() string {
			var raw bytes.Buffer
			files, err := os.ReadDir(folder)
			for _, file := range files { // with the journals
				text, failed := os.ReadFile(filepath.Join(folder, file.Name()))
				err = errors.Join(err, failed)
				raw.Write(text)
			}
			if err != nil {
				t.Fatal(err)
			}
			return raw.String()
		})
	})
	t.Run("AreNotKeptOnPostgreSQL", func(t *testing.T) {
		t.Parallel()
		database := dbtest.Postgres(t)
		keepNoSecret(t, database, func() string { return dump(t, database) })
	})
}

func keepNoSecret(t *testing.T, database string, stored func() string) {
	t.Helper()
	const signing = "signing-secret-9b1e6d04c7f852a3-and-more"
	p := build(t, database, "GREENROOM_SECRET="+signing, "DAILY_WEBHOOK_SECRET="+base64.StdEncoding.EncodeToString([]byte("webhook-secret-51d0c4")))
	s := p.serve("--log-level=debug", "--failed-logins=10000/1s")
	avatars := background(t, nil, "avatar-server", "--url="+s.url, "--key="+p.avatarKey, "--log-level=debug")
	p.fault(`[{"kind": "error", "status": 500, "method": "POST", "count": 1}, {"kind": "truncated", "method": "POST", "count": 1}]`)
	of := s.create(vars{"idempotencyKey": "once"})
	typo := "gr_live_" + strings.Repeat("TYPO", 13)
	room := text(of.session, "dailyRoom.token")
	secrets := canaries{
		"API key":            p.key[16:],
		"avatar-server key":  p.avatarKey[17:],
		"access token":       of.token[len("gr_sess_"):],
		"room token":         room[strings.LastIndex(room, "."):],
		"key of Daily":       dailyKey,
		"signing secret":     signing,
		"webhook secret":     "webhook-secret-51d0c4",
		"key with a mistake": typo[8:],
	}
	s.start(of.token, of.id)
	for _, misplaced := range []string{p.key, of.token, room, typo} {
		secrets.misplace(t, s, misplaced)
	}
	rotated := text(s.must(s.key, `mutation ($id: ID!) { rotateAccessToken(input: {id: $id}) { accessToken userErrors { code } } }`, vars{"id": of.id}), "rotateAccessToken.accessToken")
	secrets["new access token"] = rotated[len("gr_sess_"):]
	made := s.must(s.key, `mutation { createApiKey(input: {name: "second"}) { secret userErrors { code } } }`, nil)
	second := text(made, "createApiKey.secret")
	secrets["second API key"] = second[16:]
	hook := s.must(s.key, `mutation { createWebhookEndpoint(input: {url: "https://hooks.invalid/x", eventTypes: [SESSION_ENDED]}) { webhookEndpoint { id } secret userErrors { code } } }`, nil)
	secrets["webhook's secret"] = text(hook, "createWebhookEndpoint.secret")[len("whsec_"):]
	again := s.must(s.key, `mutation ($id: ID!) { rotateWebhookSecret(input: {id: $id}) { secret userErrors { code } } }`, vars{"id": text(hook, "createWebhookEndpoint.webhookEndpoint.id")})
	secrets["webhook's new secret"] = text(again, "rotateWebhookSecret.secret")[len("whsec_"):]
	s.end(second, of.id)
	p.fault(`{"kind": "error", "status": 400}`)
	s.ask(s.key, keyedCreate, vars{"avatar": s.avatar, "key": "fails"})
	p.do("key", "revoke", p.keyID)
	s.ask(p.key, `{ serverTime }`, nil)

	secrets.look(t, "the metrics", s.get(s.first["metrics"]).body)
	secrets.look(t, "the emulator's log", s.get(s.daily+"/_/log").body)
	live := stored()
	secrets.look(t, "the database while it is served", live)
	// Their hashes are there, so this looks in the right place.
	for _, secret := range []string{p.key, second, p.avatarKey, rotated} {
		hash := sha256.Sum256([]byte(secret))
		if !strings.Contains(live, string(hash[:])) && !strings.Contains(live, hex.EncodeToString(hash[:])) {
			t.Error("the hash of a credential is not in the database")
		}
	}
	avatars.stop()
	s.stop()
	secrets.look(t, "the database", stored())
	for name, logs := range map[string]*transcript{"server": s.logs, "avatar server": avatars.logs, "emulator": p.emulator.logs} {
		secrets.look(t, "the log of the "+name, logs.String())
	}
	secrets.look(t, "what the server printed", s.out.String())
	for _, want := range []string{p.accountID, `"msg":"daily call failed"`, `"msg":"no room for a session"`} {
		if !strings.Contains(s.logs.String(), want) {
			t.Errorf("nothing went wrong, or it was not logged: no %s", want)
		}
	}
}

// misplace sends a secret where it does not belong. What is answered must not repeat it.
func (c canaries) misplace(t *testing.T, s *site, secret string) {
	t.Helper()
	quoted := `"` + secret + `"`
	for _, body := range []string{
		operation(`{ session(id: `+quoted+`) { id } node(id: `+quoted+`) { id } }`, nil),
		operation(`{ sessions(first: `+quoted+`) { totalCount } }`, nil),
		operation(`{ sessions(after: `+quoted+`) { totalCount } }`, nil),
		operation(`{ sessions(filter: {status: `+quoted+`}) { totalCount } }`, nil),
		operation(`{ sessions(filter: {createdAfter: `+quoted+`}) { totalCount } }`, nil),
		operation(`{ session(id: `+quoted, nil),
		operation(`query ($n: Int) { sessions(first: $n) { totalCount } }`, vars{"n": secret}),
		operation(`mutation ($in: CreateSessionInput!) { createSession(input: $in) { userErrors { code message field } } }`, vars{"in": vars{"avatarId": secret}}),
		operation(`mutation ($in: CreateSessionInput!) { createSession(input: $in) { userErrors { code message field } } }`, vars{"in": secret}),
		`{"query": "{ serverTime }", "operationName": ` + quoted + `}`,
		`{"query": "{ serverTime }", "variables": ` + quoted + `}`,
		`{"query": ` + quoted + `, `,
		secret,
	} {
		for _, credential := range []string{s.key, secret + "x", "Basic " + secret} {
			got := s.request("POST", "/graphql?token="+secret, body, "Content-Type", "application/json", "X-Api-Key", credential, "Cookie", "key="+secret)
			c.look(t, "the answer to "+body, got.body)
			if got.code() == "INTERNAL" {
				t.Errorf("%s answered %s", body, got.body)
			}
		}
	}
	s.get("/v1/avatar-servers?key="+secret, "Authorization", "Bearer "+secret)
	s.get("/v1/avatar-servers", "Authorization", "Bearer "+secret, "Connection", "Upgrade", "Upgrade", "websocket")
}

// dump is every row of every table, as text.
func dump(t *testing.T, database string) string {
	t.Helper()
	conn, err := sql.Open("pgx", database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var all strings.Builder
	err = query(t, conn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'", func(table string) error {
		return query(t, conn, `SELECT row::text FROM "`+table+`" AS row`, func(row string) error {
			all.WriteString(row + "\n")
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func query(t *testing.T, conn *sql.DB, statement string, each func(string) error) error {
	t.Helper()
	rows, err := conn.QueryContext(t.Context(), statement)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var value string
		err := rows.Scan(&value)
		if err == nil {
			err = each(value)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}
