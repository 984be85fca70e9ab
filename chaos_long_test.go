//go:build chaos

package main

import (
	"testing"

	"greenroom/db/dbtest"
)

// TestChaos is the long form of TestKillLoop, on both databases: `make chaos`.
func TestChaos(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { killLoop(t, sqlite(t), *kills) })
	t.Run("PostgreSQL", func(t *testing.T) { killLoop(t, dbtest.Postgres(t), *kills) })
}
