package graph_test

import (
	"net/http"
	"strings"
	"testing"

	"greenroom/graph"
)

// A field has failed, and then another turns out not to be planned: the generated executor answers
// everything, and no error is told twice.
func TestErrors_OfPlansThatAreGivenUp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s := w.newSession(w.mine, w.avatar.ID)
	w.rename("avatars", "session_events")
	body := []byte(`{"query":"{ avatar(id: \"` + w.avatar.ID + `\") { name } session(id: \"` + s.ID + `\") { events { id } } }"}`)
	status, got := post(w.handler, w.mine, body)
	wantStatus, want := post(graph.New(w.config.WithoutPlans()), w.mine, body)
	if status != wantStatus || string(got) != string(want) && !sameButForOrder(got, want) {
		t.Errorf("\n got %d %s\nwant %d %s", status, got, wantStatus, want)
	}
	if status != http.StatusOK || strings.Count(string(want), `"path"`) != 2 {
		t.Errorf("the test shows nothing: %s", want)
	}
}
