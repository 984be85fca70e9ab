package session

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/daily/emulator"
	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

// all is what an endpoint can ask for.
var all = []models.WebhookEventType{
	models.WebhookSessionCreated, models.WebhookSessionStarted, models.WebhookSessionExpiring, models.WebhookSessionEnded,
}

// hook stores an endpoint of the world's account.
func (w *world) hook(types ...models.WebhookEventType) *models.WebhookEndpoint {
	w.t.Helper()
	e := &models.WebhookEndpoint{
		AccountID: w.account.ID, ID: models.NewID(models.WebhookPrefix, w.clock()), URL: "https://hooks.example.com",
		EventTypes: types, CreatedAt: w.clock(),
	}
	if err := w.store.Write(context.Background(), func(tx *db.Tx) error { return tx.InsertWebhookEndpoint(e) }); err != nil {
		w.t.Fatal(err)
	}
	return e
}

// A toldEvent is a row of the outbox, with what it says.
type toldEvent struct {
	*models.WebhookDelivery
	Payload struct {
		Type      string
		Timestamp models.Time
		Data      struct{ Session map[string]any }
	}
}

// outbox is what an endpoint is told of a session, in the order of the session's life.
func (w *world) outbox(e *models.WebhookEndpoint, sessionID string) (events []toldEvent) {
	w.t.Helper()
	of := db.WaitingWebhook{AccountID: e.AccountID, EndpointID: e.ID}
	err := w.store.Write(context.Background(), func(tx *db.Tx) error {
		events = nil
		rows, err := tx.DueWebhooks(of, w.clock(), 1000)
		for _, row := range rows {
			if *row.Delivery.SessionID != sessionID {
				continue
			}
			event := toldEvent{WebhookDelivery: row.Delivery}
			err = errors.Join(err, json.Unmarshal([]byte(row.Payload), &event.Payload))
			events = append(events, event)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.SortFunc(events, func(a, b toldEvent) int {
		return slices.Index(all, a.EventType) - slices.Index(all, b.EventType)
	})
	return events
}

func types(events []toldEvent) []models.WebhookEventType {
	out := []models.WebhookEventType{}
	for _, e := range events {
		out = append(out, e.EventType)
	}
	return out
}

func TestOutbox(t *testing.T) {
	t.Parallel()

	t.Run("TellsAWholeLife", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.avatarServer(nil)
		hook, ends := w.hook(all...), w.hook(models.WebhookSessionEnded)
		made := w.create(func(in *CreateInput) {
			in.Metadata, in.EndUserID, in.MaxDuration = models.JSONObject{"a": "<&>"}, ptr("ann"), ptr(600)
		})
		s := w.start(made.Session).Session
		w.pass(9*time.Minute + 30*time.Second)
		if err := w.service.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		ended, err := w.service.End(w.key(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		told := w.outbox(hook, s.ID)
		if diff := cmp.Diff(all, types(told)); diff != "" {
			t.Fatalf("told (-want +got):\n%s", diff)
		}
		stored, err := w.store.SessionEvents(t.Context(), models.Scope{AccountID: s.AccountID}, []string{s.ID}, nil)
		if err != nil {
			t.Fatal(err)
		}
		lines := map[string]models.EventType{}
		for _, line := range stored[s.ID] {
			lines[line.ID] = line.Type
		}
		for i, line := range []models.EventType{models.EventRoomReady, models.EventStarted, models.EventExpiring, models.EventEnded} {
			if lines[told[i].EventID] != line || told[i].Payload.Type != all[i].Name() {
				t.Errorf("%s is told as %s of the line %s", line, told[i].Payload.Type, lines[told[i].EventID])
			}
		}
		last := told[3].Payload
		want := map[string]any{
			"id": s.ID, "revision": float64(ended.Revision), "status": "ENDED", "session_type": "WEBRTC_VIDEO", "avatar_id": w.avatar.ID,
			"metadata": map[string]any{"a": "<&>"}, "end_user_id": "ann", "created_at": s.CreatedAt.String(), "started_at": s.StartedAt.String(),
			"ended_at": ended.EndedAt.String(), "expiration": s.Expiration.String(), "max_duration": 600.0, "duration": 570.0, "end_reason": "CLIENT_ENDED",
		}
		if diff := cmp.Diff(want, last.Data.Session); diff != "" || last.Timestamp != *ended.EndedAt {
			t.Errorf("at %s (-want +got):\n%s", last.Timestamp, diff)
		}
		if diff := cmp.Diff([]models.WebhookEventType{models.WebhookSessionEnded}, types(w.outbox(ends, s.ID))); diff != "" {
			t.Errorf("an endpoint for ends is told (-want +got):\n%s", diff)
		}
	})

	t.Run("TellsNobodyWhoDoesNotWantIt", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		off := w.hook(all...)
		off.Disable(w.clock(), models.DisabledByRequest)
		if err := w.store.Write(t.Context(), func(tx *db.Tx) error { return tx.PutWebhookEndpoint(off) }); err != nil {
			t.Fatal(err)
		}
		w.hook(models.WebhookSessionStarted)
		foreign := dbtest.NewWorld(t, w.store)
		foreign.Endpoint(epoch, all...)
		s := w.create(nil).Session
		if _, err := w.service.End(w.key(), s.ID); err != nil {
			t.Fatal(err)
		}
		if waiting, err := w.store.WaitingWebhooks(t.Context()); err != nil || len(waiting) != 0 {
			t.Errorf("%+v, %v", waiting, err)
		}
	})

	t.Run("TellsNothingOfASessionWithoutARoom", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.hook(all...)
		w.emulator.SetFaults(emulator.Fault{Kind: emulator.FaultError, Status: 400, Method: "POST", Path: "/rooms"})
		if _, err := w.service.Create(w.key(), CreateInput{AvatarID: w.avatar.ID}); err == nil {
			t.Fatal("created")
		}
		if waiting, err := w.store.WaitingWebhooks(t.Context()); err != nil || len(waiting) != 0 {
			t.Errorf("%+v, %v", waiting, err)
		}
	})

	t.Run("HoldsNoSecretAndNoRoomsToken", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		hook := w.hook(all...)
		made := w.create(nil)
		room := w.service.DailyRoom(w.key(), made.Session)
		text, err := json.Marshal(w.outbox(hook, made.Session.ID)[0].Payload.Data.Session)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{*made.AccessToken, *room.Token, room.URL} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s is in %s", secret, text)
			}
		}
	})
}

