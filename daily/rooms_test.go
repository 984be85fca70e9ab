package daily_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/daily"
	"greenroom/daily/emulator"
	"greenroom/models"
)

func TestCreateRoom(t *testing.T) {
	t.Parallel()
	t.Run("MakesAPrivateRoomThatClosesForGood", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			exp := models.SystemClock().Add(time.Hour) + 1 // rounded up to the next second
			room, err := w.client.CreateRoom(w.Context(), daily.RoomSpec{Name: "s-1", Exp: exp, MaxParticipants: 7})
			if err != nil {
				w.Fatal(err)
			}
			want := daily.Room{
				ID: room.ID, Name: "s-1", URL: "https://acme.daily.co/s-1", Private: true,
				CreatedAt: exp - 3600_001, Exp: exp + 999,
			}
			if diff := cmp.Diff(want, room); diff != "" {
				w.Errorf("(-want +got):\n%s", diff)
			}
			w.theOne(room)
			p, err := w.emulator.Join("s-1", daily.SignToken(key, daily.Claims{Room: "s-1", DomainID: domainID, UserID: "u", Expires: exp}), "")
			if err != nil || p.WillEjectAt == nil || *p.WillEjectAt != room.Exp {
				w.Errorf("joined: %+v, %v; want to be put out at %s", p, err, room.Exp)
			}
			// The second of the same user id must not put out the first.
			if _, err := w.emulator.Join("s-1", daily.SignToken(key, daily.Claims{Room: "s-1", DomainID: domainID, UserID: "u", Expires: exp}), ""); err != nil {
				w.Error(err)
			}
			if n := len(w.emulator.Rooms()[0].Inside); n != 2 {
				w.Errorf("%d inside, want both", n)
			}
		})
	})
	t.Run("AdoptsTheRoomThatIsThere", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			first := w.create("s-1")
			elapse(time.Minute)
			second := w.create("s-1")
			if diff := cmp.Diff(first, second); diff != "" {
				w.Errorf("(-want +got):\n%s", diff)
			}
			w.theOne(second)
		})
	})
	t.Run("ManyCallersAtOnceGetOneRoom", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() { w.theOne(w.create("s-1")) })
			}
			all.Wait()
		})
	})
	t.Run("LeavesAPublicRoomAlone", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			w.raw("POST", "/v1/rooms", `{"name":"s-1"}`)
			_, err := w.client.CreateRoom(w.Context(), spec("s-1"))
			w.failure(err, true)
		})
	})
	t.Run("WhatDailyRefusesIsNotRepeated", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			_, err := w.client.CreateRoom(w.Context(), daily.RoomSpec{Name: "s-1", Exp: models.SystemClock()})
			failed := w.failure(err, true)
			if failed.Status != 400 || failed.Code != "invalid-request-error" || !strings.Contains(failed.Info, "in the past") {
				w.Errorf("got %+v", failed)
			}
			if post, get := w.calls("POST"), w.calls("GET"); post != 1 || get != 1 {
				w.Errorf("%d creates and %d looks, want one of each", post, get)
			}
		})
	})
	t.Run("AWrongKeyIsNotRepeated", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			_, err := w.client.CreateRoom(w.Context(), spec("s-1"))
			if failed := w.failure(err, true); failed.Status != 401 || failed.Code != "authentication-error" {
				w.Errorf("got %+v", failed)
			}
			if n := w.calls("POST") + w.calls("GET"); n != 1 {
				w.Errorf("%d calls, want 1", n)
			}
		}, func(o *options) { o.client.Key = "canary-wrong" })
	})
}

