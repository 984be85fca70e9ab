package dbtest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/models"
)

// Endpoint stores an endpoint of the world's account that wants to be told of the types.
func (w *World) Endpoint(created models.Time, types ...models.WebhookEventType) *models.WebhookEndpoint {
	w.tb.Helper()
	e := &models.WebhookEndpoint{
		AccountID: w.Account.ID, ID: models.NewID(models.WebhookPrefix, created),
		URL: "https://hooks.example.com/in", EventTypes: types, CreatedAt: created,
	}
	w.Do(func(tx *db.Tx) error { return tx.InsertWebhookEndpoint(e) })
	return e
}

// Deliver stores a delivery to an endpoint that is due at the given time.
func (w *World) Deliver(to *models.WebhookEndpoint, due models.Time) *models.WebhookDelivery {
	w.tb.Helper()
	d := models.NewWebhookDelivery(to, models.WebhookTest, models.NewID(models.EventPrefix, due), nil, due)
	w.Do(func(tx *db.Tx) error { return tx.InsertWebhookDelivery(d, `{"n":1}`) })
	return d
}

func testWebhookEndpoints(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w, stranger := NewWorld(t, store), NewWorld(t, store)
	old := w.Endpoint(Now, models.WebhookSessionCreated, models.WebhookSessionEnded)
	late := w.Endpoint(Now+1, models.WebhookSessionEnded)
	stranger.Endpoint(Now, models.WebhookSessionEnded)
	list := func() []string {
		t.Helper()
		q := models.WebhookEndpointQuery{AccountID: w.Account.ID, Page: models.Page{Size: 10}}
		page := one(store.WebhookEndpoints(ctx, q))
		same(t, "count", one(store.CountWebhookEndpoints(ctx, q.AccountID)), len(page.Nodes))
		return idsOf(page.Nodes)
	}
	wanted := func(what models.WebhookEventType) (got []string) {
		t.Helper()
		w.Do(func(tx *db.Tx) error {
			rows, err := tx.WebhookEndpointsFor(w.Account.ID, what)
			got = idsOf(rows)
			return err
		})
		slices.Sort(got)
		return got
	}
	same(t, "as stored", one(store.WebhookEndpoint(ctx, w.Account.ID, old.ID)), old)
	same(t, "newest first", list(), []string{late.ID, old.ID})
	same(t, "want ends", wanted(models.WebhookSessionEnded), []string{old.ID, late.ID})
	same(t, "want creations", wanted(models.WebhookSessionCreated), []string{old.ID})
	same(t, "want starts", wanted(models.WebhookSessionStarted), []string{})

	description := "the back end"
	changed := *late
	changed.Description, changed.URL = &description, "https://other.example.com"
	changed.FailingSince, changed.LastFailureAt = Now.Ptr(), Now.Ptr()
	changed.Disable(Now+2, models.DisabledFailing)
	w.Do(func(tx *db.Tx) error { return tx.PutWebhookEndpoint(&changed) })
	same(t, "changed", one(store.WebhookEndpoint(ctx, w.Account.ID, late.ID)), &changed)
	same(t, "a disabled one wants nothing", wanted(models.WebhookSessionEnded), []string{old.ID})
	w.Do(func(tx *db.Tx) error { return tx.WebhookWorked(w.Account.ID, late.ID) })
	changed.FailingSince, changed.LastFailureAt = nil, nil
	same(t, "worked", one(store.WebhookEndpoint(ctx, w.Account.ID, late.ID)), &changed)

	gone := w.Deliver(old, Now)
	w.Do(func(tx *db.Tx) error { return tx.DeleteWebhookEndpoint(old, Now+3) })
	same(t, "a deleted one is not listed", list(), []string{late.ID})
	same(t, "a deleted one wants nothing", wanted(models.WebhookSessionCreated), []string{})
	for name, read := range map[string]func() error{
		"endpoint": func() error { _, err := store.WebhookEndpoint(ctx, w.Account.ID, old.ID); return err },
		"delivery": func() error { _, err := store.WebhookDelivery(ctx, w.Account.ID, gone.ID); return err },
		"a stranger's": func() error {
			_, err := store.WebhookEndpoint(ctx, stranger.Account.ID, late.ID)
			return err
		},
	} {
		if err := read(); !errors.Is(err, models.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.Do(func(tx *db.Tx) error { return tx.DropWebhookEndpoints(Now + 10) }) // it has a delivery still
	w.Do(func(tx *db.Tx) error {
		n, err := tx.DropDeliveriesOfDeletedWebhooks(Now+10, 5)
		same(t, "dropped", n, 1)
		return errors.Join(err, tx.DropWebhookEndpoints(Now+10))
	})
	same(t, "nothing waits", len(one(store.WaitingWebhooks(ctx))), 0)
}

func idsOf(endpoints []*models.WebhookEndpoint) []string {
	ids := make([]string, len(endpoints))
	for i, e := range endpoints {
		ids[i] = e.ID
	}
	return ids
}

func testWebhookSecrets(t *testing.T, store *db.Store) {
	w := NewWorld(t, store)
	e := w.Endpoint(Now, models.WebhookSessionEnded)
	for i, text := range []string{"first", "second", "third"} {
		at := Now.Add(time.Duration(i) * time.Hour)
		w.Do(func(tx *db.Tx) error {
			return tx.InsertWebhookSecret(&db.WebhookSecret{
				AccountID: e.AccountID, EndpointID: e.ID, ID: models.NewID("", at), Sealed: []byte(text),
			}, at.Add(24*time.Hour))
		})
	}
	active := func(now models.Time) (texts []string) {
		for _, s := range one(store.WebhookSecrets(t.Context(), e.AccountID, e.ID, now)) {
			texts = append(texts, string(s.Sealed))
		}
		return texts
	}
	same(t, "all overlap", active(Now.Add(3*time.Hour)), []string{"third", "second", "first"})
	same(t, "the first has expired", active(Now.Add(25*time.Hour)), []string{"third", "second"})
	same(t, "the newest stays", active(Now.Add(1000*time.Hour)), []string{"third"})
	w.Do(func(tx *db.Tx) error { return tx.DropWebhookSecrets(Now.Add(25 * time.Hour)) })
	same(t, "dropped", active(Now), []string{"third", "second"})
	w.Do(func(tx *db.Tx) error { return tx.DeleteWebhookEndpoint(e, Now) })
	same(t, "gone with their endpoint", len(active(Now)), 0)
}

func testWebhookDeliveries(t *testing.T, store *db.Store) {
	ctx := t.Context()
	w := NewWorld(t, store)
	a, b := w.Endpoint(Now, models.WebhookSessionEnded), w.Endpoint(Now+1, models.WebhookSessionEnded)
	first, second, later := w.Deliver(a, Now), w.Deliver(a, Now+1), w.Deliver(a, Now.Add(time.Hour))
	other := w.Deliver(b, Now+2)
	same(t, "as stored", one(store.WebhookDelivery(ctx, w.Account.ID, first.ID)), first)

	session := w.Session(Now, nil)
	w.Insert(session)
	for range 2 { // whoever tells of an end twice, under whatever id
		d := models.NewWebhookDelivery(b, models.WebhookSessionEnded, models.NewID(models.EventPrefix, Now), &session.ID, Now+3)
		w.Do(func(tx *db.Tx) error { return tx.InsertWebhookDelivery(d, "{}") })
	}
	q := models.WebhookDeliveryQuery{AccountID: w.Account.ID, Page: models.Page{Size: 2}}
	pages := one(store.WebhookDeliveries(ctx, []string{a.ID, b.ID}, q))
	same(t, "a page of one", pages[a.ID].Nodes, []*models.WebhookDelivery{later, second})
	same(t, "with more behind it", pages[a.ID].PageInfo.HasNextPage, true)
	same(t, "an end is told once", len(pages[b.ID].Nodes), 2)
	same(t, "counts", one(store.CountWebhookDeliveries(ctx, w.Account.ID, []string{a.ID, b.ID})), map[string]int{a.ID: 3, b.ID: 2})

	same(t, "waiting, longest first", one(store.WaitingWebhooks(ctx)), []db.WaitingWebhook{
		{AccountID: w.Account.ID, EndpointID: a.ID, Due: Now}, {AccountID: w.Account.ID, EndpointID: b.ID, Due: Now + 2},
	})
	due := func(of *models.WebhookEndpoint, limit int) (claimed []*db.ClaimedWebhook) {
		w.Do(func(tx *db.Tx) (err error) {
			claimed, err = tx.DueWebhooks(db.WaitingWebhook{AccountID: of.AccountID, EndpointID: of.ID}, Now+1, limit)
			return err
		})
		return claimed
	}
	same(t, "one of the other's is not due", len(due(b, 10)), 0)
	same(t, "limited", len(due(a, 1)), 1)
	claimed := due(a, 10)
	same(t, "due, longest first", []string{claimed[0].Delivery.ID, claimed[1].Delivery.ID}, []string{first.ID, second.ID})
	same(t, "with what is sent", claimed[0].Payload, `{"n":1}`)
	same(t, "and where to", claimed[0].Endpoint, a)

	status, text := 500, strings.Repeat("ü", 40)
	done := *claimed[0].Delivery
	done.Tried(&models.WebhookAttempt{At: Now, HTTPStatus: &status, Latency: 12, Error: &text})
	done.Tries, done.Fence = 1, 1
	done.Finish(models.DeliveryFailed, Now+5)
	w.Do(func(tx *db.Tx) error { return tx.SwapWebhookDelivery(&done, 0) })
	same(t, "written", one(store.WebhookDelivery(ctx, w.Account.ID, first.ID)), &done)
	stale := *claimed[0].Delivery
	if err := store.Write(ctx, func(tx *db.Tx) error { return tx.SwapWebhookDelivery(&stale, 0) }); !errors.Is(err, models.ErrConflict) {
		t.Errorf("under an old fence: %v", err)
	}
	w.Do(func(tx *db.Tx) error {
		same(t, "finished later", one(tx.DropWebhookDeliveries(Now+5, 10)), 0)
		same(t, "dropped", one(tx.DropWebhookDeliveries(Now+6, 10)), 1)
		return nil
	})
	same(t, "the rest stays", one(store.CountWebhookDeliveries(ctx, w.Account.ID, []string{a.ID})), map[string]int{a.ID: 2})
	same(t, "another's too", one(store.WebhookDelivery(ctx, w.Account.ID, other.ID)), other)
}
