package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	t.Run("IsReadyOnceDailyAnswers", func(t *testing.T) {
		t.Parallel()
		p := build(t, sqlite(t))
		s := &site{program: launch(t, p.environ, "serve", "--listen=127.0.0.1:0", "--admin-listen=off"), daily: p.daily, key: p.key}
		s.awaitReady()
		made := s.must(s.key, `mutation { createAvatar(input: {name: "Ada", url: "https://example.com/a.png"}) { avatar { id } userErrors { code } } }`, nil)
		s.avatar = text(made, "createAvatar.avatar.id")
		of := s.create(nil)
		s.stop()

		// A database that has never met Daily, whose every answer is lost now.
		fresh := *p
		fresh.environ = append(append([]string{}, p.environ...), "GREENROOM_DATABASE="+sqlite(t))
		fresh.fault(`{"kind": "lost"}`)
		key := text(fresh.do("key", "create", "--account="+text(fresh.do("account", "create", "--name=B"), "0.id")), "0.secret")
		down := &site{program: launch(t, fresh.environ, "serve", "--listen=127.0.0.1:0", "--admin-listen=off"), daily: p.daily, key: key}
		if got := down.get("/readyz"); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "room provider") {
			t.Errorf("readyz answered %d %s", got.status, got.body)
		}
		if got := down.get("/healthz"); got.status != http.StatusOK || got.body != "{\"status\":\"ok\"}\n" {
			t.Errorf("healthz answered %d %s", got.status, got.body)
		}
		down.must(key, `{ sessions { totalCount } viewer { account { name } } }`, nil)
		fresh.fault(`[]`)
		down.awaitReady()

		// A server that has met Daily before signs tokens and ends sessions without it.
		p.fault(`{"kind": "lost"}`)
		again := &site{program: launch(t, p.environ, "serve", "--listen=127.0.0.1:0", "--admin-listen=off"), daily: p.daily, key: p.key}
		again.awaitReady()
		if text(again.must(of.token, `{ viewer { session { dailyRoom { token } } } }`, nil), "viewer.session.dailyRoom.token") == "" {
			t.Error("no token for the room while Daily is down")
		}
		again.end(of.token, of.id)
	})
	t.Run("RefusesACreateWhileDailyIsDown", func(t *testing.T) {
		t.Parallel()
		p := build(t, sqlite(t))
		s := p.serve("--create-wait=100ms")
		p.fault(`{"kind": "error", "status": 503}`)
		got := s.ask(s.key, `mutation ($a: ID!) { createSession(input: {avatarId: $a}) { session { id } userErrors { code } } }`, vars{"a": s.avatar})
		if got.code() != "UNAVAILABLE" || got.Errors[0].Extensions["retryAfter"] == nil {
			t.Errorf("answered %s", got.body)
		}
		if seen := s.must(s.key, `{ viewer { account { concurrency { current } } } }`, nil); count(seen, "viewer.account.concurrency.current") != 0 {
			t.Errorf("the place is still taken: %v", seen)
		}
	})
}

