package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"greenroom/daily/emulator"
	"greenroom/db/dbtest"
)

// A plant is a production installation: a database, Daily, an account with a key, and the key of
// its avatar servers. Servers come and go on it.
type plant struct {
	t *testing.T
	// environ has the database, Daily and the secret.
	environ  []string
	emulator *program
	// daily is the emulator's address, without /v1.
	daily                  string
	accountID              string
	keyID, key             string
	avatarKeyID, avatarKey string
	// avatar is the id of an avatar of the account, once a server has run.
	avatar string
}

// build makes the first keys from the command line, as an operator does.
func build(t *testing.T, database string, environ ...string) *plant {
	t.Helper()
	daily := launch(t, nil, "daily-emulator", "--listen=127.0.0.1:0", "--api-key="+dailyKey)
	p := &plant{t: t, emulator: daily, daily: strings.TrimSuffix(daily.first["url"], "/v1")}
	p.environ = append([]string{
		"GREENROOM_DATABASE=" + database, "DAILY_API_KEY=" + dailyKey, "DAILY_API_URL=" + daily.first["url"],
	}, environ...)
	p.accountID = text(p.do("account", "create", "--name=Acme", "--plan=pro"), "0.id")
	key := p.do("key", "create", "--account="+p.accountID, "--name=back end")
	p.keyID, p.key = text(key, "0.id"), text(key, "0.secret")
	key = p.do("key", "create", "--avatar-server")
	p.avatarKeyID, p.avatarKey = text(key, "0.id"), text(key, "0.secret")
	return p
}

// do runs a command to its end and gives what it printed.
func (p *plant) do(args ...string) []any {
	p.t.Helper()
	printed, err := command(p.t, p.environ, args...)
	if err != nil {
		p.t.Fatalf("%v: %v", args, err)
	}
	return printed
}

// command runs a command to its end.
func command(t *testing.T, environ []string, args ...string) ([]any, error) {
	t.Helper()
	// A mistake that is none would serve for ever.
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out bytes.Buffer
	err := run(ctx, append([]string{"--json"}, args...), environ, &out, io.Discard)
	var printed []any
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		printed = append(printed, value)
	}
	return printed, err
}

