package webhooks

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"greenroom/db"
	"greenroom/models"
)

// A crowd is endpoints for which something is due, each of an account of its own unless said
// otherwise.
func crowd(n int, name string, due models.Time, change func(*db.WaitingWebhook)) []db.WaitingWebhook {
	waiting := make([]db.WaitingWebhook, n)
	for i := range waiting {
		waiting[i] = db.WaitingWebhook{AccountID: fmt.Sprint(name, i), EndpointID: fmt.Sprint(name, i), Due: due}
		if change != nil {
			change(&waiting[i])
		}
	}
	return waiting
}

// fill gives places until there are none for any of those that wait, and nobody gives one back. It
// tells how many each has by its account.
func (w *world) fill(waiting []db.WaitingWebhook) map[string]int {
	w.t.Helper()
	w.t.Cleanup(func() { clear(w.service.underWay) })
	given := map[string]int{}
	for {
		shares, full := w.service.share(waiting, w.clock())
		for _, s := range shares {
			w.service.occupy(s.of.EndpointID, s.places)
			given[s.of.AccountID] += s.places
		}
		if len(shares) == 0 && !full {
			return given
		}
	}
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	failing := func(w *db.WaitingWebhook) { w.Failing = true }

	t.Run("FailingEndpointsTakeHalfTogetherHoweverMany", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		bad := crowd(3*atOnce, "bad", epoch.Add(-time.Hour), failing)
		good := crowd(1, "good", epoch.Add(-time.Minute), nil)
		given := w.fill(append(bad, good...))
		if given["good0"] != perEndpoint || sum(given) != perFailing+perEndpoint {
			t.Errorf("the healthy one has %d places, all have %d", given["good0"], sum(given))
		}
		// A place that comes free goes to one of them again, and to no more than one.
		w.service.occupy("bad7", -1)
		if given := w.fill(append(bad, good...)); len(given) != 1 || sum(given) != 1 || given["good0"] != 0 {
			t.Errorf("then %v", given)
		}
	})

	t.Run("AnAccountTakesAQuarter", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		// It deletes and makes anew what hangs, so none is known to fail.
		greedy := crowd(3*maxEndpoints, "new", epoch.Add(-time.Hour), func(w *db.WaitingWebhook) { w.AccountID = "greedy" })
		others := crowd(10, "other", epoch, nil)
		given := w.fill(append(greedy, others...))
		if given["greedy"] != perAccount || sum(given) != perAccount+10*perEndpoint {
			t.Errorf("it has %d places, all have %d", given["greedy"], sum(given))
		}
	})

	t.Run("AllThatAnAccountMayHaveAreServedAtOnce", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		own := crowd(maxEndpoints, "own", epoch, func(w *db.WaitingWebhook) { w.AccountID = "a" })
		if given := w.fill(own); given["a"] != maxEndpoints*perEndpoint {
			t.Errorf("%v", given)
		}
	})

	t.Run("NeverMoreThanThereAre", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		if given := w.fill(crowd(atOnce, "e", epoch, nil)); sum(given) != atOnce {
			t.Errorf("%d at once", sum(given))
		}
	})
}

// What is late because of its own endpoint must not alarm whoever runs the server.
func TestLate(t *testing.T) {
	t.Parallel()
	late := func(w *world) time.Duration {
		w.t.Helper()
		d, err := w.service.Late(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		return d
	}

	t.Run("OfAFailingEndpointIsItsOwnAffair", func(t *testing.T) {
		t.Parallel()
		w, r := setup(t), receive(t, status(http.StatusInternalServerError))
		bad, _ := w.endpoint(r.URL)
		w.sendTest(bad)
		w.deliver()
		w.sendTest(bad)
		good, _ := w.endpoint(r.URL)
		w.pass(time.Minute)
		w.sendTest(good)
		w.pass(2 * time.Minute)
		if got := late(w); got != 2*time.Minute {
			t.Errorf("late by %s, which is not how long the healthy one waits", got)
		}
	})

	t.Run("OfAnEndpointWithAllItsPlacesTakenToo", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		e, _ := w.endpoint("https://127.0.0.1:1/")
		for range perEndpoint + 1 {
			w.sendTest(e)
		}
		w.pass(2 * time.Minute)
		if got := late(w); got != 2*time.Minute {
			t.Errorf("late by %s while nothing is under way", got)
		}
		w.service.occupy(e.ID, perEndpoint)
		defer w.service.occupy(e.ID, -perEndpoint)
		if got := late(w); got != 0 {
			t.Errorf("late by %s while the endpoint has all that it may have", got)
		}
	})
}
