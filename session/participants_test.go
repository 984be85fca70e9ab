package session

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greenroom/avatarserver"
	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/models"
)

var engines = map[string]option{"SQLite": func(*world) {}, "PostgreSQL": onPostgres}

// comes and goes are what Daily's webhooks tell of one stay.
func comes(s *models.Session, id string, at models.Time) daily.Event {
	return daily.Event{
		Type: daily.ParticipantJoined, Room: s.Room.Name,
		Participant: daily.Attendance{SessionID: id, UserID: s.RoomUserID(), Joined: at},
	}
}

func goes(s *models.Session, id string, joined, left models.Time) daily.Event {
	ev := comes(s, id, joined)
	ev.Type, ev.Participant.Duration, ev.Left = daily.ParticipantLeft, left.Sub(joined), left
	return ev
}

func (w *world) tell(events ...daily.Event) {
	w.t.Helper()
	for _, ev := range events {
		if err := w.service.NoteParticipant(context.Background(), ev); err != nil {
			w.t.Fatal(err)
		}
	}
}

// people are the lines of a session's timeline that are about people.
func (w *world) people(s *models.Session) []string {
	w.t.Helper()
	events, err := w.store.SessionEvents(context.Background(), w.scope(), []string{s.ID}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, e := range events[s.ID] {
		if e.Type == models.EventParticipantJoined || e.Type == models.EventParticipantLeft {
			lines = append(lines, fmt.Sprintf("%s %+d by %s", e.Type, e.At-epoch, e.Actor))
		}
	}
	return lines
}

// started is a session that runs, on an avatar server of the test's imagination.
func (w *world) started() *models.Session {
	w.t.Helper()
	s := w.create(nil).Session
	row, err := w.service.handOver(context.Background(), s, "box", models.ActorAPIKey, true)
	if err == nil {
		err = w.service.Ready(context.Background(), "box", avatarserver.Ref{SessionID: s.ID, Generation: row.Assignment.Generation})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return w.read(s.ID)
}

func TestNoteParticipant(t *testing.T) {
	t.Parallel()
	for name, engine := range engines {
		t.Run("OnePersonOn"+name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, engine, withTimings(asleep))
			s := w.create(nil).Session
			w.pass(10 * time.Second)
			w.tell(comes(s, "p1", epoch+1500), comes(s, "p1", epoch+1500))
			inside := w.read(s.ID)
			if inside.Revision != s.Revision+1 || inside.Room.EmptySince != nil {
				t.Errorf("inside: %+v", inside)
			}
			w.tell(goes(s, "p1", epoch+1500, epoch+4000), goes(s, "p1", epoch+1500, epoch+4000))
			left := w.read(s.ID)
			if left.Revision != s.Revision+2 || left.Room.EmptySince == nil || *left.Room.EmptySince != epoch+4000 ||
				*left.Room.CheckDue != epoch.Add(4*time.Second+w.timings.EmptyGrace) {
				t.Errorf("left: %+v", left)
			}
			want := []string{"PARTICIPANT_JOINED +1500 by PARTICIPANT", "PARTICIPANT_LEFT +4000 by PARTICIPANT"}
			if diff := cmp.Diff(want, w.people(s)); diff != "" {
				t.Error(diff)
			}
			w.tell(comes(s, "p2", epoch+5000))
			if back := w.read(s.ID); back.Room.EmptySince != nil || back.Room.CheckDue != nil {
				t.Errorf("back: %+v", back)
			}
		})
	}

	t.Run("IsNeverBeforeTheSessionNorAhead", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.create(nil).Session
		w.pass(time.Second)
		w.tell(comes(s, "p1", epoch.Add(-time.Hour)), goes(s, "p1", epoch.Add(-time.Hour), epoch.Add(time.Hour)))
		want := []string{"PARTICIPANT_JOINED +0 by PARTICIPANT", "PARTICIPANT_LEFT +1000 by PARTICIPANT"}
		if diff := cmp.Diff(want, w.people(s)); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("WhoIsPutOutByTheEndIsNotedAfterIt", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.create(nil).Session
		w.tell(comes(s, "p1", epoch))
		w.pass(time.Minute)
		ended, err := w.service.End(w.key(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.tell(goes(s, "p1", epoch, epoch.Add(61*time.Second)))
		after := w.read(s.ID)
		if *after.EndedAt != *ended.EndedAt || after.Revision != ended.Revision+1 || after.Room.CheckDue != nil {
			t.Errorf("%+v", after)
		}
		types := w.eventTypes(s)
		if !slices.Equal(types[len(types)-2:], []models.EventType{models.EventEnded, models.EventParticipantLeft}) {
			t.Errorf("timeline %v", types)
		}
	})

	t.Run("ADueSessionEndsFirst", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.create(nil).Session
		w.pass(time.Hour)
		w.tell(comes(s, "p1", epoch))
		types := w.eventTypes(s)
		if got := w.read(s.ID); *got.EndReason != models.EndNeverStarted || types[len(types)-1] != models.EventParticipantJoined {
			t.Errorf("%+v, %v", got, types)
		}
	})

	t.Run("NobodyElseCounts", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.create(nil).Session
		avatar, stranger, elsewhere, unknown := comes(s, "a", epoch), comes(s, "b", epoch), comes(s, "c", epoch), comes(s, "d", epoch)
		avatar.Participant.UserID = s.AvatarUserID()
		stranger.Participant.UserID = "0e6b7b0c-7a0e-4d57-9b06-53e2f6b4f5f1"
		elsewhere.Room = "test2-s-" + elsewhere.Room[len("test-s-"):]
		unknown.Participant.UserID = models.NewID(models.SessionPrefix, epoch)
		unknown.Room = w.service.roomName(unknown.Participant.UserID)
		w.tell(avatar, stranger, elsewhere, unknown)
		if got := w.read(s.ID); got.Revision != s.Revision || got.Room.EmptySince != nil {
			t.Errorf("%+v", got)
		}
	})
}