// TestCreateRoomFaults goes through what can happen to a create between here and Daily. Each
// time there must be one room in the end, and the client must know it.
func TestCreateRoomFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{
		"LostReply":              {Kind: emulator.FaultLost},
		"ReplyCutOff":            {Kind: emulator.FaultCut},
		"TruncatedJSON":          {Kind: emulator.FaultTruncated},
		"HugeReply":              {Kind: emulator.FaultHuge},
		"WebPageInstead":         {Kind: emulator.FaultHTML},
		"WebPageAfter":           {Kind: emulator.FaultHTML, After: true},
		"ServerErrorBefore":      {Kind: emulator.FaultError},
		"ServerErrorAfter":       {Kind: emulator.FaultError, Status: 503, After: true},
		"RateLimit":              {Kind: emulator.FaultRateLimit},
		"RateLimitWithDate":      {Kind: emulator.FaultRateLimit, RetryAfter: 3 * time.Second, RetryDate: true},
		"HangBefore":             {Kind: emulator.FaultHang},
		"HangAfter":              {Kind: emulator.FaultHang, After: true},
		"CommitAfterTheError":    {Kind: emulator.FaultLate, Status: 504, CommitAfter: time.Millisecond},
		"CommitBeforeGivingUp":   {Kind: emulator.FaultLate, CommitAfter: 9 * time.Second},
		"CommitWhileLooking":     {Kind: emulator.FaultLate, CommitAfter: 10 * time.Second},
		"CommitAfterTheNextTry":  {Kind: emulator.FaultLate, CommitAfter: time.Minute},
		"SlowerThanTheTimeLimit": {Kind: emulator.FaultDelay, Delay: 11 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				fault.Method, fault.Path, fault.Count = "POST", "/rooms", 1
				w.emulator.SetFaults(fault)
				began := time.Now()
				room := w.create("s-1")
				if hits := w.emulator.Faults()[0].Hits; hits != 1 {
					w.Fatalf("the fault happened %d times, want once", hits)
				}
				if took := time.Since(began); took > 11*time.Second {
					w.Errorf("took %s, want one lost try of 10 s at most", took)
				}
				elapse(2 * time.Minute) // whatever was late has come
				w.theOne(room)
			})
		})
	}
	t.Run("FaultsOfTheLookTooAreSurvived", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			w.emulator.SetFaults(
				emulator.Fault{Method: "POST", Kind: emulator.FaultLost, Count: 1},
				emulator.Fault{Method: "GET", Kind: emulator.FaultTruncated, Count: 1},
				emulator.Fault{Method: "GET", Kind: emulator.FaultError, Count: 1},
			)
			w.theOne(w.create("s-1"))
			if n := w.calls("POST"); n != 1 {
				w.Errorf("%d creates, want 1", n)
			}
		})
	})
	t.Run("AnOutageEndsInAnError", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultError, Status: 503})
			_, err := w.client.CreateRoom(w.Context(), spec("s-1"))
			if failed := w.failure(err, false); failed.Status != 503 {
				w.Errorf("got %+v", failed)
			}
			if e, _ := errors.AsType[*models.Error](err); e.RetryAfter <= 0 {
				w.Errorf("retry after %s, want some time", e.RetryAfter)
			}
			if n := w.calls("POST") + w.calls("GET"); n > 6 {
				w.Errorf("%d calls to a server that is down", n)
			}
		})
	})
	t.Run("WhatNeverLeftIsSentAgainWithoutLooking", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			down := 2
			w.client.RoundTripWith(roundTripper(func(r *http.Request) (*http.Response, error) {
				if down > 0 {
					down--
					return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
				}
				rec := httptest.NewRecorder()
				w.emulator.ServeHTTP(rec, r)
				return rec.Result(), nil
			}))
			w.theOne(w.create("s-1"))
			if post, get := w.calls("POST"), w.calls("GET"); down != 0 || post != 1 || get != 0 {
				w.Errorf("%d creates and %d looks, want one and none", post, get)
			}
		})
	})
	t.Run("TheCallersDeadlineEndsIt", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultHang})
			ctx, cancel := context.WithTimeout(w.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			_, err := w.client.CreateRoom(ctx, spec("s-1"))
			w.failure(err, false)
			if took := time.Since(began); took != 3*time.Second || !errors.Is(err, context.DeadlineExceeded) {
				w.Errorf("took %s: %v", took, err)
			}
			if !strings.Contains(w.logs.String(), "level=WARN") {
				w.Errorf("no warning:\n%s", w.logs)
			}
		})
	})
	t.Run("CalledOffIsNoWarning", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultHang})
			ctx, cancel := context.WithCancel(w.Context())
			time.AfterFunc(3*time.Second, cancel)
			_, err := w.client.CreateRoom(ctx, spec("s-1"))
			if !errors.Is(err, context.Canceled) || strings.Contains(w.logs.String(), "level=WARN") {
				w.Errorf("%v\n%s", err, w.logs)
			}
		})
	})
}

func TestRoom(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		if _, err := w.client.Room(w.Context(), "s-1"); !errors.Is(err, models.ErrNotFound) {
			w.Errorf("absent: %v, want not found", err)
		}
		made := w.create("s-1")
		room, err := w.client.Room(w.Context(), "s-1")
		if diff := cmp.Diff(made, room); diff != "" || err != nil {
			w.Errorf("%v (-want +got):\n%s", err, diff)
		}
		elapse(time.Hour)
		if _, err := w.client.Room(w.Context(), "s-1"); !errors.Is(err, models.ErrNotFound) {
			w.Errorf("expired: %v, want not found", err)
		}
		if w.observed[observation{"read room", 404}] != 2 || w.observed[observation{"read room", 200}] != 1 {
			w.Errorf("observed %v", w.observed)
		}
	})
}

