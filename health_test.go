package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealthCommand(t *testing.T) {
	t.Parallel()
	s := serve(t)
	if printed, err := command(t, nil, "health", s.url+"/readyz"); err != nil || text(printed, "0.url") != s.url+"/readyz" {
		t.Errorf("printed %v, %v", printed, err)
	}
	if printed, err := command(t, nil, "health", s.url+"/nowhere"); err == nil || len(printed) > 0 {
		t.Errorf("a server that does not answer well: %v, %v", printed, err)
	}
	// Where it listens is known from the setting that the server has, wherever that is set.
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(file, []byte(`{"listen": "127.0.0.1:`+port+`", "log-level": "warn"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for asked, from := range map[string]struct{ args, environ []string }{
		"http://127.0.0.1:" + port + "/healthz": {args: []string{"--config", file}},
		"http://localhost:" + port + "/healthz": {environ: []string{"GREENROOM_LISTEN=0.0.0.0:" + port}},
	} {
		if printed, err := command(t, from.environ, append([]string{"health"}, from.args...)...); err != nil || text(printed, "0.url") != asked {
			t.Errorf("with %v: printed %v, %v; want %s", from, printed, err, asked)
		}
	}
	if _, err := command(t, nil, "health", "--listen", "everywhere"); err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("an address that is none: %v", err)
	}
	s.stop()
	if printed, err := command(t, nil, "health", s.url+"/healthz"); err == nil || len(printed) > 0 {
		t.Errorf("a server that is gone: %v, %v", printed, err)
	}
}
