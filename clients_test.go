//go:build node

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNodeClients runs clients and tools that others wrote against one server. `make test-node`
// installs them.
func TestNodeClients(t *testing.T) {
	t.Parallel()
	const folder = "graph/testdata/clients"
	s := serve(t)
	// Its avatar server has dialled in once one session has started.
	first := s.create(nil)
	s.start(s.key, first.id)
	s.end(s.key, first.id)

	files, err := filepath.Glob(folder + "/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", folder, err)
	}
	for _, file := range files {
		file = filepath.Base(file)
		t.Run(strings.TrimSuffix(file, ".test.mjs"), func(t *testing.T) {
			t.Parallel()
			// One that hangs is told of by its name, before `go test` gives up on everything.
			cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "--test-timeout=120000", file)
			cmd.Dir = folder
			cmd.Env = append(os.Environ(), "GREENROOM_URL="+s.url, "GREENROOM_KEY="+s.key)
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Error(err)
			}
		})
	}
}
