package main

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	p := build(t, sqlite(t))
	s := p.serve("--failed-logins=1000/1h")
	of := s.create(nil)
	viewer := operation(`{ viewer { kind } }`, nil)
	for name, c := range map[string]struct {
		header []string
		status int
		code   string
		kind   string
	}{
		"Bearer":                 {[]string{"Authorization", "Bearer " + p.key}, 200, "", "API_KEY"},
		"BearerInAnyCase":        {[]string{"Authorization", "bearer " + p.key}, 200, "", "API_KEY"},
		"XAPIKey":                {[]string{"X-Api-Key", p.key}, 200, "", "API_KEY"},
		"TheSameTwice":           {[]string{"X-Api-Key", p.key, "Authorization", "Bearer " + p.key}, 200, "", "API_KEY"},
		"AnAccessToken":          {[]string{"Authorization", "Bearer " + of.token}, 200, "", "ACCESS_TOKEN"},
		"AnAccessTokenAsAKey":    {[]string{"X-Api-Key", of.token}, 200, "", "ACCESS_TOKEN"},
		"None":                   {nil, 200, "UNAUTHENTICATED", ""},
		"TwoThatDiffer":          {[]string{"X-Api-Key", p.key, "Authorization", "Bearer " + of.token}, 401, "UNAUTHENTICATED", ""},
		"Wrong":                  {[]string{"X-Api-Key", "gr_live_" + strings.Repeat("A", 52)}, 401, "UNAUTHENTICATED", ""},
		"NearlyRight":            {[]string{"X-Api-Key", p.key[:len(p.key)-1] + "0"}, 401, "UNAUTHENTICATED", ""},
		"OnlyItsBeginning":       {[]string{"X-Api-Key", p.key[:16]}, 401, "UNAUTHENTICATED", ""},
		"Longer":                 {[]string{"X-Api-Key", p.key + "A"}, 401, "UNAUTHENTICATED", ""},
		"AnotherScheme":          {[]string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("x:"+p.key))}, 401, "UNAUTHENTICATED", ""},
		"NoScheme":               {[]string{"Authorization", p.key}, 401, "UNAUTHENTICATED", ""},
		"AnEmptyBearer":          {[]string{"Authorization", "Bearer "}, 401, "UNAUTHENTICATED", ""},
		"AnAvatarServersKey":     {[]string{"X-Api-Key", p.avatarKey}, 401, "UNAUTHENTICATED", ""},
		"TheDevKeyInProduction":  {[]string{"X-Api-Key", devKey}, 401, "UNAUTHENTICATED", ""},
		"AnAccessTokenOfNothing": {[]string{"X-Api-Key", "gr_sess_" + strings.Repeat("A", 43)}, 401, "UNAUTHENTICATED", ""},
		"SQL":                    {[]string{"X-Api-Key", "gr_live_' OR '1'='1"}, 401, "UNAUTHENTICATED", ""},
		"ACookie":                {[]string{"Cookie", "key=" + p.key}, 200, "UNAUTHENTICATED", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.in(t).request("POST", "/graphql", viewer, append([]string{"Content-Type", "application/json"}, c.header...)...)
			if got.status != c.status || got.code() != c.code || text(got.Data, "viewer.kind") != c.kind {
				t.Fatalf("answered %d %s", got.status, got.body)
			}
			if (got.status == http.StatusUnauthorized) != (got.header.Get("WWW-Authenticate") == "Bearer") {
				t.Errorf("headers %v", got.header)
			}
			for i := 1; i < len(c.header); i += 2 {
				if len(c.header[i]) > 8 && strings.Contains(got.body, c.header[i]) {
					t.Errorf("the answer repeats the credential: %s", got.body)
				}
			}
		})
	}
}

// TestWrongCredentials finds no difference between one that never was, one that was revoked and
// one that was replaced.
func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	p := build(t, sqlite(t))
	s := p.serve()
	unknown := s.ask("gr_live_"+strings.Repeat("A", 52), `{ viewer { kind } }`, nil)
	nearly := s.ask(p.key[:len(p.key)-1]+"0", `{ viewer { kind } }`, nil)
	of := s.create(nil)
	s.must(p.key, `mutation ($id: ID!) { rotateAccessToken(input: {id: $id}) { accessToken userErrors { code } } }`, vars{"id": of.id})
	replaced := s.ask(of.token, `{ viewer { kind } }`, nil)
	p.do("key", "revoke", p.keyID)
	revoked := s.ask(p.key, `{ viewer { kind } }`, nil)
	if unknown.status != http.StatusUnauthorized || unknown.body != nearly.body || unknown.body != replaced.body || unknown.body != revoked.body {
		t.Errorf("told apart:\n%s\n%s\n%s\n%s", unknown.body, nearly.body, replaced.body, revoked.body)
	}
}

// TestFailedLogins guesses from one address until it is told to stop; whoever knows a right
// credential, or comes from elsewhere, goes on.
func TestFailedLogins(t *testing.T) {
	t.Parallel()
	const allowed = 3
	s := serve(t, "--failed-logins=3/24h", "--trusted-proxies=127.0.0.1/32")
	guess := func(credential, from string) *reply {
		return s.request("POST", "/graphql", operation(`{ viewer { kind } }`, nil),
			"Content-Type", "application/json", "X-Api-Key", credential, "X-Forwarded-For", from)
	}
	for n := range allowed {
		if got := guess("gr_live_wrong", "203.0.113.7"); got.status != http.StatusUnauthorized {
			t.Fatalf("guess %d was answered %d %s", n, got.status, got.body)
		}
	}
	got := guess("gr_live_wrong", "203.0.113.7")
	if got.status != http.StatusTooManyRequests || got.code() != "RATE_LIMITED" || got.header.Get("Retry-After") == "" || got.Errors[0].Extensions["retryAfter"] == nil {
		t.Errorf("a guess too many was answered %d %s", got.status, got.body)
	}
	for _, from := range []string{"203.0.113.7", "1.1.1.1, 203.0.113.7", "203.0.113.7, 127.0.0.1"} {
		if got := guess("gr_live_wrong", from); got.status != http.StatusTooManyRequests {
			t.Errorf("%q gets away with it: %d", from, got.status)
		}
		if got := guess(devKey, from); got.status != http.StatusOK || text(got.Data, "viewer.kind") != "API_KEY" {
			t.Errorf("a right key from %q was answered %d %s", from, got.status, got.body)
		}
	}
	if got := guess("gr_live_wrong", "203.0.113.8"); got.status != http.StatusUnauthorized {
		t.Errorf("a neighbour was answered %d %s", got.status, got.body)
	}
}
