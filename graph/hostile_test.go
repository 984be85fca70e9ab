package graph_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"greenroom/auth"
	"greenroom/graph"
	"greenroom/models"
)

// A family is one way to make a small document cost much, at growing sizes.
type family struct {
	document func(n int) string
	sizes    []hostile
}

// hostile is a size, and what the refusal says.
type hostile struct {
	n    int
	says string
}

const (
	tooManyBytes  = "the document is larger than 16384 bytes"
	tooManyTokens = "more than 1000 tokens"
	bodyTooLarge  = "the body is larger than 131072 bytes"
	repeated      = "more than 4 fields of the same name in one selection"
	cyclic        = "a fragment may not use itself"
	unused        = "is never used"
	met           = "more than 25 fields of the same name in one place of the answer"
)

var families = map[string]family{
	"FragmentFanOut": {fanOut, []hostile{
		{9, "more than 500 fields"}, {30, "more than 500 fields"}, {80, "more than 500 fields"}, {120, tooManyTokens}, {1000, tooManyBytes}, {10_000, bodyTooLarge},
	}},
	"FragmentFanOutUnused": {func(n int) string { return strings.Replace(fanOut(n), "{ ...f0 }", "{ serverTime }", 1) }, []hostile{
		{9, "more than 500 fields"}, {30, "more than 500 fields"}, {80, "more than 500 fields"}, {1000, tooManyBytes},
	}},
	"RepeatsDirect": {func(n int) string { return "{" + repeat(n, "viewer { kind } ") + "}" }, []hostile{
		{5, repeated}, {50, repeated}, {240, repeated}, {1000, tooManyTokens}, {2000, tooManyBytes}, {100_000, bodyTooLarge},
	}},
	"RepeatsNested": {func(n int) string { return "{" + repeat(4, "viewer { "+repeat(n, "kind ")+" } ") + "}" }, []hostile{
		{2, repeated}, {20, repeated}, {200, repeated},
	}},
	"RepeatsInInlineSiblings": {func(n int) string { return "{" + repeat(n, "... on Query { viewer { kind } } ") + "}" }, []hostile{
		{5, repeated}, {50, repeated}, {110, repeated}, {1000, tooManyBytes},
	}},
	"RepeatsInNestedInline": {func(n int) string {
		return "{" + repeat(n, "viewer { kind } ... { ") + "serverTime" + repeat(n, " }") + "}"
	}, []hostile{
		{5, repeated}, {100, repeated}, {160, tooManyTokens},
	}},
	"RepeatsViaFragments": {func(n int) string { return "{ viewer { " + spreads(n) + " } }" + fragments(n) }, []hostile{
		{26, met}, {50, met}, {99, met}, {1000, tooManyBytes},
	}},
	"RepeatsOfOneFragment": {func(n int) string { return "{" + repeat(n, "...f ") + "} fragment f on Query { viewer { kind } }" }, []hostile{
		{26, met}, {150, met}, {250, met}, {480, "more than 500 fields"}, {2000, tooManyTokens},
	}},
	"RepeatsThatMeetDeepDown": {func(n int) string {
		return "{ ...f " + repeat(n, "...f ") + "} fragment f on Query { ...g ...g ...g ...g } fragment g on Query { viewer { kind kind kind kind } }"
	}, []hostile{{2, met}, {10, met}, {300, "more than 500 fields"}}},
	"DepthByFields": {func(n int) string { return "{" + repeat(n, "viewer {") + "kind" + repeat(n, "}") + "}" }, []hostile{
		{12, "more than 12 levels of fields"}, {100, "more than 12 levels of fields"}, {330, "more than 12 levels of fields"}, {1000, tooManyTokens}, {5000, tooManyBytes},
	}},
	"DepthByFragments": {func(n int) string { return links(n, "viewer { ...f%d }") + last(n) }, []hostile{
		{12, "more than 12 levels of fields"}, {80, "more than 12 levels of fields"}, {1000, tooManyBytes},
	}},
	"DepthByInline": {func(n int) string { return "{" + repeat(n, "... {") + "serverTime" + repeat(n, "}") + "}" }, []hostile{
		{5, "more than 4 inline fragments in each other"}, {100, "more than 4 inline fragments in each other"}, {330, "more than 4 inline fragments in each other"}, {1000, tooManyTokens},
	}},
	"DepthByChain": {func(n int) string { return links(n, "...f%d") + last(n) }, []hostile{
		{24, "more than 24 levels of fragments"}, {100, "more than 24 levels of fragments"}, {1000, tooManyBytes},
	}},
	"Introspection": {func(n int) string {
		return "{ __schema { types {" + repeat(n, "ofType {") + "name" + repeat(n, "}") + "} } }"
	}, []hostile{{24, "more than 25 levels of introspection"}, {320, "more than 25 levels of introspection"}}},
	"FragmentNamedSchema": {func(n int) string {
		return "{ ...__schema } fragment __schema on Query {" + repeat(n, "viewer {") + "kind" + repeat(n, "}") + "}"
	}, []hostile{{12, "more than 12 levels of fields"}, {300, "more than 12 levels of fields"}}},
	"Aliases": {func(n int) string { return "{" + repeat(n, "a%d: serverTime ") + "}" }, []hostile{
		{31, "more than 30 aliases"}, {100, "more than 30 aliases"}, {330, "more than 30 aliases"}, {500, tooManyTokens},
	}},
	"AliasesInFragments": {func(n int) string {
		return "{" + repeat(n, "...f ") + "} fragment f on Query { a: serverTime b: serverTime }"
	}, []hostile{
		{16, "more than 30 aliases"}, {200, "more than 30 aliases"},
	}},
	"Directives": {func(n int) string { return "{ serverTime " + repeat(n, "@aa ") + "}" }, []hostile{
		{21, "more than 20 directives"}, {400, "more than 20 directives"}, {4000, tooManyTokens}, {7000, tooManyBytes},
	}},
	"DirectivesWithArguments": {func(n int) string { return "{ serverTime " + repeat(n, "@include(if: true) ") + "}" }, []hostile{
		{21, "more than 20 directives"}, {140, "more than 20 directives"},
	}},
	"NestedObjects": {func(n int) string {
		return "{ sessions(filter: {metadata: " + repeat(n, "{a: ") + "1" + repeat(n, "}") + "}) { totalCount } }"
	}, []hostile{{12, "more than 12 levels of lists and objects"}, {240, "more than 12 levels of lists and objects"}, {2000, tooManyTokens}}},
	"NestedLists": {func(n int) string {
		return "{ sessions(filter: {metadata: {a: " + repeat(n, "[") + repeat(n, "]") + "}}) { totalCount } }"
	}, []hostile{{11, "more than 12 levels of lists and objects"}, {480, "more than 12 levels of lists and objects"}, {8000, tooManyTokens}}},
	"LongLists": {func(n int) string {
		return "{ sessions(filter: {metadata: {a: [" + repeat(n, "1 ") + "]}}) { totalCount } }"
	}, []hostile{{1000, tooManyTokens}, {8000, tooManyTokens}}},
	"Cycle": {func(n int) string { return links(n, "...f%d") + fmt.Sprintf("fragment f%d on Query { ...f0 }", n) }, []hostile{
		{0, cyclic}, {10, cyclic}, {100, cyclic}, {1000, tooManyBytes},
	}},
	"Cycles": {func(n int) string { return links(n, "...f0 viewer { ...f%d }") + last(n) }, []hostile{
		{1, cyclic}, {10, cyclic}, {60, cyclic}, {1000, tooManyBytes},
	}},
	"Comment": {func(n int) string { return "{ serverTime } #" + repeat(n, "x") }, []hostile{
		{16 << 10, tooManyBytes}, {100_000, tooManyBytes}, {5_000_000, bodyTooLarge},
	}},
	"Comments": {func(n int) string { return "{ serverTime }" + repeat(n, "#\n") }, []hostile{
		{1000, tooManyTokens}, {8000, tooManyTokens}, {10_000, tooManyBytes}, {2_500_000, bodyTooLarge},
	}},
	"UnusedFragments": {func(n int) string {
		return "{ serverTime }" + repeat(n, " fragment u%d on Query { viewer { kind ...v } }") + " fragment v on Viewer { account { id name plan { key name } } session { id } }"
	}, []hostile{{60, "more than 500 fields"}, {70, "more than 500 fields"}, {1000, tooManyBytes}}},
	"Operations": {func(n int) string { return repeat(n, "query q%d { serverTime } ") }, []hostile{
		{9, "more than 8 operations"}, {190, "more than 8 operations"}, {500, tooManyTokens}, {1000, tooManyBytes},
	}},
	"Variables": {func(n int) string { return "query(" + repeat(n, "$v%d: Int ") + ") { serverTime }" }, []hostile{
		{100, unused}, {198, unused}, {500, tooManyTokens}, {2000, tooManyBytes},
	}},
}

