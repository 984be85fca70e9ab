package main

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/daily/emulator"
)

// TestMain lets the test binary be Greenroom itself, so that a test can kill a real process.
func TestMain(m *testing.M) {
	if os.Getenv("BE_GREENROOM") != "" {
		_ = os.Unsetenv("BE_GREENROOM")
		if set := os.Getenv(failpointVariable); set != "" {
			_ = os.Unsetenv(failpointVariable) // the server refuses settings that it does not know
			armFailpoint(set)
		}
		go func() { // the test that started this one holds the other end: it must not be outlived
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(3)
		}()
		main()
		return
	}
	os.Exit(m.Run())
}

// A process is a Greenroom of its own, which a test can kill.
type process struct {
	cmd *exec.Cmd
	// first is the first line that it printed, decoded.
	first map[string]string
	logs  transcript
}

// spawn runs Greenroom with --json in a process of its own, and returns once it has printed its
// first line.
func spawn(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p, out := begin(t, env, args...)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &p.first)
	}
	if err != nil {
		p.kill()
		t.Fatalf("%v: %v\n%s", args, err, &p.logs)
	}
	return p
}

// begin runs Greenroom with --json in a process of its own.
func begin(t *testing.T, env []string, args ...string) (*process, io.Reader) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self, append([]string{"--json"}, args...)...)}
	p.cmd.Env = append([]string{"BE_GREENROOM=1", "HOME=" + t.TempDir()}, env...)
	p.cmd.Stderr = &p.logs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p, out
}

// kill is kill -9: the process gets no chance to finish anything.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // "signal: killed"
}

// an installation is what survives a crash of the server: Daily, and the database.
type installation struct {
	t     *testing.T
	daily string
	env   []string
	// database is sqlite:FILE or postgres://….
	database string
	key      string
	// avatar is an avatar of the key's account.
	avatar string
	// beside is the database, opened by the test itself.
	beside *sql.DB
}

func install(t *testing.T) *installation {
	t.Helper()
	return installOn(t, sqlite(t))
}

func installOn(t *testing.T, database string) *installation {
	t.Helper()
	in := &installation{t: t, database: database}
	// The rates of Daily itself would be the test's speed.
	in.daily = strings.TrimSuffix(spawn(t, nil, "daily-emulator", "--listen=127.0.0.1:0", "--calls=100000/1s", "--deletes=100000/1s").first["url"], "/v1")
	in.env = []string{"DAILY_API_URL=" + in.daily + "/v1", "DAILY_API_KEY=dev", "GREENROOM_DATABASE=" + database, "GREENROOM_SECRET=" + strings.Repeat("s", 32)}
	account := spawn(t, in.env, "account", "create", "--name=Acme", "--plan=unlimited").first["id"]
	in.key = spawn(t, in.env, "key", "create", "--account="+account).first["secret"]
	return in
}

func (in *installation) serve() *process {
	return spawn(in.t, in.env, "serve", "--listen=127.0.0.1:0", "--admin-listen=off", "--daily-calls=100000/1s", "--daily-deletes=100000/1s")
}

// ask runs one operation; the error is set when no answer came, which says nothing about what
// was done.
func (in *installation) ask(p *process, query string, variables map[string]any, answer any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		in.t.Error(err)
		return err
	}
	r, err := http.NewRequest(http.MethodPost, p.first["graphql"], bytes.NewReader(body))
	if err != nil {
		in.t.Error(err)
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Api-Key", in.key)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = reply.Body.Close() }()
	var envelope struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(reply.Body).Decode(&envelope); err != nil {
		return err
	}
	if len(envelope.Errors) > 0 {
		in.t.Errorf("answered with an error: %s", envelope.Errors[0].Message)
	}
	return json.Unmarshal(envelope.Data, answer)
}

// rooms is what Daily knows, by name.
func (in *installation) rooms() map[string]emulator.RoomRecord {
	in.t.Helper()
	reply, err := http.Get(in.daily + "/_/rooms")
	if err != nil {
		in.t.Fatal(err)
	}
	defer func() { _ = reply.Body.Close() }()
	var list []emulator.RoomRecord
	if err := json.NewDecoder(reply.Body).Decode(&list); err != nil {
		in.t.Fatal(err)
	}
	rooms := map[string]emulator.RoomRecord{}
	for _, r := range list {
		rooms[r.Name] = r
	}
	return rooms
}

// An acknowledged session is one whose creation, and perhaps whose end, was answered.
type acknowledged struct {
	id, key, token string
	ended          bool
}

