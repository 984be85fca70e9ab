package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/daily/emulator"
	"greenroom/db"
	"greenroom/models"
)

func TestCreate(t *testing.T) {
	t.Parallel()

	t.Run("MakesThePrivateRoomAndTheToken", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withPlan(models.Plan{Key: "pro", MaxSessionDuration: ptr(14_400)}))
		made := w.create(func(in *CreateInput) {
			in.Metadata = models.JSONObject{"user_name": "John Doe", "gone": nil}
			in.EndUserID = ptr("user-7")
		})
		s := made.Session
		if s.Status() != models.StatusCreated || s.AvatarState != models.AvatarWaiting || s.EndReason != nil || s.Duration() != nil {
			t.Errorf("created: %+v", s)
		}
		if s.Metadata != `{"user_name":"John Doe"}` || *s.EndUserID != "user-7" || *s.MaxDuration != 14_400 {
			t.Errorf("created: %+v", s)
		}
		if *s.StartBy() != epoch.Add(10*time.Minute) || s.Expiration != nil {
			t.Errorf("start by %v, expiration %v", s.StartBy(), s.Expiration)
		}
		rooms := w.room(s)
		if len(rooms) != 1 || rooms[0].Privacy != "private" {
			t.Fatalf("rooms at Daily: %+v", rooms)
		}
		// createdAt + start window + 150 s + granted + 5 min
		wantExp := epoch.Add(10*time.Minute + 150*time.Second + 4*time.Hour + 5*time.Minute)
		if s.Room.Exp != wantExp {
			t.Errorf("room exp %v, want %v", s.Room.Exp, wantExp)
		}
		room := w.service.DailyRoom(w.key(), s)
		if _, err := w.emulator.Join(room.Name, *room.Token, ""); err != nil {
			t.Errorf("join with the token: %v", err)
		}
		if !strings.HasPrefix(*made.AccessToken, "gr_sess_") || made.Replayed {
			t.Errorf("created: %+v", made)
		}
		if diff := cmp.Diff([]models.EventType{models.EventCreated, models.EventRoomReady}, w.eventTypes(s)); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("BadInputChangesNothing", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withPlan(models.Plan{Key: "pro", MaxSessionDuration: ptr(60)}))
		deep := models.JSONObject{}
		for inner, i := deep, 0; i < 9; i++ {
			next := map[string]any{}
			inner["a"] = next
			inner = next
		}
		for name, c := range map[string]struct {
			change func(*CreateInput)
			kind   models.Kind
		}{
			"UnknownAvatar":    {func(in *CreateInput) { in.AvatarID = models.NewID(models.AvatarPrefix, epoch) }, models.KindNotFound},
			"MalformedAvatar":  {func(in *CreateInput) { in.AvatarID = "1=1" }, models.KindNotFound},
			"ZeroDuration":     {func(in *CreateInput) { in.MaxDuration = ptr(0) }, models.KindInvalidInput},
			"NegativeDuration": {func(in *CreateInput) { in.MaxDuration = ptr(-1) }, models.KindInvalidInput},
			"AboveThePlan":     {func(in *CreateInput) { in.MaxDuration = ptr(61) }, models.KindInvalidInput},
			"NoKey":            {func(in *CreateInput) { in.IdempotencyKey = ptr("") }, models.KindInvalidInput},
			"LongKey":          {func(in *CreateInput) { in.IdempotencyKey = ptr(strings.Repeat("ü", 129)) }, models.KindInvalidInput},
			"NULInKey":         {func(in *CreateInput) { in.IdempotencyKey = ptr("a\x00") }, models.KindInvalidInput},
			"NoEndUser":        {func(in *CreateInput) { in.EndUserID = ptr("") }, models.KindInvalidInput},
			"LongEndUser":      {func(in *CreateInput) { in.EndUserID = ptr(strings.Repeat("x", 129)) }, models.KindInvalidInput},
			"BigMetadata":      {func(in *CreateInput) { in.Metadata = models.JSONObject{"a": strings.Repeat("x", 16<<10)} }, models.KindInvalidInput},
			"DeepMetadata":     {func(in *CreateInput) { in.Metadata = deep }, models.KindInvalidInput},
			"NULInMetadata":    {func(in *CreateInput) { in.Metadata = models.JSONObject{"a": "\x00"} }, models.KindInvalidInput},
			"NULInMetadataKey": {func(in *CreateInput) { in.Metadata = models.JSONObject{"\x00": "a"} }, models.KindInvalidInput},
			"NotUTF8":          {func(in *CreateInput) { in.Metadata = models.JSONObject{"a": "\xed\xa0\x80"} }, models.KindInvalidInput},
		} {
			in := CreateInput{AvatarID: w.avatar.ID}
			c.change(&in)
			if _, err := w.service.Create(w.key(), in); models.KindOf(err) != c.kind {
				t.Errorf("%s: %v, want %s", name, err, c.kind)
			}
		}
		if n, err := w.store.CountSessions(w.key(), models.SessionQuery{Scope: models.Scope{AccountID: w.account.ID}}, epoch); n != 0 || err != nil {
			t.Errorf("%d sessions were made: %v", n, err)
		}
		if rooms := w.emulator.Rooms(); len(rooms) != 0 {
			t.Errorf("rooms were made: %v", rooms)
		}
	})

	t.Run("AnArchivedAvatarTakesNoSessions", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		a := *w.avatar
		a.ArchivedAt = epoch.Ptr()
		w.write(func(tx *db.Tx) error { return tx.UpdateAvatar(&a) })
		if _, err := w.service.Create(w.key(), CreateInput{AvatarID: a.ID}); !errors.Is(err, models.ErrAvatarArchived) {
			t.Error(err)
		}
	})

	t.Run("ParallelCreatesMakeExactlyAsManyAsThereArePlaces", func(t *testing.T) {
		t.Parallel()
		for name, o := range map[string]option{"SQLite": func(*world) {}, "PostgreSQL": onPostgres} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				const k = 7
				w := setup(t, o, withPlan(models.Plan{Key: "pro", MaxConcurrentSessions: ptr(k)}))
				var made, refused atomic.Int64
				parallel(100, func(int) {
					switch _, err := w.service.Create(w.key(), CreateInput{AvatarID: w.avatar.ID}); {
					case err == nil:
						made.Add(1)
					case models.KindOf(err) == models.KindConcurrencyLimit:
						refused.Add(1)
					default:
						t.Error(err)
					}
				})
				if made.Load() != k || refused.Load() != 100-k || len(w.emulator.Rooms()) != k {
					t.Errorf("%d made, %d refused, %d rooms; want %d", made.Load(), refused.Load(), len(w.emulator.Rooms()), k)
				}
			})
		}
	})

	t.Run("ADuePlaceIsFree", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withPlan(models.Plan{Key: "pro", MaxConcurrentSessions: ptr(1)}), withTimings(func(c *Timings) { c.Sweep = time.Hour }))
		w.create(nil)
		w.pass(10*time.Minute - time.Millisecond)
		if _, err := w.service.Create(w.key(), CreateInput{AvatarID: w.avatar.ID}); models.KindOf(err) != models.KindConcurrencyLimit {
			t.Errorf("a millisecond before the deadline: %v", err)
		}
		w.pass(time.Millisecond)
		w.create(nil)
	})
}

