package session

import (
	"errors"
	"testing"

	"greenroom/models"
)

// TestLifecycle exhausts the table: every position × every action, against what the words mean,
// not against the table itself.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	positions := []position{waiting, connecting, ready, lost, ended}
	actions := []action{handOver, giveUp, markReady, lose, end, updateMetadata, rotateToken, noteClient, noteParticipant}
	// One line an action, one letter a position: where it leads, - where it cannot happen.
	want := map[action]string{
		handOver:        "cc-l-",
		giveUp:          "-w---",
		markReady:       "-r-r-",
		lose:            "--l--",
		end:             "eeee-",
		updateMetadata:  "wcrle",
		rotateToken:     "wcrl-",
		noteClient:      "wcrl-",
		noteParticipant: "wcrle",
	}
	letters := map[position]byte{waiting: 'w', connecting: 'c', ready: 'r', lost: 'l', ended: 'e'}
	if len(moves) != len(actions) {
		t.Fatalf("%d actions in the table, %d in the test", len(moves), len(actions))
	}
	for _, a := range actions {
		for i, from := range positions {
			s := sessionAt(from)
			err := allow(a, s)
			to, ok := moves[a][from]
			switch letter := want[a][i]; {
			case letter == '-' && (ok || err == nil):
				t.Errorf("%s from %v is allowed", a, from)
			case letter == '-' && from == ended && !errors.Is(err, models.ErrSessionEnded):
				t.Errorf("%s from %v: %v", a, from, err)
			case letter != '-' && (err != nil || letters[to] != letter):
				t.Errorf("%s from %v: %v, leads to %v", a, from, err, to)
			}
		}
	}
}

// sessionAt is a session that stands at a position.
func sessionAt(p position) *models.Session {
	s := &models.Session{AvatarState: p.avatar}
	if p.status != models.StatusCreated {
		s.StartedAt = epoch.Ptr()
	}
	if p.status == models.StatusEnded {
		s.EndedAt = epoch.Ptr()
	}
	return s
}