// dearest are documents within every limit that are the most work to validate, as far as a random
// search found: fields that meet, each to be compared with each. They are invalid, so that none
// is kept and known the next time.
var dearest = map[string]string{
	"FieldsThatMeet":     "{ nonsense " + spreads(24) + "}" + parts(24, "sessions { nodes { "+scalars+" } }"),
	"FieldsThatDiffer":   "{ " + spreads(23) + "}" + parts(23, "sessions(first: %d) { nodes { id revision status startBy createdAt x(a: 1) y(a: 1) } }"),
	"InInlineFragments":  "{ nonsense ... { ... { ... { ... { " + repeat(4, "sessions { nodes { "+scalars+" } } ") + spreads(20) + "} } } } }" + parts(20, "sessions { nodes { "+scalars+" } }"),
	"InOperations":       repeat(8, "query q%d { viewer { ...f } nonsense } ") + "fragment f on Viewer { ... { ... { ... { " + spreads(20) + "} } } }" + repeat(20, " fragment part%d on Viewer { kind session { id } }"),
	"FieldsThatAreNone":  "{ " + repeat(490, "x%d ") + "}",
	"ValuesThatAreWrong": "{ sessions(filter: {" + repeat(320, "k%d: 1 ") + "}) { totalCount } }",
}

const scalars = "id revision status metadata endUserId createdAt startBy startedAt endedAt expiration maxDuration duration"

