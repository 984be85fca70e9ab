package transport

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"
)

func TestDecode(t *testing.T) {
	t.Parallel()

	t.Run("KeepsNumbersAsTheyAreSpelled", func(t *testing.T) {
		t.Parallel()
		params, refused := decode([]byte(`{"query": "q", "variables": {"n": 1.50, "big": 12345678901234567890}}`))
		if refused != nil || params.Variables["n"] != json.Number("1.50") || params.Variables["big"] != json.Number("12345678901234567890") {
			t.Fatalf("got %+v, %+v", params, refused)
		}
	})
	t.Run("TakesTheLastOfTwo", func(t *testing.T) {
		t.Parallel()
		params, refused := decode([]byte(`{"query": "a", "query": "b"}`))
		if refused != nil || params.Query != "b" {
			t.Fatalf("got %+v, %+v", params, refused)
		}
	})
	t.Run("KnowsNamesInTheirOneSpelling", func(t *testing.T) {
		t.Parallel()
		if params, refused := decode([]byte(`{"QUERY": "a"}`)); refused == nil {
			t.Fatalf("got %+v", params)
		}
	})
	t.Run("RefusesBottomlessNesting", func(t *testing.T) {
		t.Parallel()
		if _, refused := decode([]byte(`{"query": "q", "variables": {"x": ` + strings.Repeat("[", 60_000))); refused == nil {
			t.Fatal("taken")
		}
	})
	t.Run("ReadsDeepNestingOnce", func(t *testing.T) {
		t.Parallel()
		const deep = 9_000
		params, refused := decode([]byte(`{"query": "q", "variables": {"x": ` + strings.Repeat("[", deep) + strings.Repeat("]", deep) + `}}`))
		if refused != nil || params.Variables["x"] == nil {
			t.Fatalf("refused: %+v", refused)
		}
	})
}

// compareWithLibrary reads what was taken once more.
func compareWithLibrary(t *testing.T, body []byte, got *graphql.RawParams) {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		t.Fatal(err)
	}
	want := &graphql.RawParams{}
	read := func(name string, into any) {
		if object[name] == nil {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(object[name]))
		dec.UseNumber()
		if err := dec.Decode(into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	read("query", &want.Query)
	read("operationName", &want.OperationName)
	read("variables", &want.Variables)
	read("extensions", &want.Extensions)
	if want.Variables == nil {
		want.Variables = map[string]any{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s is read differently (-library +this):\n%s", body, diff)
	}
}

// Whatever is taken means the same to every reader of the JSON: no character was replaced.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"query": "{ serverTime }"}`, `{"query": "\uD83D\uDE00", "variables": {"a": "\\uD800"}}`, `{"query": "\ud800"}`,
		`{"query":"","variables":{"x":[1e5,null,{}]},"operationName":"a"}`,
		" { \"a\\u0062\" : [ ] , \"query\":\"\\\"\\\\\" , \"variables\" :{ \"q\": [ 1 , {\"\\\\\":true,\"b\":false}, [ [ ] ] ] , \"q\":\"\" } , \"extensions\" : null } ", `[{}]`, "{\"query\": \"\xff\"}", `{"query": "\uFFFD"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		params, refused := decode(body)
		if refused != nil {
			if len(body) > 8 && strings.Contains(refused.message, string(body)) {
				t.Fatal("repeats the body")
			}
			return
		}
		compareWithLibrary(t, body, params)
		given := bytes.Count(body, []byte("\uFFFD")) + strings.Count(strings.ToLower(string(body)), `\ufffd`)
		variables, err := json.Marshal(params.Variables)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(params.Query) || strings.Count(params.Query+string(variables), "\uFFFD") > given {
			t.Fatalf("a character was replaced: %q %s", params.Query, variables)
		}
	})
}
