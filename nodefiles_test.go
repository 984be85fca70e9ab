//go:build node || browser

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// testNode runs each of a folder's *.test.mjs, as a subtest, against the site that it is given: as
// many at once as -parallel says.
func testNode(t *testing.T, folder string, siteOf func(t *testing.T, name string) *site) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.test.mjs"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", folder, err)
	}
	for _, file := range files {
		file = filepath.Base(file)
		name := strings.TrimSuffix(file, ".test.mjs")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runNode(t, folder, file, siteOf(t, name))
		})
	}
}

// runNode runs one file of tests against a site, with what is added to its environment.
func runNode(t *testing.T, folder, file string, s *site, environ ...string) {
	t.Helper()
	// One that hangs is told of by its name, before `go test` gives up on everything.
	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "--test-timeout=300000", file)
	cmd.Dir = folder
	cmd.Env = append(append(os.Environ(), "GREENROOM_URL="+s.url, "GREENROOM_KEY="+s.key), environ...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