// TestMatrix14WebhooksInAnyOrder: whatever order they come in and however often, the timeline has
// the same lines, and the room is empty since the same time.
func TestMatrix14WebhooksInAnyOrder(t *testing.T) {
	t.Parallel()
	w := setup(t, withTimings(asleep))
	rapid.Check(t, func(rt *rapid.T) {
		created := w.clock()
		s := w.create(nil).Session
		w.pass(6 * time.Minute) // beyond all that is told
		var events []daily.Event
		var want []string
		var last models.Time
		inside := false
		for i := range rapid.IntRange(1, 4).Draw(rt, "visits") {
			id := fmt.Sprint("p", i)
			joined := created.Add(time.Duration(rapid.IntRange(0, 300_000).Draw(rt, "joined")) * time.Millisecond)
			left := joined.Add(time.Duration(rapid.IntRange(0, 50_000).Draw(rt, "stayed")) * time.Millisecond)
			events = append(events, comes(s, id, joined))
			want = append(want, fmt.Sprintf("PARTICIPANT_JOINED %+d by PARTICIPANT", joined-epoch))
			if rapid.IntRange(0, 3).Draw(rt, "gone") == 0 {
				inside = true
				continue
			}
			events = append(events, goes(s, id, joined, left))
			want = append(want, fmt.Sprintf("PARTICIPANT_LEFT %+d by PARTICIPANT", left-epoch))
			last = max(last, left)
		}
		again := rapid.IntRange(0, len(events)).Draw(rt, "again")
		w.tell(rapid.Permutation(append(events, events[:again]...)).Draw(rt, "order")...)
		got, lines := w.read(s.ID), w.people(s)
		slices.Sort(lines)
		slices.Sort(want)
		if diff := cmp.Diff(want, lines); diff != "" || got.Revision != s.Revision+len(want) {
			rt.Errorf("revision %d, was %d: %s", got.Revision, s.Revision, diff)
		}
		empty := got.Room.EmptySince
		if inside != (empty == nil) || (empty != nil && *empty != last) {
			rt.Errorf("empty since %v, the last one left at %s, somebody inside: %v", empty, last, inside)
		}
	})
}