func TestCreateIdempotently(t *testing.T) {
	t.Parallel()

	t.Run("TheSameKeyInParallelMakesOneSessionAndOneRoom", func(t *testing.T) {
		t.Parallel()
		for name, o := range map[string]option{"SQLite": func(*world) {}, "PostgreSQL": onPostgres} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := setup(t, o)
				w.emulator.SetFaults(emulator.Fault{Method: "POST", Path: "/rooms", Kind: emulator.FaultDelay, Delay: 100 * time.Millisecond})
				var mu sync.Mutex
				answers := map[string]int{}
				var fresh atomic.Int64
				parallel(50, func(int) {
					made, err := w.service.Create(w.key(), CreateInput{AvatarID: w.avatar.ID, IdempotencyKey: ptr("k")})
					if err != nil {
						t.Error(err)
						return
					}
					if !made.Replayed {
						fresh.Add(1)
					}
					mu.Lock()
					defer mu.Unlock()
					answers[made.Session.ID+" "+*made.AccessToken]++
				})
				if len(answers) != 1 || fresh.Load() != 1 {
					t.Errorf("%d different answers, %d not replayed", len(answers), fresh.Load())
				}
				posts := 0
				for _, e := range w.emulator.Log() {
					if e.Method == "POST" && e.Path == "/v1/rooms" {
						posts++
					}
				}
				if posts != 1 || len(w.emulator.Rooms()) != 1 {
					t.Errorf("%d POST /rooms and %d rooms", posts, len(w.emulator.Rooms()))
				}
			})
		}
	})

	t.Run("OtherInputIsRefusedAndTheSameAnswersAsItIsNow", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		order := func(in *CreateInput) {
			in.IdempotencyKey = ptr("k")
			in.Metadata = models.JSONObject{"b": 1.0, "a": "x"}
		}
		first := w.create(order)
		for name, change := range map[string]func(*CreateInput){
			"Metadata": func(in *CreateInput) { in.Metadata = nil },
			"Duration": func(in *CreateInput) { in.MaxDuration = ptr(5) },
			"User":     func(in *CreateInput) { in.EndUserID = ptr("x") },
			"Invalid":  func(in *CreateInput) { in.MaxDuration = ptr(-5) },
			"Avatar":   func(in *CreateInput) { in.AvatarID = "nonsense" },
			"Deep":     func(in *CreateInput) { in.Metadata = models.JSONObject{"a": "\x00"} },
		} {
			in := CreateInput{AvatarID: w.avatar.ID}
			order(&in)
			change(&in)
			if _, err := w.service.Create(w.key(), in); !errors.Is(err, models.ErrMismatch) {
				t.Errorf("%s: %v", name, err)
			}
		}
		again := w.create(order)
		if again.Session.ID != first.Session.ID || *again.AccessToken != *first.AccessToken || !again.Replayed {
			t.Errorf("replay: %+v", again)
		}
		if _, err := w.service.End(w.key(), first.Session.ID); err != nil {
			t.Fatal(err)
		}
		ended := w.create(order)
		if ended.Session.EndedAt == nil || ended.AccessToken != nil || !ended.Replayed {
			t.Errorf("replay after the end: %+v", ended)
		}
		w.pass(24 * time.Hour)
		if fresh := w.create(order); fresh.Session.ID == first.Session.ID || fresh.Replayed {
			t.Errorf("after 24 hours: %+v", fresh)
		}
	})

	t.Run("AnotherAccountsKeyHasNoEffect", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		mine := w.create(func(in *CreateInput) { in.IdempotencyKey = ptr("k") })
		other := w.otherAccount()
		theirs, err := w.service.Create(other.ctx, CreateInput{AvatarID: other.avatar.ID, IdempotencyKey: ptr("k")})
		if err != nil || theirs.Session.ID == mine.Session.ID || theirs.Replayed {
			t.Errorf("%+v, %v", theirs, err)
		}
		if _, err := w.service.Session(other.ctx, mine.Session.ID); models.KindOf(err) != models.KindNotFound {
			t.Errorf("a foreign session: %v", err)
		}
	})

	t.Run("RefusalsAndFailuresBindNothing", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withPlan(models.Plan{Key: "pro", MaxConcurrentSessions: ptr(1)}), withTimings(func(c *Timings) { c.CreateWithin = 300 * time.Millisecond }))
		keyed := func(in *CreateInput) { in.IdempotencyKey = ptr("k") }
		first := w.create(nil)
		in := CreateInput{AvatarID: w.avatar.ID, IdempotencyKey: ptr("k")}
		if _, err := w.service.Create(w.key(), in); models.KindOf(err) != models.KindConcurrencyLimit {
			t.Fatal(err)
		}
		if _, err := w.service.End(w.key(), first.Session.ID); err != nil {
			t.Fatal(err)
		}
		w.emulator.SetFaults(emulator.Fault{Path: "/rooms", Method: "POST", Kind: emulator.FaultError, Status: 500})
		if _, err := w.service.Create(w.key(), in); models.KindOf(err) != models.KindUnavailable {
			t.Fatal(err)
		}
		w.emulator.SetFaults()
		if made := w.create(keyed); made.Replayed {
			t.Errorf("replayed a failure: %+v", made)
		}
	})
}

