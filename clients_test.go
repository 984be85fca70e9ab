//go:build node

package main

import "testing"

// TestNodeClients runs clients and tools that others wrote against one server. `make test-node`
// installs them.
func TestNodeClients(t *testing.T) {
	t.Parallel()
	s := serve(t)
	// Its avatar server has dialled in once one session has started.
	first := s.create(nil)
	s.start(s.key, first.id)
	s.end(s.key, first.id)
	testNode(t, "graph/testdata/clients", func(*testing.T, string) *site { return s })
}
