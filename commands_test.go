package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLists(t *testing.T) {
	t.Parallel()
	p := build(t, sqlite(t))
	p.do("account", "create", "--name=Zeta")
	p.do("key", "revoke", p.keyID)

	accounts := p.do("account", "list")
	plans := map[string]string{}
	for _, a := range accounts {
		plans[text(a, "name")] = text(a, "plan")
	}
	if len(accounts) != 2 || plans["Acme"] != "pro" || plans["Zeta"] != "free" {
		t.Errorf("accounts %v", accounts)
	}
	keys := p.do("key", "list")
	if len(keys) != 2 {
		t.Fatalf("keys %v", keys)
	}
	for i, want := range []struct{ id, kind, secret string }{{p.keyID, "api", p.key}, {p.avatarKeyID, "avatar-server", p.avatarKey}} {
		got := keys[i]
		if text(got, "id") != want.id || text(got, "kind") != want.kind || !strings.HasPrefix(want.secret, text(got, "prefix")) ||
			(at(got, "revokedAt") != nil) != (want.kind == "api") {
			t.Errorf("key %v, want %s of %s", got, want.id, want.kind)
		}
		line, err := json.Marshal(got)
		if err != nil || strings.Contains(string(line), want.secret) {
			t.Errorf("%v: the list shows the secret: %s", err, line)
		}
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	database := sqlite(t)
	file := strings.TrimPrefix(database, "sqlite:")
	p := build(t, database)
	s := p.serve()
	of := s.create(vars{"idempotencyKey": "once"})
	copied := filepath.Join(t.TempDir(), "copy.db")
	if printed := p.do("backup", copied); text(printed, "0.file") != copied {
		t.Errorf("printed %v", printed)
	}
	later := s.create(nil) // after the copy: it must not be there
	secret, err := os.ReadFile(file + ".secret")
	if err == nil {
		err = os.WriteFile(copied+".secret", secret, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	q := *p
	q.environ = append([]string{}, p.environ...)
	q.environ = append(q.environ, "GREENROOM_DATABASE=sqlite:"+copied)
	c := q.serve()
	if again := c.create(vars{"idempotencyKey": "once"}); again.id != of.id || again.token != of.token {
		t.Errorf("the copy has %v for the key", again)
	}
	c.must(of.token, `{ viewer { session { id } } }`, nil)
	if got := c.must(p.key, `query ($id: ID!) { session(id: $id) { id } }`, vars{"id": later.id}); got["session"] != nil {
		t.Errorf("the copy has what came after it: %v", got)
	}

	if _, err := command(t, p.environ, "backup", copied); err == nil {
		t.Error("a file that exists was overwritten")
	}
	nowhere := filepath.Join(t.TempDir(), "nowhere.db")
	_, err = command(t, []string{"GREENROOM_DATABASE=sqlite:" + nowhere}, "backup", filepath.Join(t.TempDir(), "b.db"))
	if _, there := os.Stat(nowhere); err == nil || !errors.Is(there, os.ErrNotExist) {
		t.Errorf("a database that does not exist was backed up, or made: %v, %v", err, there)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	environ := []string{"GREENROOM_DATABASE=" + sqlite(t)}
	for range 2 { // it may be repeated
		printed, err := command(t, environ, "migrate")
		if err != nil || text(printed, "0.database") != strings.TrimPrefix(environ[0], "GREENROOM_DATABASE=") {
			t.Fatalf("printed %v, %v", printed, err)
		}
	}
	if _, err := command(t, environ, "account", "create", "--name=Acme"); err != nil {
		t.Error(err)
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	printed, err := command(t, nil, "demo")
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, line := range printed {
		steps = append(steps, text(line, "step"))
	}
	if got := strings.Join(steps, " "); got != "Ready Created Joined Started Spoken Read Ended Released Done" {
		t.Errorf("steps %s", got)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"serve", "demo", "daily-emulator", "avatar-server", "account create", "account list",
		"key create", "key revoke", "key list", "session end", "migrate", "backup"} {
		if !strings.Contains(out.String(), "\n  "+name) {
			t.Errorf("the help lacks %q:\n%s", name, &out)
		}
	}
}

// A mistake is a command line that cannot work.
type mistake struct {
	environ, args []string
	// code is the process's; says is what its error must have.
	code int
	says []string
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	const canary = "correct-horse-battery-staple"
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	production := []string{"DAILY_API_KEY=" + canary}
	existing := append(production, "GREENROOM_DATABASE="+migrated(t))
	local := []string{"serve", "--listen=127.0.0.1:0", "--admin-listen=off"}
	for name, m := range map[string]mistake{
		"SeveralSettings": {
			environ: []string{"GREENROOM_LISTENN=x", "GREENROOM_SECRET=" + canary[:8]},
			args:    []string{"serve", "--listen=nonsense", "--sweep-interval=soon", "--log-format=xml", "--allowed-origins=*"},
			code:    exitConfig,
			says: []string{"--listen is \"nonsense\": set HOST:PORT", "sweep-interval", "set a number with its unit", "set json or text",
				"--allowed-origins", "DAILY_API_KEY is not set", "did you mean GREENROOM_LISTEN?", "GREENROOM_SECRET has 8 bytes"},
		},
		"NoCommand":            {code: exitConfig, says: []string{"serve"}},
		"AnUnknownCommand":     {args: []string{"serf"}, code: exitConfig, says: []string{"serf"}},
		"AnUnknownFlag":        {args: []string{"serve", "--dev", "--lisen=x"}, code: exitConfig, says: []string{"--lisen"}},
		"DevForEverybody":      {args: []string{"serve", "--dev", "--listen=0.0.0.0:8080"}, code: exitConfig, says: []string{"--listen 127.0.0.1:8080"}},
		"PostgresWithNoSecret": {environ: []string{"DAILY_API_KEY=" + canary}, args: []string{"serve", "--database=postgres://u:" + canary + "@127.0.0.1:1/x"}, code: exitConfig, says: []string{"GREENROOM_SECRET is required"}},
		"APortThatIsTaken":     {environ: production, args: []string{"serve", "--listen=" + taken.Addr().String()}, code: 1, says: []string{"listen", "address already in use"}},
		"AnAdminPortThatIsTaken": {
			environ: append([]string{"DAILY_API_URL=http://127.0.0.1:1/v1"}, production...),
			args:    []string{"serve", "--listen=127.0.0.1:0", "--admin-listen=" + taken.Addr().String()}, code: 1, says: []string{"listen"},
		},
		"ADatabaseThatIsDown": {
			environ: []string{"DAILY_API_KEY=" + canary, "GREENROOM_SECRET=" + canary + canary, "GREENROOM_DATABASE=postgres://u:" + canary + "@127.0.0.1:1/x"},
			args:    local, code: 1, says: []string{"open database"},
		},
		"ADatabaseInAFolderThatIsNotThere": {environ: production, args: append(local, "--database=sqlite:/nonexistent/x.db"), code: 1, says: []string{"open database"}},
		"ADatabaseOfSomethingElse":         {environ: production, args: append(local, "--database="+prepared(t, "CREATE TABLE theirs (x)")), code: 1, says: []string{"belongs to something else"}},
		"ANewerDatabase":                   {environ: production, args: append(local, "--database="+newer(t)), code: 1, says: []string{"newer version"}},
		"AKeyOfNobody":                     {environ: production, args: []string{"key", "create"}, code: exitConfig, says: []string{"--account", "--avatar-server"}},
		"AKeyOfTwo":                        {environ: production, args: []string{"key", "create", "--account=a", "--avatar-server"}, code: exitConfig, says: []string{"--account", "--avatar-server"}},
		"AKeyOfAnUnknownAccount":           {environ: production, args: []string{"key", "create", "--account=acct_01ARZ3NDEKTSV4RRFFQ69G5FAV"}, code: 1, says: []string{"no such account"}},
		"AnAccountOnAnUnknownPlan":         {environ: production, args: []string{"account", "create", "--name=A", "--plan=gold"}, code: 1, says: []string{"plan"}},
		"RevokingAnUnknownKey":             {environ: existing, args: []string{"key", "revoke", "key_01ARZ3NDEKTSV4RRFFQ69G5FAV"}, code: 1, says: []string{"no such key"}},
		"EndingAnUnknownSession":           {environ: existing, args: []string{"session", "end", "sess_01ARZ3NDEKTSV4RRFFQ69G5FAV"}, code: 1, says: []string{"no such session"}},
		"EndingNoSession":                  {environ: existing, args: []string{"session", "end", "1=1"}, code: 1, says: []string{"no such session"}},
		"ListingAMistypedDatabase":         {environ: production, args: []string{"account", "list"}, code: 1, says: []string{"no such file"}},
		"AnAvatarServerWithNoKey":          {args: []string{"avatar-server", "--url=http://127.0.0.1:1"}, code: exitConfig, says: []string{"--key"}},
		"AnAvatarServerToNowhere":          {args: []string{"avatar-server", "--url=nowhere", "--key=" + canary}, code: 1, says: []string{"URL must be"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The last of a name counts.
			printed, err := command(t, append([]string{"GREENROOM_DATABASE=" + sqlite(t)}, m.environ...), m.args...)
			var said bytes.Buffer
			if code := exitCode(err, &said); code != m.code || len(printed) > 0 {
				t.Errorf("exit code %d, printed %v", code, printed)
			}
			for _, want := range m.says {
				if !strings.Contains(said.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, &said)
				}
			}
			if strings.Contains(said.String(), canary[:8]) {
				t.Errorf("it repeats a secret:\n%s", &said)
			}
		})
	}
}

// prepared is a database file on which a statement has been run.
func prepared(t *testing.T, statement string) string {
	t.Helper()
	database := sqlite(t)
	change(t, database, statement)
	return database
}

// migrated is a database of this program, without anything in it.
func migrated(t *testing.T) string {
	t.Helper()
	database := sqlite(t)
	if _, err := command(t, []string{"GREENROOM_DATABASE=" + database}, "migrate"); err != nil {
		t.Fatal(err)
	}
	return database
}

// newer is a database of this program that a later version has migrated.
func newer(t *testing.T) string {
	t.Helper()
	database := migrated(t)
	change(t, database, "INSERT INTO greenroom_migrations (version_id, is_applied) VALUES (99999999, 1)")
	return database
}

// change runs a statement behind Greenroom's back.
func change(t *testing.T, database, statement string) {
	t.Helper()
	file, err := sql.Open("sqlite3", strings.TrimPrefix(database, "sqlite:"))
	if err == nil {
		_, err = file.ExecContext(t.Context(), statement)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestWhoseDatabase tells development and production apart: the dev key must not open customers'
// sessions, nor a known key's account be served to everybody.
func TestWhoseDatabase(t *testing.T) {
	t.Parallel()
	database := sqlite(t)
	serve(t, "--database="+database).stop()
	environ := []string{"DAILY_API_KEY=k", "DAILY_API_URL=http://127.0.0.1:1/v1"}
	local := []string{"serve", "--listen=127.0.0.1:0", "--admin-listen=off"}
	_, err := command(t, environ, append(local, "--database="+database)...)
	if err == nil || !strings.Contains(err.Error(), "made by `serve --dev`") || !strings.Contains(err.Error(), "set --database") {
		t.Errorf("a development database in production: %v", err)
	}

	production := sqlite(t)
	if _, err := command(t, []string{"GREENROOM_DATABASE=" + production}, "account", "create", "--name=Acme"); err != nil {
		t.Fatal(err)
	}
	_, err = command(t, nil, append(local, "--dev", "--database="+production)...)
	if err == nil || !strings.Contains(err.Error(), "set --database") {
		t.Errorf("a production database in development: %v", err)
	}
	if accounts, err := command(t, []string{"GREENROOM_DATABASE=" + production}, "account", "list"); err != nil || len(accounts) != 1 {
		t.Errorf("accounts %v, %v", accounts, err)
	}
}
