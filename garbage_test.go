package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestGarbage reads from a server's own metrics what main has set, and that an operator's word goes
// before it.
func TestGarbage(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"": "200", "GOGC=80": "80"} {
		p := spawn(t, []string{setting}, "serve", "--dev", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--database="+sqlite(t))
		r, err := http.Get(p.first["metrics"])
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil || !strings.Contains(string(text), "\ngo_gc_gogc_percent "+want+"\n") {
			t.Errorf("with %q: no go_gc_gogc_percent %s (%v)", setting, want, err)
		}
	}
}
