//go:build node

package main

import "testing"

// The servers in Node need what `npm ci` installs in bench/node.
func TestNodeServersAnswerAlike(t *testing.T) {
	t.Parallel()
	const withNode = 12 + 5 // SQLite's and PostgreSQL's
	if got := compareQuickly(t, true); len(got) != withNode {
		t.Errorf("%d goals, want %d: %v", len(got), withNode, got)
	}
}