// TestPollPresence is for webhooks that never came.
func TestPollPresence(t *testing.T) {
	t.Parallel()
	for name, engine := range engines {
		t.Run("FindsWhoCameAndWentOn"+name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, engine, withTimings(asleep))
			w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
			s, unstarted := w.started(), w.create(nil).Session
			w.pass(time.Second)
			who := w.join(s)
			w.join(unstarted)
			missing := w.poll(nil) // presence lags: nobody yet
			if lines := w.people(s); len(lines) != 0 || len(missing) != 0 {
				t.Fatalf("%v, %v", lines, missing)
			}
			w.pass(pollEvery)
			missing = w.poll(missing)
			w.leave(s, who)
			w.pass(pollEvery)
			missing = w.poll(missing)
			if got := w.read(s.ID); got.Room.EmptySince != nil {
				t.Errorf("one look was enough: %+v", got)
			}
			firstMissed := w.clock()
			w.pass(pollEvery)
			if missing = w.poll(missing); len(missing) != 0 {
				t.Errorf("still missing: %v", missing)
			}
			want := []string{
				"PARTICIPANT_JOINED +1000 by PARTICIPANT",
				fmt.Sprintf("PARTICIPANT_LEFT %+d by PARTICIPANT", firstMissed-epoch),
			}
			if diff := cmp.Diff(want, w.people(s)); diff != "" {
				t.Error(diff)
			}
			if lines := w.people(unstarted); len(lines) != 0 {
				t.Errorf("of a session that is not running: %v", lines)
			}
			// All rooms are one call, and none is made while nobody needs it.
			before := w.calls("/v1/presence")
			w.poll(nil)
			if _, err := w.service.End(w.key(), s.ID); err != nil {
				t.Fatal(err)
			}
			w.poll(nil)
			if n := w.calls("/v1/presence") - before; n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}

	t.Run("WhoIsMissedOnceOnlyIsStillThere", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
		s := w.started()
		who := w.join(s)
		w.tell(comes(s, who.SessionID, who.JoinedAt))
		missing := w.poll(nil) // told already, and not shown yet
		if len(missing) != 1 {
			t.Fatalf("missing %v", missing)
		}
		w.pass(pollEvery)
		if missing = w.poll(missing); len(missing) != 0 || len(w.people(s)) != 1 {
			t.Errorf("missing %v, timeline %v", missing, w.people(s))
		}
	})

	t.Run("ARoomThatCannotBeReadSaysNothing", func(t *testing.T) {
		t.Parallel()
		var presence atomic.Value
		w := setup(t, withTimings(asleep), func(w *world) {
			w.between = func(emulator http.Handler) http.Handler {
				return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
					if body, ok := presence.Load().(string); ok && r.URL.Path == "/v1/presence" {
						_, _ = out.Write([]byte(body))
						return
					}
					emulator.ServeHTTP(out, r)
				})
			}
		})
		odd, plain := w.started(), w.started()
		w.tell(comes(odd, "p1", epoch), comes(plain, "p2", epoch))
		presence.Store(`{"` + odd.Room.Name + `":[{"id":"p1","joinTime":"yesterday"}],"theirs":[17]}`)
		w.pass(pollEvery)
		missing := w.poll(map[string]models.Time{"p1": epoch, "p2": epoch})
		if len(missing) != 0 || len(w.people(odd)) != 1 || len(w.people(plain)) != 2 {
			t.Errorf("missing %v, timelines %v and %v", missing, w.people(odd), w.people(plain))
		}
	})

	t.Run("ALookThatFailsSaysNothing", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(asleep))
		s := w.started()
		w.tell(comes(s, "p1", epoch))
		w.emulator.SetFaults(emulator.Fault{Path: "/presence", Kind: emulator.FaultError, Status: 401})
		if _, err := w.service.pollOnce(context.Background(), map[string]models.Time{"p1": epoch}); err == nil {
			t.Error("no error")
		}
		if lines := w.people(s); len(lines) != 1 {
			t.Errorf("timeline %v", lines)
		}
	})
}

func (w *world) poll(missing map[string]models.Time) map[string]models.Time {
	w.t.Helper()
	still, err := w.service.pollOnce(context.Background(), missing)
	if err != nil {
		w.t.Fatal(err)
	}
	return still
}

// join brings a person into a session's room at Daily, with the token that a client has.
func (w *world) join(s *models.Session) emulator.Participant {
	w.t.Helper()
	w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
	who, err := w.emulator.Join(s.Room.Name, *w.service.DailyRoom(context.Background(), s).Token, "John")
	if err != nil {
		w.t.Fatal(err)
	}
	return who
}

func (w *world) leave(s *models.Session, who emulator.Participant) {
	w.t.Helper()
	if err := w.emulator.Leave(s.Room.Name, who.SessionID); err != nil {
		w.t.Fatal(err)
	}
}

// calls counts the calls to a path of Daily's API.
func (w *world) calls(path string) int {
	n := 0
	for _, e := range w.emulator.Log() {
		if e.Path == path {
			n++
		}
	}
	return n
}
