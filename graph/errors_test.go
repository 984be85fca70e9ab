package graph_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/daily/emulator"
	"greenroom/graph"
	"greenroom/models"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	w := setup(t)

	t.Run("CarryCodeAndPath", func(t *testing.T) {
		t.Parallel()
		got := w.ask(w.mine, `{ list: sessions(first: 0) { nodes { id } } }`, nil)
		want := `{"errors":[{"message":"first must be 1 to 100","path":["list"],"locations":[{"line":1,"column":3}],` +
			`"extensions":{"code":"INVALID_INPUT","field":["first"]}}],"data":null}`
		if got.body != want || got.status != http.StatusOK {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("AreTenAtMost", func(t *testing.T) {
		t.Parallel()
		var fields strings.Builder
		for i := range 20 {
			fields.WriteString(" a" + string(rune('a'+i)) + ": session(id: 1) { events(last: 0) { id } nonsense" + string(rune('a'+i)) + " }")
		}
		got := w.ask(w.mine, "{"+fields.String()+"}", nil)
		if len(got.Errors) != 10 || got.code() != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("%d errors: %s", len(got.Errors), got.body)
		}
		got = w.ask(nil, "{"+manyAliases(20, "viewer { kind }")+"}", nil)
		if len(got.Errors) > 10 || got.code() != "UNAUTHENTICATED" {
			t.Errorf("%d errors: %s", len(got.Errors), got.body)
		}
	})
	t.Run("OfGraphQLHaveItsCodes", func(t *testing.T) {
		t.Parallel()
		for document, want := range map[string]string{
			`{`:            "GRAPHQL_PARSE_FAILED",
			`{ "`:          "GRAPHQL_PARSE_FAILED",
			`# nothing`:    "GRAPHQL_VALIDATION_FAILED",
			``:             "GRAPHQL_VALIDATION_FAILED",
			`{ nonsense }`: "GRAPHQL_VALIDATION_FAILED",
			`{ viewer }`:   "GRAPHQL_VALIDATION_FAILED",
			`query A { serverTime } query B { serverTime }`: "GRAPHQL_VALIDATION_FAILED",
			`subscription { sessionUpdated }`:               "GRAPHQL_VALIDATION_FAILED",
			`{ a: serverTime @defer }`:                      "GRAPHQL_VALIDATION_FAILED",
			`{ ...f } fragment f on Query { ...f }`:         "GRAPHQL_VALIDATION_FAILED",
		} {
			got := w.ask(w.mine, document, nil)
			if got.code() != want || strings.Contains(got.body, `"data"`) {
				t.Errorf("%q answered %s", document, got.body)
			}
			if strings.Contains(got.body, "Did you mean") {
				t.Errorf("%q is given a hint: %s", document, got.body)
			}
		}
	})
	t.Run("GiveNoHints", func(t *testing.T) {
		t.Parallel()
		for _, document := range []string{
			`{ sesions { nodes { id } } }`, `{ sessions(frist: 1) { nodes { id } } }`, `{ sessions { node { id } } }`,
			`query($f: SesionFilter) { serverTime }`, `{ sessions(filter: {status: [CREATE]}) { nodes { id } } }`,
			`{ sessions(filter: {statu: CREATED}) { nodes { id } } }`, `{ node(id: 1) { ... on Sesion { id } } }`,
		} {
			if got := w.ask(w.mine, document, nil); got.code() != "GRAPHQL_VALIDATION_FAILED" || strings.Contains(got.body, "Did you mean") {
				t.Errorf("%s answered %s", document, got.body)
			}
		}
	})
	t.Run("OfTheRoomProviderSayWhenToTryAgain", func(t *testing.T) {
		t.Parallel()
		w.emulator.SetFaults(emulator.Fault{Method: http.MethodPost, Path: "/rooms", Kind: emulator.FaultError, Status: http.StatusBadRequest})
		defer w.emulator.SetFaults()
		got := w.ask(w.mine, createSession, vars{"input": vars{"avatarId": w.avatar.ID}})
		if got.code() != "UNAVAILABLE" || got.Errors[0].Extensions["retryAfter"] != 5.0 || got.Data != nil {
			t.Errorf("answered %s", got.body)
		}
	})
}

func manyAliases(n int, field string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" x" + string(rune('a'+i)) + ": " + field)
	}
	return b.String()
}

