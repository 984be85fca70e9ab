package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"greenroom/models"
)

func (w *world) changes(filter models.SessionFilter) <-chan *models.SessionChanges {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.key())
	w.t.Cleanup(cancel)
	changes, err := w.service.Changes(ctx, filter)
	if err != nil {
		w.t.Fatalf("changes: %v", err)
	}
	if first := next(w.t, changes); !first.Reset || len(first.Changed)+len(first.Entered)+len(first.LeftIDs) > 0 {
		w.t.Fatalf("the first message is %+v", first)
	}
	return changes
}

// list is the whole list as the database has it.
func (w *world) list(filter models.SessionFilter) []*models.Session {
	w.t.Helper()
	stored, err := w.service.Sessions(w.key(), models.SessionQuery{Filter: filter, Page: models.Page{Size: 100}})
	if err != nil {
		w.t.Fatal(err)
	}
	return stored.Nodes
}

// told gathers messages until is has happened to the session.
func told(t *testing.T, from <-chan *models.SessionChanges, id string, is func(s *models.Session, entered, left bool) bool) {
	t.Helper()
	for {
		m := next(t, from)
		entered := slices.ContainsFunc(m.Entered, func(e models.SessionEdge) bool { return e.Node.ID == id })
		var now *models.Session
		if i := slices.IndexFunc(m.Changed, func(s *models.Session) bool { return s.ID == id }); i >= 0 {
			now = m.Changed[i]
		}
		if is(now, entered, slices.Contains(m.LeftIDs, id)) {
			return
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	t.Run("TellWhatEntersChangesAndLeaves", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		open := w.changes(models.SessionFilter{Status: []models.SessionStatus{models.StatusCreated, models.StatusStarted}})
		s := w.create(nil).Session
		told(t, open, s.ID, func(now *models.Session, entered, left bool) bool { return now != nil && entered && !left })
		if _, err := w.service.UpdateMetadata(w.key(), s.ID, models.JSONObject{"a": "b"}); err != nil {
			t.Fatal(err)
		}
		told(t, open, s.ID, func(now *models.Session, entered, left bool) bool {
			return now != nil && now.Metadata == `{"a":"b"}` && !entered && !left
		})
		if _, err := w.service.End(w.key(), s.ID); err != nil {
			t.Fatal(err)
		}
		told(t, open, s.ID, func(now *models.Session, entered, left bool) bool {
			return now != nil && now.EndedAt != nil && left && !entered
		})
	})

	t.Run("OfOthersAreNotTold", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		other := w.otherAccount()
		mine := w.changes(models.SessionFilter{})
		if _, err := w.service.Create(other.ctx, CreateInput{AvatarID: other.avatar.ID}); err != nil {
			t.Fatal(err)
		}
		s := w.create(nil).Session
		if m := next(t, mine); len(m.Changed) != 1 || m.Changed[0].ID != s.ID {
			t.Fatalf("%+v", m)
		}
	})

	t.Run("ADeadlineIsTold", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.create(nil).Session
		unstarted := w.changes(models.SessionFilter{Status: []models.SessionStatus{models.StatusCreated}})
		w.pass(w.timings.StartWindow)
		told(t, unstarted, s.ID, func(now *models.Session, _, left bool) bool {
			return now != nil && *now.EndReason == models.EndNeverStarted && left
		})
	})

	t.Run("AreForAPIKeysAndGoodFilters", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		s := w.create(nil).Session
		if _, err := w.service.Changes(w.token(s), models.SessionFilter{}); !errors.Is(err, models.ErrForbidden) {
			t.Error(err)
		}
		bad := models.SessionFilter{Metadata: models.JSONObject{"list": []any{"x"}}}
		if _, err := w.service.Changes(w.key(), bad); models.KindOf(err) != models.KindInvalidInput {
			t.Error(err)
		}
	})
}

// A list that is read once and then kept true by the feed alone is in the end the list that the
// database has, whatever happened in whatever order.
func TestChangesKeepAListTrue(t *testing.T) {
	t.Parallel()
	w := setup(t)
	filter := models.SessionFilter{
		Status:   []models.SessionStatus{models.StatusCreated, models.StatusStarted},
		Metadata: models.JSONObject{"shown": true},
	}
	changes := w.changes(filter)
	const sessions, moves = 12, 15
	var all sync.WaitGroup
	for range sessions {
		all.Go(func() {
			s := w.create(nil).Session
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() {
					for range moves {
						if _, err := w.service.UpdateMetadata(w.key(), s.ID, models.JSONObject{"shown": rand.IntN(2) == 0}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			both.Wait()
			if rand.IntN(3) == 0 {
				if _, err := w.service.End(w.key(), s.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	// The last word: what comes behind it in the feed has been told before.
	last := w.create(func(in *CreateInput) { in.Metadata = models.JSONObject{"shown": true} }).Session

	list, wasReset := map[string]*models.Session{}, false
	for list[last.ID] == nil || list[last.ID].Room.State != models.RoomReady {
		m := next(t, changes)
		if m.Reset { // as any client would
			wasReset = true
			clear(list)
			for _, s := range w.list(filter) {
				list[s.ID] = s
			}
		}
		for _, e := range m.Entered {
			if known := list[e.Node.ID]; known == nil || known.Revision < e.Node.Revision {
				list[e.Node.ID] = e.Node
			}
		}
		for _, s := range m.Changed {
			known := list[s.ID]
			switch {
			case known == nil:
			case s.Revision >= known.Revision:
				list[s.ID] = s
			case !wasReset: // what was read since a reset may be newer than what is told
				t.Errorf("session %s went back from revision %d to %d", s.ID, known.Revision, s.Revision)
			}
		}
		for _, id := range m.LeftIDs {
			delete(list, id)
		}
	}
	want := map[string]int{}
	for _, s := range w.list(filter) {
		want[s.ID] = s.Revision
	}
	have := map[string]int{}
	for id, s := range list {
		have[id] = s.Revision
	}
	if fmt.Sprint(have) != fmt.Sprint(want) {
		t.Errorf("the list kept is %v, the database has %v", have, want)
	}
}