// parts are fragments for spreads, each with its number in the text.
func parts(n int, text string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " fragment part%d on Query { %s }", i, strings.ReplaceAll(text, "%d", strconv.Itoa(i)))
	}
	return b.String()
}

// links is a chain of n fragments, each with the next one in its text.
func links(n int, text string) string {
	var b strings.Builder
	b.WriteString("{ ...f0 }")
	for i := range n {
		fmt.Fprintf(&b, " fragment f%d on Query { "+text+" }", i, i+1)
	}
	return b.String()
}

// last ends a chain.
func last(n int) string { return fmt.Sprintf(" fragment f%d on Query { serverTime }", n) }

// code is that of the refusals that say so.
func (h hostile) code() string {
	switch h.says {
	case bodyTooLarge:
		return "INVALID_INPUT"
	case cyclic, unused:
		return "GRAPHQL_VALIDATION_FAILED"
	}
	return "QUERY_TOO_EXPENSIVE"
}

// bare is the handler with nothing behind it: what is refused before it runs needs nothing.
func bare(limits graph.Limits) http.Handler {
	return graph.New(graph.Config{
		Clock: func() models.Time { return epoch }, Log: slog.New(slog.DiscardHandler), Limits: limits,
	})
}

// attack posts a document that is encoded already.
func attack(handler http.Handler, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequestWithContext(as(&auth.Caller{Kind: auth.APIKey, AccountID: "acct_x"}), http.MethodPost, "/graphql", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func encode(tb testing.TB, document string) string {
	tb.Helper()
	body, err := json.Marshal(vars{"query": document})
	if err != nil {
		tb.Fatal(err)
	}
	return string(body)
}

// modest tells that a refusal has ten errors at most, gives no hints and has no data.
func modest(r *httptest.ResponseRecorder) bool {
	body := r.Body.String()
	return strings.Count(body, `"message"`) <= 10 && len(body) < 10_000 && !strings.Contains(body, "Did you mean") && !strings.Contains(body, `"data"`)
}

func TestHostileDocumentsAreRefused(t *testing.T) {
	t.Parallel()
	handler := bare(graph.Limits{})
	for name, family := range families {
		for _, size := range family.sizes {
			var got answer
			recorder := attack(handler, encode(t, family.document(size.n)))
			if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.code() != size.code() || !strings.Contains(got.Errors[0].Message, size.says) || !modest(recorder) {
				t.Errorf("%s of %d answered %d %.300s", name, size.n, recorder.Code, recorder.Body)
			}
		}
	}
}

// What passes the guard is validated, and refused for what it is.
func TestDearestDocumentsAreWithinTheLimits(t *testing.T) {
	t.Parallel()
	handler := bare(graph.Limits{})
	for name, document := range dearest {
		var got answer
		recorder := attack(handler, encode(t, document))
		if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.code() != "GRAPHQL_VALIDATION_FAILED" || !modest(recorder) {
			t.Errorf("%s answered %d %.300s", name, recorder.Code, recorder.Body)
		}
	}
}

// A larger body does not let a larger document in.
func TestLargeDocumentsAreRefusedBySize(t *testing.T) {
	t.Parallel()
	limits := graph.DefaultLimits
	limits.Body = 8 << 20
	handler := bare(limits)
	for _, document := range []string{families["Comment"].document(5_000_000), families["Comments"].document(2_500_000), families["FragmentFanOut"].document(60_000)} {
		if got := attack(handler, encode(t, document)); !strings.Contains(got.Body.String(), tooManyBytes) || !strings.Contains(got.Body.String(), "QUERY_TOO_EXPENSIVE") {
			t.Errorf("answered %d %.300s", got.Code, got.Body)
		}
	}
}

// TestHostileDocumentsTakeLittleMemory runs alone: it counts what the whole process allocates.
func TestHostileDocumentsTakeLittleMemory(t *testing.T) {
	const most = 5 << 20
	handler := bare(graph.Limits{})
	bodies := map[string]string{}
	for name, family := range families {
		for _, size := range family.sizes {
			bodies[fmt.Sprintf("%s of %d", name, size.n)] = encode(t, family.document(size.n))
		}
	}
	for name, document := range dearest {
		bodies[name] = encode(t, document)
	}
	for name, body := range bodies {
		least := uint64(most)
		for range 3 { // something else may have allocated meanwhile
			least = min(least, allocated(func() { attack(handler, body) }))
		}
		if least >= most {
			t.Errorf("%s allocated %d bytes or more", name, least)
		}
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
