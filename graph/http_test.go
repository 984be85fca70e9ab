package graph_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// send posts a raw body, or asks by GET when there is none.
func (w *world) send(method, target, body string, header ...string) *answer {
	w.t.Helper()
	request := httptest.NewRequestWithContext(as(w.mine), method, target, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return w.serve(request)
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const clock = `{"query": "{ serverTime }"}`
	get := "/graphql?query=" + url.QueryEscape("{ serverTime }")
	mutation := "/graphql?query=" + url.QueryEscape(`mutation { createAvatar(input: {name: "by GET", url: "https://x.example"}) { avatar { id } } }`)

	for name, c := range map[string]struct {
		method, target, body string
		header               []string
		status               int
		code                 string
	}{
		"AnswersPost":                   {"POST", "/", clock, nil, 200, ""},
		"AnswersGet":                    {"GET", get, "", nil, 200, ""},
		"AnswersGetWithVariables":       {"GET", "/?query=" + url.QueryEscape(`query($id: ID!) { session(id: $id) { id } }`) + "&variables=" + url.QueryEscape(`{"id":"x"}`), "", nil, 200, ""},
		"IgnoresUnknownMembers":         {"POST", "/", `{"query": "{ serverTime }", "id": 5, "operationName": null, "variables": null, "extensions": null}`, nil, 200, ""},
		"TakesACharset":                 {"POST", "/", clock, []string{"Content-Type", "application/json; charset=UTF-8"}, 200, ""},
		"TakesAnEscapedPair":            {"POST", "/", `{"query": "{ session(id: \"\uD83D\uDE00\") { id } }"}`, nil, 200, ""},
		"TakesAPairEscapedInTheLiteral": {"POST", "/", `{"query": "{ session(id: \"\\uD83D\\uDE00\") { id } }"}`, nil, 200, ""},
		"TakesABackslashBeforeU":        {"POST", "/", `{"query": "query($id: ID!) { session(id: $id) { id } }", "variables": {"id": "\\uD800"}}`, nil, 200, ""},
		"TakesHalfAPairInAComment":      {"POST", "/", `{"query": "{ serverTime } # \"\\uD800\""}`, nil, 200, ""},
		"TakesHalfAPairInABlockString":  {"POST", "/", `{"query": "{ session(id: \"\"\"\\uD800\"\"\") { id } }"}`, nil, 200, ""},

		"RefusesHalfAPair":              {"POST", "/", `{"query": "query($id: ID!) { session(id: $id) { id } }", "variables": {"id": "\uD800"}}`, nil, 400, "INVALID_INPUT"},
		"RefusesTheOtherHalf":           {"POST", "/", `{"query": "query($id: ID!) { session(id: $id) { id } }", "variables": {"id": "a\uDC00"}}`, nil, 400, "INVALID_INPUT"},
		"RefusesTwoFirstHalves":         {"POST", "/", `{"query": "query($id: ID!) { session(id: $id) { id } }", "variables": {"id": "\uD800\uD800"}}`, nil, 400, "INVALID_INPUT"},
		"RefusesHalfAPairInTheLiteral":  {"POST", "/", `{"query": "{ session(id: \"\\uD800\") { id } }"}`, nil, 200, "INVALID_INPUT"},
		"RefusesHalfAPairInAURL":        {"GET", "/?query=" + url.QueryEscape(`query($id: ID!) { session(id: $id) { id } }`) + "&variables=" + url.QueryEscape(`{"id":"\uD800"}`), "", nil, 400, "INVALID_INPUT"},
		"RefusesBrokenUTF8":             {"POST", "/", "{\"query\": \"{ session(id: \\\"\xff\\\") { id } }\"}", nil, 400, "INVALID_INPUT"},
		"RefusesBrokenUTF8InAURL":       {"GET", "/?query=%7BserverTime%7D%23%FF", "", nil, 400, "INVALID_INPUT"},
		"RefusesABatch":                 {"POST", "/", `[` + clock + `]`, nil, 400, "INVALID_INPUT"},
		"RefusesTwoObjects":             {"POST", "/", clock + clock, nil, 400, "INVALID_INPUT"},
		"RefusesNull":                   {"POST", "/", `null`, nil, 400, "INVALID_INPUT"},
		"RefusesNothing":                {"POST", "/", ``, nil, 400, "INVALID_INPUT"},
		"RefusesHalfABody":              {"POST", "/", `{"query": "{`, nil, 400, "INVALID_INPUT"},
		"RefusesNoQuery":                {"POST", "/", `{"qeury": "{ serverTime }"}`, nil, 400, "INVALID_INPUT"},
		"RefusesAQueryThatIsNoText":     {"POST", "/", `{"query": ["{ serverTime }"]}`, nil, 400, "INVALID_INPUT"},
		"RefusesVariablesThatAreText":   {"POST", "/", `{"query": "{ serverTime }", "variables": "{}"}`, nil, 400, "INVALID_INPUT"},
		"RefusesExtensionsThatAreAList": {"POST", "/", `{"query": "{ serverTime }", "extensions": []}`, nil, 400, "INVALID_INPUT"},
		"RefusesANameThatIsANumber":     {"POST", "/", `{"query": "{ serverTime }", "operationName": 0}`, nil, 400, "INVALID_INPUT"},
		"RefusesTwoVariablesInAURL":     {"GET", get + "&variables=" + url.QueryEscape(`{} {}`), "", nil, 400, "INVALID_INPUT"},
		"RefusesAGetWithoutQuery":       {"GET", "/", "", nil, 400, "INVALID_INPUT"},
		"RefusesABadEscapeInAURL":       {"GET", "/?query=%7BserverTime%7D&x=%zz", "", nil, 400, "INVALID_INPUT"},

		"RefusesAMutationByGet":      {"GET", mutation, "", nil, 405, "INVALID_INPUT"},
		"RefusesOtherMethods":        {"PUT", "/", clock, nil, 405, "INVALID_INPUT"},
		"RefusesDelete":              {"DELETE", "/", "", nil, 405, "INVALID_INPUT"},
		"RefusesForms":               {"POST", "/", "query=%7BserverTime%7D", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "INVALID_INPUT"},
		"RefusesPlainText":           {"POST", "/", clock, []string{"Content-Type", "text/plain"}, 415, "INVALID_INPUT"},
		"RefusesNoContentType":       {"POST", "/", clock, []string{"Content-Type", ""}, 415, "INVALID_INPUT"},
		"RefusesMultipart":           {"POST", "/", clock, []string{"Content-Type", "multipart/form-data; boundary=x"}, 415, "INVALID_INPUT"},
		"RefusesOtherCharsets":       {"POST", "/", clock, []string{"Content-Type", "application/json; charset=utf-16"}, 415, "INVALID_INPUT"},
		"RefusesCompression":         {"POST", "/", clock, []string{"Content-Encoding", "gzip"}, 415, "INVALID_INPUT"},
		"RefusesToAnswerHTML":        {"POST", "/", clock, []string{"Accept", "text/html"}, 406, "INVALID_INPUT"},
		"RefusesALargeBody":          {"POST", "/", `{"query": "{ serverTime }", "variables": {"x": "` + strings.Repeat("x", 128<<10) + `"}}`, nil, 413, "INVALID_INPUT"},
		"RefusesALongURL":            {"GET", get + "&x=" + strings.Repeat("x", 128<<10), "", nil, 414, "INVALID_INPUT"},
		"RefusesALongDocument":       {"POST", "/", `{"query": "{ serverTime } #` + strings.Repeat("x", 16<<10) + `"}`, nil, 200, "QUERY_TOO_EXPENSIVE"},
		"TakesTheLargestBody":        {"POST", "/", pad(clock, 128<<10), nil, 200, ""},
		"RefusesOneByteMore":         {"POST", "/", pad(clock, 128<<10+1), nil, 413, "INVALID_INPUT"},
		"AnswersTheNewerTypeWith400": {"POST", "/", `{"query": "{"}`, []string{"Accept", "application/graphql-response+json"}, 400, "GRAPHQL_PARSE_FAILED"},
		"AnswersTheOlderTypeWith200": {"POST", "/", `{"query": "{"}`, []string{"Accept", "application/json"}, 200, "GRAPHQL_PARSE_FAILED"},
		"AnswersBadVariablesWith400": {"POST", "/", `{"query": "query($id: ID!) { session(id: $id) { id } }", "variables": {"id": null}}`, []string{"Accept", "application/graphql-response+json"}, 400, "GRAPHQL_VALIDATION_FAILED"},
		"AnswersWhatRanWith200":      {"POST", "/", `{"query": "{ sessions(first: 0) { nodes { id } } }"}`, []string{"Accept", "application/graphql-response+json"}, 200, "INVALID_INPUT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := w.send(c.method, c.target, c.body, c.header...)
			if got.status != c.status || got.code() != c.code {
				t.Fatalf("answered %d %s", got.status, got.body)
			}
			if (got.code() == "") != strings.HasPrefix(got.body, `{"data":{`) {
				t.Fatalf("answered %s", got.body)
			}
			if c.status >= 400 && strings.Contains(got.body, `"data"`) {
				t.Fatalf("a request that did not run has data: %s", got.body)
			}
			if got.header.Get("Cache-Control") != "no-store" || !strings.HasSuffix(got.header.Get("Content-Type"), "+json; charset=utf-8") &&
				got.header.Get("Content-Type") != "application/json; charset=utf-8" {
				t.Fatalf("headers %v", got.header)
			}
		})
	}

	t.Run("SaysWhatItAllows", func(t *testing.T) {
		t.Parallel()
		for method, want := range map[string]string{"PUT": "GET, POST, OPTIONS", "OPTIONS": "GET, POST, OPTIONS"} {
			if got := w.send(method, "/", "").header.Get("Allow"); got != want {
				t.Errorf("%s: Allow %q", method, got)
			}
		}
		if got := w.send("GET", mutation, "").header.Get("Allow"); got != "POST" {
			t.Errorf("a mutation by GET: Allow %q", got)
		}
		if got := w.send("OPTIONS", "/", ""); got.status != http.StatusNoContent || got.body != "" {
			t.Errorf("OPTIONS answered %d %q", got.status, got.body)
		}
		done := w.must(w.mine, `{ avatars(filter: {nameContains: "by GET"}) { totalCount } }`, nil)
		if at(done, "avatars", "totalCount") != 0.0 {
			t.Errorf("a mutation by GET was done: %v", done)
		}
	})
	t.Run("KeepsCharactersOfEveryPlane", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{`"\uD83D\uDE00 é"`, `"😀 \u00e9"`} {
			got := w.send("POST", "/", `{"query": "mutation($n: String!) { createAvatar(input: {name: $n, url: \"https://x.example\"}) { avatar { name } } }", "variables": {"n": `+name+`}}`)
			if at(got.Data, "createAvatar", "avatar", "name") != "😀 é" {
				t.Errorf("%s answered %s", name, got.body)
			}
		}
		got := w.send("POST", "/", `{"query": "mutation { createAvatar(input: {name: \"\\uD83D\\uDE00\", url: \"https://x.example\"}) { avatar { name } } }"}`)
		if at(got.Data, "createAvatar", "avatar", "name") != "😀" {
			t.Errorf("answered %s", got.body)
		}
	})
}

// pad fills a body up to n bytes with white space.
func pad(body string, n int) string { return body + strings.Repeat(" ", n-len(body)) }