// A secret that was put in the wrong place must not come back, nor reach the log.
func TestErrors_RepeatNoValues(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const secret = "gr_live_CANARYCANARYCANARY"
	for _, document := range []string{
		`{ sessions(first: "` + secret + `") { nodes { id } } }`,
		`{ sessions(filter: "` + secret + `") { nodes { id } } }`,
		`{ sessions(filter: {status: "` + secret + `"}) { nodes { id } } }`,
		`{ sessions(filter: {status: ` + secret + `}) { nodes { id } } }`,
		`{ sessions(filter: {createdAfter: "` + secret + `"}) { nodes { id } } }`,
		`{ sessions(filter: {metadata: "` + secret + `"}) { nodes { id } } }`,
		`{ sessions(after: "` + secret + `") { nodes { id } } }`,
		`{ sessions(filter: {endUserId: {x: "` + secret + `"}}) { nodes { id } } }`,
		`{ "` + secret + `" }`, `"` + secret + `"`, `query "` + secret + `" { serverTime }`,
		`{ serverTime @skip(if: "` + secret + `") }`, `{ serverTime(x: "` + secret + `") }`,
		`"""` + secret, `{ session(id: "` + secret + `) }`, `{ session(id: "\q` + secret + `") { id } }`,
		`{ session(id: "` + secret + `") { id } }`,
		`mutation { createSession(input: {avatarId: "` + secret + `", maxDuration: "` + secret + `"}) { replayed } }`,
		`mutation { createSession(input: {avatarId: "` + secret + `"}) { userErrors { message } } }`,
		`mutation { createAvatar(input: {name: "` + secret + `", url: "https://` + secret + `@x"}) { userErrors { message } } }`,
	} {
		if got := w.ask(w.mine, document, nil); strings.Contains(got.body, "CANARY") {
			t.Errorf("%s answered %s", document, got.body)
		}
	}
	for name, c := range map[string]struct {
		document string
		value    any
	}{
		"Int":      {`query($v: Int) { sessions(first: $v) { nodes { id } } }`, secret},
		"Enum":     {`query($v: [SessionStatus!]) { sessions(filter: {status: $v}) { nodes { id } } }`, secret},
		"Input":    {`query($v: SessionFilter) { sessions(filter: $v) { nodes { id } } }`, secret},
		"DateTime": {`query($v: DateTime) { sessions(filter: {createdAfter: $v}) { nodes { id } } }`, secret},
		"JSON":     {`query($v: JSONObject) { sessions(filter: {metadata: $v}) { nodes { id } } }`, secret},
		"Boolean":  {`query($v: Boolean!) { serverTime @include(if: $v) }`, secret},
		"ID":       {`query($v: ID!) { session(id: $v) { id } }`, []string{secret}},
		"String":   {`query($v: String) { sessions(after: $v) { nodes { id } } }`, vars{"x": secret}},
		"Order":    {`query($v: SessionOrder) { sessions(orderBy: $v) { nodes { id } } }`, vars{"field": secret, "direction": secret}},
	} {
		if got := w.ask(w.mine, c.document, vars{"v": c.value}); strings.Contains(got.body, "CANARY") {
			t.Errorf("%s answered %s", name, got.body)
		}
	}
	for _, body := range []string{
		secret, `{"query": "` + secret, `{"query": {"x": "` + secret + `"}}`, `["` + secret + `"]`, `{"query": "{serverTime}", "variables": "` + secret + `"}`,
		`{"query": "{serverTime}", "operationName": "` + secret + `"}`,
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		if got := w.serve(request); strings.Contains(got.body, "CANARY") {
			t.Errorf("body %s answered %s", body, got.body)
		}
	}
	if strings.Contains(w.log.String(), "CANARY") {
		t.Errorf("logged %s", w.log)
	}
}

