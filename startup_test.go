package main

import (
	"strings"
	"sync"
	"testing"
)

// TestFirstCommands starts several commands on a database that none of them has made yet.
func TestFirstCommands(t *testing.T) {
	t.Parallel()
	env := []string{"GREENROOM_DATABASE=" + sqlite(t)}
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if _, err := command(t, env, "account", "create", "--name=Acme"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if accounts, err := command(t, env, "account", "list"); err != nil || len(accounts) != 6 {
		t.Errorf("%d accounts, %v", len(accounts), err)
	}
}

// TestDevRoomAddress restarts a development server on another port: its rooms are made again,
// and are found where they are now.
func TestDevRoomAddress(t *testing.T) {
	t.Parallel()
	database := "--database=" + sqlite(t)
	s := serve(t, database)
	of := s.create(nil)
	s.stop()
	s = serve(t, database)
	until(t, "the room is made again, at its new address", func() bool {
		read := s.must(of.token, `{ viewer { session { dailyRoom { url } } } }`, nil)
		return strings.HasPrefix(text(read, "viewer.session.dailyRoom.url"), s.url) &&
			s.room(text(of.session, "dailyRoom.name")).State == "live"
	})
}
