package graph_test

import (
	"database/sql"
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
	pool, err := sql.Open("sqlite3", "file:"+strings.TrimPrefix(w.database, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	for _, table := range []string{"avatars", "session_events"} {
		if _, err := pool.ExecContext(t.Context(), "ALTER TABLE "+table+" RENAME TO gone_"+table); err != nil {
			t.Fatal(err)
		}
	}
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
