package webhooks

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/db/dbtest"
	"greenroom/models"
)

func TestRestart(t *testing.T) {
	t.Parallel()

	t.Run("DeliversWhatWasPendingOnceEach", func(t *testing.T) {
		t.Parallel()
		w, r := setup(t), receive(t, nil)
		e, _ := w.endpoint(r.URL)
		const events = 10
		for range events {
			w.sendTest(e)
		}
		w.shutDown()
		w.boot()
		w.service.Run()
		w.eventually("all are delivered", func() bool {
			waiting, err := w.store.WaitingWebhooks(t.Context())
			return err == nil && len(waiting) == 0
		})
		ids := map[string]bool{}
		for _, c := range r.got() {
			ids[c.id()] = true
		}
		if len(ids) != events || len(r.got()) != events {
			t.Errorf("%d calls of %d events", len(r.got()), len(ids))
		}
	})

	t.Run("TakesUpWhatACrashLeftAfterItsLease", func(t *testing.T) {
		t.Parallel()
		w, r := setup(t), receive(t, nil)
		e, _ := w.endpoint(r.URL)
		d := w.sendTest(e)
		// A process claims, sends, and dies before it has written that.
		dead := w.claimAll()
		if len(dead) != 1 || w.read(d).State != models.DeliverySending || w.read(d).NextAttemptAt() != nil {
			t.Fatalf("claimed %v: %+v", dead, w.read(d))
		}
		first, err := w.service.try(t.Context(), dead[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.Replay(w.key(), d.ID); err != nil || w.read(d).State != models.DeliverySending {
			t.Errorf("a replay of what is being sent: %+v, %v", w.read(d), err)
		}
		w.pass(w.service.Timeout + leaseSlack - time.Millisecond)
		w.deliver()
		if len(r.got()) != 1 {
			t.Fatal("its lease was not kept")
		}
		w.pass(time.Millisecond)
		w.deliver()
		calls := r.got()
		if len(calls) != 2 || calls[0].id() != calls[1].id() || calls[0].id() != d.EventID {
			t.Fatalf("%d calls", len(calls))
		}
		// The dead one was only paused: its outcome no longer counts.
		before := w.read(d)
		if err := w.service.note(t.Context(), dead[0], first); err != nil {
			t.Error(err)
		}
		if after := w.read(d); after.Fence != before.Fence || len(after.Attempts) != len(before.Attempts) {
			t.Errorf("the outcome of a lost claim was written: %+v", after)
		}
	})
}

// claimAll claims what is due, and begins nothing.
func (w *world) claimAll() []*db.ClaimedWebhook {
	w.t.Helper()
	waiting, err := w.store.WaitingWebhooks(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	shares, _ := w.service.share(waiting, w.clock())
	claimed, _, err := w.service.claim(context.Background(), shares, w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	return claimed
}

func TestShutdown(t *testing.T) {
	t.Parallel()

	t.Run("WaitsForATryUnderWay", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		came, answer := make(chan struct{}), make(chan struct{})
		r := receive(t, func(http.ResponseWriter, *http.Request) { close(came); <-answer })
		e, _ := w.endpoint(r.URL)
		d := w.sendTest(e)
		w.service.Run()
		<-came
		stopped := make(chan error)
		go func() { stopped <- w.service.Shutdown(context.Background()) }()
		<-w.service.claiming.Done()
		close(answer)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if got := w.read(d); got.State != models.DeliveryDelivered {
			t.Errorf("%+v", got)
		}
	})

	t.Run("PutsBackATryThatHangs", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		var healthy atomic.Bool
		came := make(chan struct{}, 2)
		r := receive(t, func(_ http.ResponseWriter, r *http.Request) {
			came <- struct{}{}
			if !healthy.Load() {
				<-r.Context().Done()
			}
		})
		e, _ := w.endpoint(r.URL)
		d := w.sendTest(e)
		w.service.Run()
		<-came
		patient, cancel := context.WithCancel(context.Background())
		cancel()
		if err := w.service.Shutdown(patient); err != nil {
			t.Error(err)
		}
		if got := w.read(d); got.State != models.DeliveryPending || *got.Due != w.clock() || got.Tries != 0 || len(got.Attempts) != 0 {
			t.Errorf("put back as %+v", got)
		}
		healthy.Store(true)
		w.service = w.another()
		w.deliver()
		calls := r.got()
		if got := w.read(d); got.State != models.DeliveryDelivered || len(calls) != 2 || calls[0].id() != calls[1].id() {
			t.Errorf("%+v after %d calls", got, len(calls))
		}
	})
}

// Two processes on one database share the work, and nobody is told twice.
func TestTwoReplicasShareTheWork(t *testing.T) {
	t.Parallel()
	w := &world{t: t, dsn: dbtest.Postgres(t), log: &logbook{}}
	w.now.Store(int64(epoch))
	w.cfg = setup(t).cfg
	w.boot()
	t.Cleanup(w.shutDown)
	w.own = dbtest.NewWorld(t, w.store)
	const endpoints, events = 5, 8
	var receivers []*receiver
	for range endpoints {
		r := receive(t, nil)
		e, _ := w.endpoint(r.URL)
		receivers = append(receivers, r)
		for range events {
			w.sendTest(e)
		}
	}
	other := w.another()
	w.service.Run()
	other.Run()
	w.eventually("all are delivered", func() bool {
		waiting, err := w.store.WaitingWebhooks(t.Context())
		return err == nil && len(waiting) == 0
	})
	if err := other.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	for _, r := range receivers {
		ids := map[string]bool{}
		for _, c := range r.got() {
			ids[c.id()] = true
		}
		if len(ids) != events || len(r.got()) != events {
			t.Errorf("%d calls of %d events", len(r.got()), len(ids))
		}
	}
}

func TestTidy(t *testing.T) {
	t.Parallel()
	w, r := setup(t), receive(t, nil)
	kept, _ := w.endpoint(r.URL)
	old := w.sendTest(kept)
	w.deliver()
	w.pass(keepFor - time.Hour)
	young := w.sendTest(kept)
	deleted, _ := w.endpoint(r.URL)
	w.sendTest(deleted)
	if err := w.service.DeleteEndpoint(w.key(), deleted.ID); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * time.Hour)
	if err := w.service.tidyOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.Delivery(w.key(), old.ID); !errors.Is(err, models.ErrNotFound) {
		t.Errorf("the old one: %v", err)
	}
	if got := w.read(young); got.State != models.DeliveryPending {
		t.Errorf("the young one: %+v", got)
	}
	waiting, err := w.store.WaitingWebhooks(t.Context())
	if err != nil || len(waiting) != 1 || waiting[0].EndpointID != kept.ID {
		t.Errorf("waiting %+v, %v", waiting, err)
	}
}
