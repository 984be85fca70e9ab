package graph_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"greenroom/auth"
	"greenroom/db/dbtest"
	"greenroom/graph"
)

var (
	oracleDocuments = flag.Int("oracle.documents", 0, "how many documents TestOracle compares, each for several callers; 0 is what takes some seconds")
	oracleSeed      = flag.Uint64("oracle.seed", 1, "what TestOracle begins with; 0 is another one each time")
)

// An oracle asks the same twice: plans, and the generated executor, which is right.
type oracle struct {
	*planted
	plans, generated http.Handler
	planned          atomic.Int64
	seen             tally
}

// A tally is what answers held: an oracle that has compared nothing is no oracle.
type tally struct{ asked, planned, null, errors, tokens, due, rows, events int64 }

// TestOracle compares plans with the generated executor: byte for byte, errors included, over
// documents, callers and data of many kinds.
func TestOracle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		database  func(t *testing.T) string
		documents int
		// in runs the comparison: loaders wait for a millisecond, which takes no time in a bubble, but
		// PostgreSQL's driver has timers of its own.
		in func(*testing.T, func(*testing.T))
	}{
		"OnSQLite":   {func(*testing.T) string { return "" }, 4_000, synctest.Test},
		"OnPostgres": {func(t *testing.T) string { return dbtest.Postgres(t) }, 250, func(t *testing.T, f func(*testing.T)) { f(t) }}, //nolint:thelper // it makes the fixture
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := c.documents
			if raceEnabled {
				n = max(n/10, 250) // fewer see too little of everything
			}
			if *oracleDocuments > 0 {
				n = *oracleDocuments
			}
			seed := *oracleSeed
			if seed == 0 {
				seed = rand.Uint64()
			}
			t.Logf("-oracle.seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 0))
			w := setupOn(t, c.database(t))
			o := &oracle{planted: plant(w, r)}
			o.plans = graph.New(w.config.Telling(func(planned bool) {
				if planned {
					o.planned.Add(1)
				}
			}))
			o.generated = graph.New(w.config.WithoutPlans())
			c.in(t, func(t *testing.T) {
				t.Helper()
				for range n {
					if o.compare(t, r); t.Failed() {
						return
					}
				}
			})
			o.vacuous(t, callersEach*int64(n))
		})
	}
}

// callersEach is how many callers ask for each document.
const callersEach = 4

// compare has several callers ask for a document: "mine", who sees most, and others. What is skipped
// changes from one to the next, so that a document has several plans.
func (o *oracle) compare(t *testing.T, r *rand.Rand) {
	t.Helper()
	text, operation, variables := newDocument(r, o.planted)
	who := slices.Sorted(maps.Keys(o.callers))
	for i := range callersEach {
		name := "mine"
		if i > 0 {
			name = pick(r, who)
		}
		request := vars{"query": text, "variables": variables}
		if operation != "" {
			request["operationName"] = operation
		}
		body, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		before := o.planned.Load()
		status, got := post(o.plans, o.callers[name], body)
		planned := o.planned.Load() > before
		wantStatus, want := post(o.generated, o.callers[name], body)
		if status != wantStatus || !bytes.Equal(got, want) && !sameButForOrder(got, want) {
			t.Fatalf("%s asks\n%s\n%s\nplanned: %t\n got %d %s\nwant %d %s", name, text, body, planned, status, got, wantStatus, want)
		}
		o.count(got, planned)
		for _, v := range slices.Sorted(maps.Keys(variables)) {
			if flag, ok := variables[v].(bool); ok && r.IntN(3) == 0 {
				variables[v] = !flag
			}
		}
	}
}

func post(h http.Handler, caller *auth.Caller, body []byte) (int, []byte) {
	request := httptest.NewRequestWithContext(as(caller), http.MethodPost, "/graphql", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder.Code, recorder.Body.Bytes()
}

// sameButForOrder compares answers with several errors, which come in no order: fields are resolved
// side by side. Of more than are shown, they are any.
func sameButForOrder(a, b []byte) bool {
	var one, other struct {
		Errors []json.RawMessage
		Data   json.RawMessage
	}
	if json.Unmarshal(a, &one) != nil || json.Unmarshal(b, &other) != nil || len(one.Errors) < 2 || !bytes.Equal(one.Data, other.Data) {
		return false
	}
	byText := func(x, y json.RawMessage) int { return bytes.Compare(x, y) }
	slices.SortFunc(one.Errors, byText)
	slices.SortFunc(other.Errors, byText)
	same := slices.EqualFunc(one.Errors, other.Errors, func(x, y json.RawMessage) bool { return bytes.Equal(x, y) })
	return same || len(one.Errors) == graph.DefaultLimits.Errors && len(other.Errors) == len(one.Errors)
}

func (o *oracle) count(answer []byte, planned bool) {
	has := func(text string) int64 { return int64(bytes.Count(answer, []byte(text))) }
	o.seen.asked++
	o.seen.errors += has(`"errors":[`)
	if !planned {
		return
	}
	o.seen.planned++
	o.seen.null += has(`":null`)
	o.seen.tokens += has(`"token":"`)
	o.seen.due += has(`"endReason":"NEVER_STARTED"`)
	o.seen.rows += has(`"id":"sess_`)
	o.seen.events += has(`"PARTICIPANT_JOINED"`)
}

// vacuous fails when too little was compared, so that a change of the generator or of the plans does
// not silence the oracle.
func (o *oracle) vacuous(t *testing.T, n int64) {
	t.Helper()
	t.Logf("%+v", o.seen)
	for what, share := range map[string]struct{ seen, least int64 }{
		"answers of plans": {o.seen.planned, n / 2},
		"errors":           {o.seen.errors, n / 20},
		"nulls":            {o.seen.null, n / 2},
		"rows":             {o.seen.rows, n / 20},
		"tokens":           {o.seen.tokens, n / 100},
		"due sessions":     {o.seen.due, n / 2000},
		"events":           {o.seen.events, n / 100},
	} {
		if share.seen < share.least {
			t.Errorf("vacuous: %d %s in %d answers, fewer than %d", share.seen, what, n, share.least)
		}
	}
	if strings.Contains(o.log.String(), "internal error") {
		t.Errorf("logged %.1000s", fmt.Sprint(o.log))
	}
}
