package graph_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The files are what tools send: GraphiQL 5, Apollo's with every option that graphql-js 16 has a
// schema for, and graphql-inspector as its loader prints it.
func TestIntrospection(t *testing.T) {
	t.Parallel()
	w := setup(t)
	files, err := filepath.Glob("testdata/introspection-*.graphql")
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := w.ask(w.mine, string(document), nil)
		if len(got.Errors) > 0 || len(list(at(got.Data, "__schema", "types"))) < 20 {
			t.Errorf("%s answered %.300s", file, got.body)
		}
		got = w.ask(nil, string(document), nil)
		if got.code() != "UNAUTHENTICATED" || strings.Contains(got.body, "fields") {
			t.Errorf("%s without a credential answered %.300s", file, got.body)
		}
	}
	for _, document := range []string{
		`{ __schema { types { name } } }`, `{ x: __schema { types { name } } }`, `{ __type(name: "Session") { name } }`,
		`{ ...__schema } fragment __schema on Query { __schema { types { name } } }`,
		`{ serverTime ... on Query { ... { y: __type(name: "Session") { name } } } }`,
		`{ __typename: __schema { types { name } } }`,
	} {
		if got := w.ask(w.mine, document, nil); got.code() != "" || !strings.Contains(got.body, "Session") {
			t.Errorf("%s answered %.300s", document, got.body)
		}
		if got := w.ask(nil, document, nil); got.code() != "UNAUTHENTICATED" || strings.Contains(got.body, `"Session"`) {
			t.Errorf("%s without a credential answered %.300s", document, got.body)
		}
	}
}
