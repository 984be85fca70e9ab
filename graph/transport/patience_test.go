package transport

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestMutationOutlastsTheServersTime waits, as several fields of one mutation may, for longer than the
// server has for writing an answer.
func TestMutationOutlastsTheServersTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/graphql", strings.NewReader(`{"query":"mutation { wait }"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Api-Key", goodKey)
		answered := make(chan error, 1)
		go func() {
			reply, err := w.client.Do(r)
			if err == nil {
				err = reply.Body.Close()
			}
			answered <- err
		}()
		time.Sleep(w.server.WriteTimeout + 20*time.Second) //nolint:forbidigo // the bubble's time
		w.release <- struct{}{}
		if err := <-answered; err != nil {
			t.Error(err)
		}
	})
}