func TestDailyFails(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{
		"Error":     {Kind: emulator.FaultError, Status: 503},
		"RateLimit": {Kind: emulator.FaultRateLimit},
		"Hang":      {Kind: emulator.FaultHang},
		"HTML":      {Kind: emulator.FaultHTML},
	} {
		t.Run(name+"/FreesThePlaceAndLeavesNoHalfSession", func(t *testing.T) {
			t.Parallel()
			w := setup(t, withPlan(models.Plan{Key: "pro", MaxConcurrentSessions: ptr(1)}), withTimings(func(c *Timings) { c.CreateWithin = 300 * time.Millisecond }))
			w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
			w.emulator.SetFaults(fault)
			_, err := w.service.Create(w.key(), CreateInput{AvatarID: w.avatar.ID})
			refusal, ok := errors.AsType[*models.Error](err)
			if !ok || refusal.Kind != models.KindUnavailable || refusal.RetryAfter <= 0 {
				t.Fatalf("%v", err)
			}
			w.emulator.SetFaults()
			page, err := w.service.Sessions(w.key(), models.SessionQuery{Page: models.Page{Size: 10}})
			if err != nil || len(page.Nodes) != 1 {
				t.Fatalf("%v, %v", page, err)
			}
			s := page.Nodes[0]
			if *s.EndReason != models.EndProvisionFailed || *s.Duration() != 0 || w.service.DailyRoom(w.key(), s) != nil {
				t.Errorf("left behind: %+v", s)
			}
			w.create(nil) // the place is free
		})
	}
	for name, fault := range map[string]emulator.Fault{
		"LostReply": {Method: "POST", Path: "/rooms", Kind: emulator.FaultLost, Count: 1},
		"Truncated": {Method: "POST", Path: "/rooms", Kind: emulator.FaultTruncated, Count: 1},
		"Cut":       {Method: "POST", Path: "/rooms", Kind: emulator.FaultCut, Count: 1},
		"Late":      {Method: "POST", Path: "/rooms", Kind: emulator.FaultLate, CommitAfter: 50 * time.Millisecond, Status: 500, Count: 1},
		"Throttled": {Kind: emulator.FaultRateLimit, Count: 2},
	} {
		t.Run(name+"/TheOneRoomIsAdopted", func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
			w.emulator.SetFaults(fault)
			made := w.create(nil)
			if rooms := w.room(made.Session); len(rooms) != 1 || len(w.emulator.Rooms()) != 1 {
				t.Errorf("rooms: %v", w.emulator.Rooms())
			}
			hit := false
			for _, f := range w.emulator.Faults() {
				hit = hit || f.Hits > 0
			}
			if !hit {
				t.Error("the fault never happened")
			}
		})
	}

	t.Run("ALateRoomOfAGivenUpSessionIsDeleted", func(t *testing.T) {
		t.Parallel()
		w := setup(t, withTimings(func(c *Timings) { c.CreateWithin = 200 * time.Millisecond }))
		w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
		w.emulator.SetFaults(emulator.Fault{Method: "POST", Path: "/rooms", Kind: emulator.FaultLate, CommitAfter: 400 * time.Millisecond})
		if _, err := w.service.Create(w.key(), CreateInput{AvatarID: w.avatar.ID}); models.KindOf(err) != models.KindUnavailable {
			t.Fatal(err)
		}
		w.eventually("the room came late", func() bool { return len(w.emulator.Rooms()) == 1 })
		w.emulator.SetFaults()
		w.pass(lateRoom)
		w.eventually("the late room is gone", func() bool { return w.emulator.Rooms()[0].State != emulator.RoomLive })
	})

	t.Run("ACallerThatLeavesDoesNotLeaveAHalfSession", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.eventually("the domain is known", func() bool { return w.service.Readiness() == nil })
		w.emulator.SetFaults(emulator.Fault{Method: "POST", Path: "/rooms", Kind: emulator.FaultDelay, Delay: 100 * time.Millisecond})
		ctx, cancel := context.WithCancel(w.key())
		done := make(chan error)
		go func() {
			_, err := w.service.Create(ctx, CreateInput{AvatarID: w.avatar.ID})
			done <- err
		}()
		w.eventually("Daily is asked", func() bool {
			for _, e := range w.emulator.Log() {
				if e.Method == "POST" {
					return true
				}
			}
			return false
		})
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the create itself: %v", err)
		}
	})
}

// parallel runs n calls at once and waits for them.
func parallel(n int, run func(i int)) {
	var all sync.WaitGroup
	gun := make(chan struct{})
	for i := range n {
		all.Go(func() { <-gun; run(i) })
	}
	close(gun)
	all.Wait()
}

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.store.Write(context.Background(), fn); err != nil {
		w.t.Fatal(fmt.Errorf("write: %w", err))
	}
}