// serve runs a server on the plant until the test ends, and waits until it is ready.
func (p *plant) serve(args ...string) *site {
	p.t.Helper()
	running := launch(p.t, p.environ, append([]string{"serve", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"}, args...)...)
	s := &site{program: running, url: running.first["url"], daily: p.daily, dailyKey: dailyKey, key: p.key}
	s.awaitReady()
	if p.avatar == "" {
		p.avatar = text(s.must(p.key, `mutation {
			createAvatar(input: {name: "Ada", url: "https://example.com/ada.png"}) { avatar { id } userErrors { code } }
		}`, nil), "createAvatar.avatar.id")
	}
	s.avatar = p.avatar
	return s
}

// avatars dials in an avatar server.
func (p *plant) avatars(s *site, args ...string) *program {
	p.t.Helper()
	args = append([]string{"avatar-server", "--url=" + s.url, "--instance=gpu-1", "--capacity=3"}, args...)
	return background(p.t, []string{"GREENROOM_AVATAR_SERVER_KEY=" + p.avatarKey}, args...)
}

func sqlite(t *testing.T) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "greenroom.db")
}

func TestProduction(t *testing.T) {
	t.Parallel()
	t.Run("PlaysTheStoryOnSQLite", func(t *testing.T) {
		t.Parallel()
		p := build(t, sqlite(t))
		s := p.serve()
		p.avatars(s)
		story(t, s)
	})
	t.Run("PlaysTheStoryOnPostgreSQL", func(t *testing.T) {
		t.Parallel()
		p := build(t, dbtest.Postgres(t), "GREENROOM_SECRET="+strings.Repeat("s", 32))
		s := p.serve()
		p.avatars(s)
		story(t, s)
		if _, err := command(t, p.environ, "backup", filepath.Join(t.TempDir(), "b")); err == nil || !strings.Contains(err.Error(), "pg_dump") {
			t.Errorf("a backup was answered %v", err)
		}
	})
	t.Run("RefusesARevokedKeyFromItsNextUse", func(t *testing.T) {
		t.Parallel()
		p := build(t, sqlite(t))
		s := p.serve()
		s.must(p.key, `{ viewer { kind } }`, nil)
		p.do("key", "revoke", p.keyID)
		if got := s.ask(p.key, `{ viewer { kind } }`, nil); got.status != 401 || got.code() != "UNAUTHENTICATED" {
			t.Errorf("answered %d %s", got.status, got.body)
		}
	})
	t.Run("ThrowsOutAnAvatarServerWhoseKeyIsRevoked", func(t *testing.T) {
		t.Parallel()
		p := build(t, sqlite(t))
		s := p.serve()
		avatars := p.avatars(s)
		of := s.create(nil)
		s.start(p.key, of.id)
		p.do("key", "revoke", p.avatarKeyID)
		until(t, "the avatar server is thrown out", func() bool {
			select {
			case <-avatars.done:
				return true
			default:
				return false
			}
		})
		if avatars.err == nil || strings.Contains(avatars.err.Error(), p.avatarKey) {
			t.Errorf("the avatar server returned %v", avatars.err)
		}
		avatars.err = nil
	})
	t.Run("EndsASessionForTheOperator", func(t *testing.T) {
		t.Parallel()
		p := build(t, sqlite(t))
		s := p.serve()
		p.avatars(s)
		of := s.create(nil)
		s.start(of.token, of.id)
		printed := p.do("session", "end", of.id)
		if text(printed, "0.id") != of.id || text(printed, "0.endReason") != "OPERATOR_ENDED" {
			t.Errorf("printed %v", printed)
		}
		read := s.must(of.token, `{ viewer { session { status endReason endedAt events(last: 1) { type actor } } } }`, nil)
		if text(read, "viewer.session.endReason") != "OPERATOR_ENDED" || text(read, "viewer.session.endedAt") != text(printed, "0.endedAt") ||
			text(read, "viewer.session.events.0.actor") != "OPERATOR" {
			t.Errorf("the session reads %v", read)
		}
		until(t, "the running server has deleted the room", func() bool {
			return s.room(text(of.session, "dailyRoom.name")).State == emulator.RoomDeleted
		})
		if again := p.do("session", "end", of.id); text(again, "0.endedAt") != text(printed, "0.endedAt") {
			t.Errorf("ended again: %v", again)
		}
	})
}

func TestRestart(t *testing.T) {
	t.Parallel()
	p := build(t, sqlite(t))
	before := p.serve()
	of := before.create(vars{"idempotencyKey": "once"})
	before.stop()
	// Daily has lost everything meanwhile.
	fresh := launch(t, nil, "daily-emulator", "--listen=127.0.0.1:0", "--api-key="+dailyKey)
	p.daily = strings.TrimSuffix(fresh.first["url"], "/v1")
	p.environ = append(p.environ, "DAILY_API_URL="+fresh.first["url"]) // the last one counts
	after := p.serve()
	p.avatars(after)

	name := text(of.session, "dailyRoom.name")
	until(t, "the room is made again", func() bool { return after.room(name).State == emulator.RoomLive })
	read := after.must(of.token, `{ viewer { session { id dailyRoom { name } } } }`, nil)
	if text(read, "viewer.session.id") != of.id || text(read, "viewer.session.dailyRoom.name") != name {
		t.Errorf("the same token reads %v", read)
	}
	if again := after.create(vars{"idempotencyKey": "once"}); again.id != of.id || again.token != of.token {
		t.Errorf("the same key made %s, then %s", of.id, again.id)
	}
	after.start(of.token, of.id)
	if ended := after.end(of.token, of.id); text(ended, "endSession.session.status") != "ENDED" {
		t.Errorf("ended: %v", ended)
	}
}
