package emulator_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestRoomPage(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.must("POST", "/v1/rooms", createR)
	for path, want := range map[string]struct {
		status int
		kind   string
	}{
		"/rooms/r":                 {200, "text/html; charset=utf-8"},
		"/rooms/r?t=secret":        {200, "text/html; charset=utf-8"},
		"/rooms/nothing":           {404, "text/html; charset=utf-8"},
		"/rooms/assets/room.js":    {200, "text/javascript; charset=utf-8"},
		"/rooms/assets/playout.js": {200, "text/javascript; charset=utf-8"},
		"/rooms/assets/room.css":   {200, "text/css; charset=utf-8"},
		"/rooms/assets/nothing.js": {404, "text/plain; charset=utf-8"},
		"/rooms/r/room.js":         {404, "text/plain; charset=utf-8"},
	} {
		resp, err := d.server.Client().Get(d.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want.status || resp.Header.Get("Content-Type") != want.kind {
			t.Errorf("%s: %d %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(want.kind, "text/plain") && (!strings.Contains(policy, "script-src 'self';") || !strings.Contains(policy, "frame-ancestors 'none'") || resp.Header.Get("Referrer-Policy") != "no-referrer") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
	for _, entry := range d.Log() {
		if strings.Contains(entry.Path, "rooms/r") && strings.Contains(entry.Path, "t=") {
			t.Errorf("a token in the log: %+v", entry)
		}
	}
}

// The page is made of its own files: the policy would stop anything else, in a browser.
func TestRoomPageAsksNobodyElse(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("roompage")
	if err != nil || len(entries) < 5 {
		t.Fatal(entries, err)
	}
	wrong := regexp.MustCompile(`(?i)https?://[^\s'"]+|<style|<script>|\son[a-z]+=|\sstyle=|@import`)
	for _, entry := range entries {
		text, err := os.ReadFile("roompage/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range wrong.FindAllString(string(text), -1) {
			if found != "http://www.w3.org/2000/svg" { // a name, not an address
				t.Errorf("%s has %q", entry.Name(), found)
			}
		}
	}
}
