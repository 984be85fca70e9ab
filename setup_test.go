package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/daily/emulator"
)

// patience bounds what a test waits for; no test depends on how soon it comes.
const patience = time.Minute

const (
	// devKey is the API key of every `serve --dev`.
	devKey = "gr_test_dev"
	// dailyKey is Daily's in production installations of the tests.
	dailyKey = "daily-key-of-3f7a1c9e5b2d8640"
)

// A program is one call of run that goes on until it is told to stop.
type program struct {
	t         *testing.T
	out, logs *transcript
	cancel    context.CancelFunc
	done      chan struct{}
	err       error
	// first is the first line that it printed, decoded.
	first  map[string]string
	client *http.Client
}

// background runs a command that prints nothing until it is told to stop.
func background(t *testing.T, environ []string, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{
		t: t, out: &transcript{}, logs: &transcript{}, cancel: cancel, done: make(chan struct{}),
		client: &http.Client{
			Transport:     &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	go func() {
		defer close(p.done)
		p.err = run(ctx, append([]string{"--json"}, args...), environ, p.out, p.logs)
	}()
	t.Cleanup(p.stop)
	return p
}

// launch runs a command that prints where it can be reached, and returns once it has.
func launch(t *testing.T, environ []string, args ...string) *program {
	t.Helper()
	p := background(t, environ, args...)
	until(t, strings.Join(args, " "), func() bool {
		select {
		case <-p.done:
			t.Fatalf("%v returned %v\n%s", args, p.err, p.logs.String())
		default:
		}
		return strings.Contains(p.out.String(), "\n")
	})
	line, _, _ := strings.Cut(p.out.String(), "\n")
	if err := json.Unmarshal([]byte(line), &p.first); err != nil {
		t.Fatalf("%v printed %q: %v", args, line, err)
	}
	return p
}

// stop does what SIGTERM does, and checks that run comes back in good order.
func (p *program) stop() {
	p.t.Helper()
	p.cancel()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Errorf("run has not returned\n%s", p.logs.String())
		return
	}
	if p.err != nil {
		p.t.Errorf("run returned %v", p.err)
	}
	p.client.CloseIdleConnections()
}

// A site is a server that is ready, with what a back end needs to use it.
type site struct {
	*program
	url string
	// daily is the emulator's address, without /v1.
	daily, dailyKey string
	key             string
	// avatar is the id of an avatar of the key's account.
	avatar string
}

// serve runs `serve --dev` on a database of its own until the test ends. Flags given here win.
func serve(t *testing.T, args ...string) *site {
	t.Helper()
	fixed := []string{
		"serve", "--dev", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--log-format=json",
		"--database=sqlite:" + filepath.Join(t.TempDir(), "x.db"),
	}
	p := launch(t, nil, append(fixed, args...)...)
	s := &site{program: p, url: p.first["url"], daily: p.first["url"] + "/dev/daily", dailyKey: devDailyKey, key: devKey}
	s.awaitReady()
	s.avatar = text(s.must(s.key, `{ avatars(last: 1) { nodes { id } } }`, nil), "avatars.nodes.0.id")
	return s
}

// in is the site for a subtest: what fails there fails it, not its parent.
func (s *site) in(t *testing.T) *site {
	t.Helper()
	p, of := *s.program, *s
	p.t, of.program = t, &p
	return &of
}

func (s *site) awaitReady() {
	s.t.Helper()
	until(s.t, "ready", func() bool { return s.get("/readyz").status == http.StatusOK })
}

const sessionFields = `
	id revision status sessionType avatar { id name url } metadata endUserId createdAt startBy startedAt endedAt
	expiration maxDuration duration endReason avatarState events { type actor }
	dailyRoom { url name token tokenExpiresAt exp }`

// A made session is one with the credential for its browser or phone.
type made struct {
	id, token string
	session   map[string]any
}

// create makes a session as the account's back end. Input is added to the avatar.
func (s *site) create(input vars) made {
	s.t.Helper()
	all := vars{"avatarId": s.avatar}
	for k, v := range input {
		all[k] = v
	}
	done := s.must(s.key, `mutation ($in: CreateSessionInput!) {
		createSession(input: $in) { session {`+sessionFields+`} accessToken userErrors { code message } }
	}`, vars{"in": all})
	session, _ := at(done, "createSession.session").(map[string]any)
	return made{id: text(session, "id"), token: text(done, "createSession.accessToken"), session: session}
}

// start asks until the avatar is ready, as a client does that is told to ask again: an avatar
// server may still be dialling in.
func (s *site) start(credential, id string) map[string]any {
	s.t.Helper()
	var got *reply
	until(s.t, "the avatar is ready", func() bool {
		got = s.ask(credential, `mutation ($id: ID!) {
			startSession(input: {id: $id}) { session {`+sessionFields+`} wsUri userErrors { code message } }
		}`, vars{"id": id})
		code := at(got.Data, "startSession.userErrors.0.code")
		if len(got.Errors) > 0 || (code != nil && code != "NO_AVATAR_SERVER" && code != "AVATAR_NOT_READY") {
			s.t.Fatalf("startSession answered %s", got.body)
		}
		return code == nil
	})
	return got.Data
}

func (s *site) end(credential, id string) map[string]any {
	s.t.Helper()
	return s.must(credential, `mutation ($id: ID!) {
		endSession(input: {id: $id}) { session {`+sessionFields+`} account { concurrency { current } } userErrors { code message } }
	}`, vars{"id": id})
}

// A dailyRoom is what the emulator tells of a room.
type dailyRoom struct {
	Name, Privacy string
	State         emulator.RoomState
	Inside        []any
}

// room is Daily's own truth about a room; the zero one when there never was any.
func (s *site) room(name string) dailyRoom {
	s.t.Helper()
	var latest dailyRoom
	var rooms []dailyRoom
	if err := json.Unmarshal([]byte(s.get(s.daily+"/_/rooms").body), &rooms); err != nil {
		s.t.Fatal(err)
	}
	for _, r := range rooms {
		if r.Name == name {
			latest = r
		}
	}
	return latest
}

// until polls, with a deadline.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("still not: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// A transcript is what a program has written so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends.
func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// lines are the log's lines, decoded. A line that is no JSON object fails the test.
func (p *program) lines() []map[string]any {
	p.t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(p.logs.String()) {
		var decoded map[string]any
		if err := json.Unmarshal([]byte(line), &decoded); err != nil {
			p.t.Fatalf("a log line that is no JSON: %q: %v", line, err)
		}
		lines = append(lines, decoded)
	}
	return lines
}