func TestDeleteRoom(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		for _, prepare := range []func(){
			func() {}, // never was
			func() { w.create("s-1") },
			func() {}, // deleted already
			func() { w.create("s-1"); elapse(2 * time.Hour) }, // expired
			func() { w.create("s-1"); w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultLost, Count: 1}) },
			func() {
				w.create("s-1")
				w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultHTML, Count: 1})
			},
		} {
			prepare()
			if err := w.client.DeleteRoom(w.Context(), "s-1"); err != nil {
				w.Error(err)
			}
			for _, r := range w.emulator.Rooms() {
				if r.State != emulator.RoomDeleted {
					w.Errorf("left over: %+v", r)
				}
			}
		}
	})
	// A 404 from somebody in between says nothing about the room.
	t.Run("AStrangers404IsNoSuccess", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			w.stub(func(rw http.ResponseWriter, _ *http.Request) { http.NotFound(rw, nil) })
			w.failure(w.client.DeleteRoom(w.Context(), "s-1"), true)
			_, err := w.client.Room(w.Context(), "s-1")
			w.failure(err, true)
		})
	})
}

func TestEject(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		ejected, err := w.client.Eject(w.Context(), "s-1", []string{"u0"}, true)
		if err != nil || len(ejected) != 0 {
			w.Errorf("no room: %v, %v", ejected, err)
		}
		room := w.create("s-1")
		if ejected, err := w.client.Eject(w.Context(), "s-1", []string{"u0"}, true); err != nil || len(ejected) != 0 {
			w.Errorf("nobody inside: %v, %v", ejected, err)
		}
		var users, sessions []string
		for i := range 150 {
			users = append(users, fmt.Sprintf("u%d", i))
			token := daily.SignToken(key, daily.Claims{Room: "s-1", DomainID: domainID, UserID: users[i], Expires: room.Exp})
			p, err := w.emulator.Join("s-1", token, "")
			if err != nil {
				w.Fatal(err)
			}
			sessions = append(sessions, p.SessionID)
		}
		ejected, err = w.client.Eject(w.Context(), "s-1", users, true)
		if diff := cmp.Diff(sessions, ejected); diff != "" || err != nil {
			w.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if ejected, err := w.client.Eject(w.Context(), "s-1", nil, true); err != nil || ejected != nil {
			w.Errorf("nobody asked for: %v, %v", ejected, err)
		}
	})
}

func TestRooms(t *testing.T) {
	t.Parallel()
	t.Run("ListsEveryPage", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			var specs []string
			for i := range 250 {
				specs = append(specs, fmt.Sprintf(`{"name":"r%d","privacy":"private"}`, i))
			}
			w.raw("POST", "/v1/batch/rooms", `{"rooms":[`+strings.Join(specs, ",")+`]}`)
			names := map[string]bool{}
			for room, err := range w.client.Rooms(w.Context()) {
				if err != nil {
					w.Fatal(err)
				}
				names[room.Name] = true
			}
			if n := w.calls("GET"); len(names) != 250 || n != 4 {
				w.Errorf("%d rooms by %d calls, want 250 by 4", len(names), n)
			}
			for range w.client.Rooms(w.Context()) {
				break // and no call goes on
			}
			if n := w.calls("GET"); n != 5 {
				w.Errorf("%d calls, want 5", n)
			}
		})
	})
	t.Run("AnErrorEndsTheList", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultError})
			n := 0
			for _, err := range w.client.Rooms(w.Context()) {
				n++
				w.failure(err, false)
			}
			if n != 1 {
				w.Errorf("%d turns, want 1", n)
			}
		})
	})
	t.Run("AListInCirclesEnds", func(t *testing.T) {
		t.Parallel()
		inWorld(t, func(w *world) {
			w.stub(func(rw http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(rw, `{"data":[{"id":"1","name":"r","url":"https://x/r","privacy":"private"}]}`)
			})
			var last error
			for _, err := range w.client.Rooms(w.Context()) {
				last = err
			}
			w.failure(last, false)
		})
	})
}

func TestMeetings(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		if meetings, err := w.client.Meetings(w.Context(), "s-1"); err != nil || meetings != nil {
			w.Errorf("nobody ever joined: %v, %v", meetings, err)
		}
		room := w.create("s-1")
		began := models.SystemClock()
		p, err := w.emulator.Join("s-1", daily.SignToken(key, daily.Claims{Room: "s-1", DomainID: domainID, UserID: "u", UserName: "Ann", Expires: room.Exp}), "")
		if err != nil {
			w.Fatal(err)
		}
		elapse(30 * time.Second)
		if err := w.emulator.Leave("s-1", p.SessionID); err != nil {
			w.Fatal(err)
		}
		elapse(time.Minute)
		meetings, err := w.client.Meetings(w.Context(), "s-1")
		want := []daily.Meeting{{
			ID: p.MeetingID, Room: "s-1", Start: began, Duration: 30 * time.Second,
			Participants: []daily.Attendance{{SessionID: p.SessionID, UserID: "u", UserName: "Ann", Joined: began, Duration: 30 * time.Second}},
		}}
		if diff := cmp.Diff(want, meetings); diff != "" || err != nil {
			w.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}