// However many end a session, and for whichever reason, its end is told once.
func TestOneEndIsTold(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]option{"OnSQLite": nil, "OnPostgreSQL": {onPostgres}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, append(options, withTimings(func(timings *Timings) { timings.Sweep = time.Hour }))...)
			hook := w.hook(all...)
			for range 10 {
				s := w.create(nil).Session
				w.pass(10 * time.Minute) // it is due
				var racers sync.WaitGroup
				for _, end := range []func() error{
					func() error { _, err := w.service.End(w.key(), s.ID); return err },
					func() error { _, err := w.service.End(w.token(s), s.ID); return err },
					func() error { return w.service.Sweep(context.Background()) },
					func() error { _, err := OperatorEnd(context.Background(), w.store, w.clock, s.ID); return err },
				} {
					racers.Go(func() {
						if err := end(); err != nil && !errors.Is(err, models.ErrConflict) {
							t.Error(err)
						}
					})
				}
				racers.Wait()
				told := w.outbox(hook, s.ID)
				if diff := cmp.Diff([]models.WebhookEventType{models.WebhookSessionCreated, models.WebhookSessionEnded}, types(told)); diff != "" {
					t.Fatalf("told (-want +got):\n%s", diff)
				}
				if reason := told[1].Payload.Data.Session["end_reason"]; reason != "NEVER_STARTED" || told[1].Payload.Timestamp != s.CreatedAt.Add(10*time.Minute) {
					t.Errorf("as %v at %s", reason, told[1].Payload.Timestamp)
				}
			}
		})
	}
}