// A message says which variable it is about, and where in it: few clients show a path.
func TestErrors_NameTheirVariable(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for want, c := range map[string]struct {
		document  string
		variables vars
	}{
		"variable $id: must be defined":                                                            {`query($id: ID!) { session(id: $id) { id } }`, nil},
		"variable $id: cannot be null":                                                             {`query($id: ID!) { session(id: $id) { id } }`, vars{"id": nil}},
		"variable $n: an Int is a whole number of at most 32 bits":                                 {`query($n: Int) { sessions(first: $n) { nodes { id } } }`, vars{"n": "7"}},
		"variable $f.nope: unknown field":                                                          {`query($f: SessionFilter) { sessions(filter: $f) { nodes { id } } }`, vars{"f": vars{"nope": 1}}},
		"variable $f.status[1]: not a valid SessionStatus":                                         {`query($f: SessionFilter) { sessions(filter: $f) { nodes { id } } }`, vars{"f": vars{"status": []string{"ENDED", "OVER"}}}},
		"variable $f.createdAfter: DateTime must be a string such as \"2006-01-02T15:04:05.000Z\"": {`query($f: SessionFilter) { sessions(filter: $f) { nodes { id } } }`, vars{"f": vars{"createdAfter": 5}}},
	} {
		got := w.ask(w.mine, c.document, c.variables)
		if len(got.Errors) != 1 || got.Errors[0].Message != want {
			t.Errorf("want %q, got %s", want, got.body)
		}
	}
}

// What nobody foresaw is told to the log, once, and to the client only by its request's id.
func TestErrors_Internal(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 3 {
		w.newSession(w.mine, w.avatar.ID)
	}
	w.rename("sessions")
	got := w.ask(w.mine, `{ a: sessions { nodes { id } } b: sessions { nodes { id } } }`, nil)
	for _, e := range got.Errors {
		if e.Message != "internal error" {
			t.Errorf("message %q", e.Message)
		}
		if diff := cmp.Diff(vars{"code": "INTERNAL", "requestId": "req-1"}, e.Extensions); diff != "" {
			t.Errorf("extensions (-want +got):\n%s", diff)
		}
	}
	if len(got.Errors) == 0 {
		t.Fatal(got.body)
	}
	var line struct{ Level, Request, Error string }
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1 || line.Level != "ERROR" || line.Request != "req-1" || !strings.Contains(line.Error, "no such table") {
		t.Errorf("logged %s", w.log)
	}
}

func TestErrors_OfARequestThatIsGivenUp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ctx, cancel := context.WithCancel(as(w.mine))
	cancel()
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", strings.NewReader(`{"query": "{ sessions { nodes { id } } }"}`))
	request.Header.Set("Content-Type", "application/json")
	w.serve(request)
	if w.log.String() != "" {
		t.Errorf("logged %s", w.log)
	}
}

// A panic is an internal error like any other, with its place in the log, and of its field alone.
func TestErrors_Panic(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for place, c := range map[string]struct {
		selection string
		broken    graph.Config
	}{
		"query.go": {"id avatar { sessions { totalCount } }", graph.Config{Store: w.store}}, // a field that no plan knows
		"byid.go":  {"id", graph.Config{Sessions: w.sessions}},
	} {
		w.log = &logbook{}
		c.broken.Clock, c.broken.Log = w.clock, slog.New(slog.NewJSONHandler(w.log, nil))
		w.handler = graph.New(c.broken)
		got := w.ask(w.mine, `query($id: ID!) { serverTime session(id: $id) { `+c.selection+` } }`, vars{"id": models.NewID(models.SessionPrefix, epoch)})
		if len(got.Errors) != 1 {
			t.Fatalf("%s: answered %s", place, got.body)
		}
		id, _ := got.Errors[0].Extensions["requestId"].(string)
		if got.code() != "INTERNAL" || got.Errors[0].Message != "internal error" || at(got.Data, "serverTime") != epoch.String() ||
			!slices.Equal(got.Errors[0].Path, []any{"session"}) {
			t.Fatalf("%s: answered %s", place, got.body)
		}
		if id == "" || !strings.Contains(w.log.String(), id) || !strings.Contains(w.log.String(), place) {
			t.Errorf("%s: logged %s", place, w.log)
		}
	}
}