// TestKillNine kills a serving process under load, again and again, and looks for what it had
// answered: none of it may be missing, and every live session has its room at Daily.
func TestKillNine(t *testing.T) {
	t.Parallel()
	const kills, callers = 5, 8
	in := install(t)
	var mu sync.Mutex
	var known []acknowledged
	unanswered := 0
	for round := range kills {
		p := in.serve()
		in.furnish(p)
		enough := make(chan struct{})
		reached := sync.OnceFunc(func() { close(enough) })
		var load sync.WaitGroup
		for caller := range callers {
			load.Go(func() {
				for n := 0; ; n++ {
					a, err := in.createAndMaybeEnd(p, fmt.Sprintf("%d-%d-%d", round, caller, n), n%3 == 2)
					mu.Lock()
					if a.id != "" {
						known = append(known, a)
					}
					if err != nil {
						unanswered++
						mu.Unlock()
						return
					}
					if len(known) >= (round+1)*30 {
						reached()
					}
					mu.Unlock()
				}
			})
		}
		<-enough
		p.kill()
		load.Wait()
	}
	if unanswered < kills {
		t.Fatalf("%d calls went unanswered in %d kills: the kills hit nothing", unanswered, kills)
	}
	in.passLeases()
	p := in.serve()
	for _, a := range known {
		in.check(p, a)
	}
	in.checkRooms(p)
}

// furnish makes the avatar that all sessions show, once.
func (in *installation) furnish(p *process) {
	in.t.Helper()
	if in.avatar != "" {
		return
	}
	var made struct {
		CreateAvatar struct{ Avatar struct{ ID string } }
	}
	err := in.ask(p, `mutation { createAvatar(input: {name: "Ada", url: "https://example.com/a.png"}) { avatar { id } } }`, nil, &made)
	if err != nil {
		in.t.Fatal(err)
	}
	in.avatar = made.CreateAvatar.Avatar.ID
}

const createMutation = `mutation ($avatar: ID!, $key: String!) {
	createSession(input: {avatarId: $avatar, idempotencyKey: $key}) { session { id } accessToken userErrors { code } }
}`

type createAnswer struct {
	CreateSession struct {
		Session     struct{ ID string }
		AccessToken string
		UserErrors  []struct{ Code string }
	}
}

func (in *installation) createAndMaybeEnd(p *process, key string, end bool) (acknowledged, error) {
	var made createAnswer
	if err := in.ask(p, createMutation, map[string]any{"avatar": in.avatar, "key": key}, &made); err != nil {
		return acknowledged{}, err
	}
	a := acknowledged{id: made.CreateSession.Session.ID, key: key, token: made.CreateSession.AccessToken}
	if a.id == "" {
		in.t.Errorf("create was refused: %v", made.CreateSession.UserErrors)
	}
	if !end {
		return a, nil
	}
	var ended struct {
		EndSession struct{ Session struct{ Status string } }
	}
	err := in.ask(p, `mutation ($id: ID!) { endSession(input: {id: $id}) { session { status } } }`, map[string]any{"id": a.id}, &ended)
	a.ended = err == nil
	return a, err
}

// check asks for what was answered before the crash: the session itself, and by its key.
func (in *installation) check(p *process, a acknowledged) {
	in.t.Helper()
	var read struct {
		Session *struct{ Status string }
	}
	if err := in.ask(p, `query ($id: ID!) { session(id: $id) { status } }`, map[string]any{"id": a.id}, &read); err != nil || read.Session == nil {
		in.t.Errorf("session %s is lost: %v", a.id, err)
		return
	}
	if a.ended != (read.Session.Status == "ENDED") && a.ended {
		in.t.Errorf("session %s was ended and is %s", a.id, read.Session.Status)
	}
	var again createAnswer
	if err := in.ask(p, createMutation, map[string]any{"avatar": in.avatar, "key": a.key}, &again); err != nil {
		in.t.Errorf("replay of %s: %v", a.key, err)
		return
	}
	if got := again.CreateSession; got.Session.ID != a.id || (read.Session.Status != "ENDED" && got.AccessToken != a.token) {
		in.t.Errorf("key %s made %s and now answers %s", a.key, a.id, got.Session.ID)
	}
}

// checkRooms compares with Daily's own truth, once the server has finished what the dead began.
func (in *installation) checkRooms(p *process) {
	in.t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		var orphans, missing []string
		rooms := in.rooms()
		live := in.liveRooms(p)
		for name := range live {
			if rooms[name].State != emulator.RoomLive {
				missing = append(missing, name)
			}
		}
		for name, room := range rooms {
			if room.State == emulator.RoomLive && !live[name] {
				orphans = append(orphans, name)
			}
		}
		if len(orphans)+len(missing) == 0 && len(live) > 0 {
			return
		}
		select {
		case <-deadline:
			in.t.Errorf("%d live sessions; rooms without one: %v; sessions without a room: %v", len(live), orphans, missing)
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// liveRooms are the names of the rooms of sessions that have not ended.
func (in *installation) liveRooms(p *process) map[string]bool {
	in.t.Helper()
	live := map[string]bool{}
	for after := any(nil); ; {
		var page struct {
			Sessions struct {
				Nodes    []struct{ ID string }
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		err := in.ask(p, `query ($after: String) {
			sessions(first: 100, after: $after, filter: {status: [CREATED, STARTED]}) { nodes { id } pageInfo { hasNextPage endCursor } }
		}`, map[string]any{"after": after}, &page)
		if err != nil {
			in.t.Fatal(err)
		}
		for _, s := range page.Sessions.Nodes {
			live["prod-s-"+strings.ToLower(strings.TrimPrefix(s.ID, "sess_"))] = true
		}
		if !page.Sessions.PageInfo.HasNextPage {
			return live
		}
		after = page.Sessions.PageInfo.EndCursor
	}
}