// fault orders faults from the emulator; [] ends them.
func (p *plant) fault(faults string) {
	p.t.Helper()
	if got := p.emulator.request("POST", p.daily+"/_/faults", faults); got.status != http.StatusOK {
		p.t.Fatalf("faults: %s", got.body)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := serve(t)
	of := s.create(nil)
	s.start(of.token, of.id)
	s.ask("gr_live_wrong", `{ serverTime }`, nil)
	s.get("/no/such/page/" + of.id)
	metrics := s.get(s.first["metrics"])
	for _, want := range []string{
		`greenroom_http_request_seconds_count{route="/graphql",status="200"} `,
		`greenroom_http_request_seconds_count{route="/graphql",status="401"} 1`,
		`greenroom_http_request_seconds_count{route="/",status="404"} 1`,
		`greenroom_daily_call_seconds_count{call="create room",status="200"} 1`,
		`greenroom_sessions_total{reason="",what="created"} 1`,
		`greenroom_sessions_total{reason="",what="started"} 1`,
		`greenroom_db_write_group_size_count `,
		"greenroom_avatar_servers 1\n",
		"greenroom_avatar_server_capacity 100\n",
		"greenroom_avatar_server_sessions 1\n",
		"go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(metrics.body, want) {
			t.Errorf("no %q in\n%s", want, metrics.body)
		}
	}
	if strings.Contains(metrics.body, of.id) || strings.Contains(metrics.body, "/no/such") {
		t.Error("a label is not of a closed set")
	}
	s.end(of.token, of.id)
	if got := s.get(s.first["metrics"]).body; !strings.Contains(got, `greenroom_sessions_total{reason="CLIENT_ENDED",what="ended"} 1`) {
		t.Errorf("the end was not counted:\n%s", got)
	}
	until(t, "the avatar server is free again", func() bool {
		return strings.Contains(s.get(s.first["metrics"]).body, "greenroom_avatar_server_sessions 0\n")
	})
	if got := s.get("/metrics"); got.status != http.StatusNotFound {
		t.Errorf("clients can read metrics: %d", got.status)
	}
	admin := strings.TrimSuffix(s.first["metrics"], "/metrics")
	for _, path := range []string{"/graphql", "/", "/playground", "/dev/daily/_/rooms", "/debug/pprof/"} {
		if got := s.get(admin + path); got.status != http.StatusNotFound {
			t.Errorf("the admin listener answers %s with %d", path, got.status)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := serve(t)
	reference := regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	for page, styles := range map[string]string{"/": "'nonce-", "/sessions/new": "'nonce-", "/playground": "'unsafe-inline';"} {
		got := s.get(page)
		policy := got.header.Get("Content-Security-Policy")
		if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") ||
			!strings.Contains(policy, "default-src 'none'; script-src 'self'; style-src 'self' "+styles) ||
			!strings.Contains(policy, "frame-ancestors 'none'") || strings.Count(policy, "unsafe") != strings.Count(styles, "unsafe") {
			t.Errorf("%s answered %d with %v", page, got.status, got.header)
		}
		assets := 0
		for _, found := range reference.FindAllStringSubmatch(got.body, -1) {
			if !strings.HasPrefix(found[1], "/assets/") {
				if found[1] != "data:," {
					t.Errorf("%s refers to %s", page, found[1])
				}
				continue
			}
			assets++
			if asset := s.get(found[1]); asset.status != http.StatusOK {
				t.Errorf("%s on %s answered %d", found[1], page, asset.status)
			}
		}
		if assets == 0 {
			t.Errorf("%s has no assets", page)
		}
		if !strings.Contains(got.body, devKey) {
			t.Errorf("%s does not know the dev key", page)
		}
	}
	p := build(t, sqlite(t))
	production := p.serve()
	for _, page := range []string{"/", "/playground"} {
		if got := production.get(page); got.status != http.StatusOK || strings.Contains(got.body, devKey) {
			t.Errorf("%s of a production server answered %d, or has the dev key", page, got.status)
		}
	}
	if got := production.ask(devKey, `{ viewer { kind } }`, nil); got.status != http.StatusUnauthorized {
		t.Errorf("the dev key was answered %d %s in production", got.status, got.body)
	}
	if got := production.get("/dev/daily/_/rooms"); got.status != http.StatusNotFound {
		t.Errorf("the emulator answers in production: %d", got.status)
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	s := serve(t, "--allowed-origins=https://app.example.com,https://b.example:8443")
	none := serve(t)
	body := operation(`{ serverTime }`, nil)
	post := func(s *site, origin string, header ...string) *reply {
		return s.request("POST", "/graphql", body, append(header, "Content-Type", "application/json", "Origin", origin)...)
	}
	for _, origin := range []string{"https://app.example.com", "https://b.example:8443"} {
		got := post(s, origin)
		if got.header.Get("Access-Control-Allow-Origin") != origin || got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s was answered %v", origin, got.header)
		}
		exposed := strings.ToLower(got.header.Get("Access-Control-Expose-Headers"))
		if !strings.Contains(exposed, "retry-after") || !strings.Contains(exposed, "x-request-id") {
			t.Errorf("exposed: %s", exposed)
		}
		if got := post(s, origin, "X-Api-Key", "wrong"); got.status != 401 || got.header.Get("Access-Control-Allow-Origin") != origin {
			t.Errorf("a page cannot see that its key is wrong: %d %v", got.status, got.header)
		}
	}
	for _, origin := range []string{
		"null", "", "*", "https://evil.example", "https://app.example.com.evil.example", "https://evilapp.example.com",
		"https://x.app.example.com", "http://app.example.com", "https://app.example.com:8443", "https://app.example.com:443",
		"https://app.example.com/", "https://b.example", "https://b.example:84430", "HTTPS://APP.EXAMPLE.COM",
	} {
		for name, s := range map[string]*site{"a list": s, "no list": none} {
			got := post(s, origin)
			if got.header.Get("Access-Control-Allow-Origin") != "" || !strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Origin") {
				t.Errorf("%q with %s was answered %v", origin, name, got.header)
			}
		}
	}
	preflight := func(origin, method, headers string) *reply {
		return s.request("OPTIONS", "/graphql", "", "Origin", origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers)
	}
	got := preflight("https://app.example.com", "POST", "authorization,content-type,x-api-key")
	if got.status != http.StatusNoContent || got.header.Get("Access-Control-Allow-Origin") != "https://app.example.com" ||
		got.header.Get("Access-Control-Allow-Methods") != "POST" || got.header.Get("Access-Control-Allow-Headers") != "authorization,content-type,x-api-key" ||
		got.header.Get("Access-Control-Max-Age") != "600" {
		t.Errorf("preflight was answered %d %v", got.status, got.header)
	}
	for _, refused := range [][3]string{
		{"https://evil.example", "POST", "content-type"}, {"null", "POST", "content-type"},
		{"https://app.example.com", "DELETE", "content-type"}, {"https://app.example.com", "POST", "x-evil"},
	} {
		got := preflight(refused[0], refused[1], refused[2])
		if got.header.Get("Access-Control-Allow-Methods") != "" || got.header.Get("Access-Control-Allow-Headers") != "" {
			t.Errorf("preflight %v was answered %v", refused, got.header)
		}
	}
}

// A page elsewhere may have its own name resolve to this machine; the well-known key must not
// work for it.
func TestDevHost(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for host, want := range map[string]int{
		"localhost": 200, "localhost:1": 200, "127.0.0.1": 200, "127.0.0.1:80": 200, "127.9.9.9": 200, "[::1]:8080": 200, "[::1]": 200,
		"evil.example": 421, "evil.example:8080": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421,
		"localhost@evil.example": 421, "10.0.0.1": 421, "0.0.0.0": 421, "0.0.0.0:80": 421, "[::]": 421, "2130706433": 421,
	} {
		for _, path := range []string{"/healthz", "/", "/playground", "/dev/daily/_/rooms"} {
			if got := s.get(path, "Host", host); got.status != want {
				t.Errorf("%s for the host %q answered %d, want %d", path, host, got.status, want)
			}
		}
	}
	got := s.request("POST", "/graphql", operation(`{ viewer { kind } }`, nil), "Host", "evil.example", "X-Api-Key", devKey, "Content-Type", "application/json")
	if got.status != http.StatusMisdirectedRequest || strings.Contains(got.body, "API_KEY") {
		t.Errorf("answered %d %s", got.status, got.body)
	}
}