// Whatever length a text has, the answer is an answer.
func TestErrors_LongText(t *testing.T) {
	t.Parallel()
	w := setup(t)
	long := strings.Repeat("é%_'\"\\", 12_000)
	for document, want := range map[string]string{
		`query($s: String!) { avatars(filter: {nameContains: $s}) { nodes { id } } }`:                                             "INVALID_INPUT",
		`query($s: String!) { sessions(after: $s) { nodes { id } } }`:                                                             "INVALID_INPUT",
		`query($s: String!) { sessions(filter: {endUserId: [$s], metadata: {a: $s}}) { nodes { id } } }`:                          "",
		`query($s: ID!) { sessions(filter: {avatarId: [$s]}) { totalCount } }`:                                                    "",
		`mutation($s: String!) { createAvatar(input: {name: $s, url: "https://x.example"}) { userErrors { field } } }`:            "",
		`mutation($s: String!) { createAvatar(input: {name: "x", url: $s}) { userErrors { field } } }`:                            "",
		`mutation($s: String!) { createApiKey(input: {name: $s}) { userErrors { field } } }`:                                      "",
		`mutation($s: String!) { createSession(input: {avatarId: "x", idempotencyKey: $s}) { userErrors { field } } }`:            "",
		`mutation($s: String!) { createSession(input: {avatarId: "x", metadata: {a: $s}}) { userErrors { field } } }`:             "",
		`mutation($s: ID!) { endSession(input: {id: $s}) { userErrors { field } } }`:                                              "",
		`mutation($s: ID!) { revokeApiKey(input: {id: $s}) { userErrors { field } } }`:                                            "",
		`query($s: String!) { serverTime sessions(filter: {createdAfter: "2020-01-01T00:00:00Z"}, before: $s) { nodes { id } } }`: "INVALID_INPUT",
	} {
		got := w.ask(w.mine, document, vars{"s": long})
		if got.code() != want || len(got.body) > 1000 {
			t.Errorf("%s answered %.300s", document, got.body)
		}
		if strings.HasPrefix(document, "mutation") && !strings.Contains(got.body, `"field":["`) {
			t.Errorf("%s was not refused: %.300s", document, got.body)
		}
	}
	if got := w.ask(w.mine, "{ "+strings.Repeat("x", 10_000)+" }", nil); got.code() != "GRAPHQL_VALIDATION_FAILED" || len(got.body) > 1000 {
		t.Errorf("a long name answered %d bytes", len(got.body))
	}
	if strings.Contains(w.log.String(), "internal error") {
		t.Errorf("logged %s", w.log)
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err                error
		status             int
		body, after, offer string
	}{
		{models.ErrUnauthenticated, 401, `{"errors":[{"message":"` + models.ErrUnauthenticated.Message + `","extensions":{"code":"UNAUTHENTICATED"}}]}`, "", "Bearer"},
		{&models.Error{Kind: models.KindRateLimited, Message: "slower", RetryAfter: 1500 * time.Millisecond}, 429, `{"errors":[{"message":"slower","extensions":{"code":"RATE_LIMITED","retryAfter":2}}]}`, "2", ""},
		{models.Unavailable("later", time.Second), 503, `{"errors":[{"message":"later","extensions":{"code":"UNAVAILABLE","retryAfter":1}}]}`, "1", ""},
		{errors.New("a secret"), 503, `{"errors":[{"message":"credentials cannot be checked right now","extensions":{"code":"UNAVAILABLE"}}]}`, "", ""},
	} {
		recorder := httptest.NewRecorder()
		graph.Refuse(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil), c.err)
		h := recorder.Header()
		if recorder.Code != c.status || recorder.Body.String() != c.body || h.Get("Retry-After") != c.after || h.Get("WWW-Authenticate") != c.offer {
			t.Errorf("%v: %d %s %v", c.err, recorder.Code, recorder.Body, h)
		}
	}
}
