package graph_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An input that cannot be read stops the operation before anything of it runs: no mutation in
// front of it is done, and the answer has no data.
func TestCoercion(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const (
		canary = "CANARY"
		first  = `done: createAvatar(input: {name: "done", url: "https://x.example"}) { avatar { id } } `
	)
	for name, tc := range map[string]struct {
		document  string
		variables string
		path      []any
		says      string
	}{
		"AnIntBeyond32Bits":            {`mutation($n: Int) {` + first + `createSession(input: {avatarId: "x", maxDuration: $n}) { replayed } }`, `{"n": 3000000000}`, []any{"variable", "n"}, "32 bits"},
		"AFractionForAnInt":            {`mutation($n: Int) {` + first + `createSession(input: {avatarId: "x", maxDuration: $n}) { replayed } }`, `{"n": 1.5}`, []any{"variable", "n"}, "Int"},
		"AnIntWithinAnInput":           {`mutation($in: CreateSessionInput!) {` + first + `createSession(input: $in) { replayed } }`, `{"in": {"avatarId": "x", "maxDuration": 3000000000}}`, []any{"variable", "in", "maxDuration"}, "32 bits"},
		"AFractionWithinAnInput":       {`mutation($in: CreateSessionInput!) {` + first + `createSession(input: $in) { replayed } }`, `{"in": {"avatarId": "x", "maxDuration": 1.5}}`, []any{"variable", "in", "maxDuration"}, "Int"},
		"ANumberForAString":            {`mutation($s: String!) {` + first + `createApiKey(input: {name: $s}) { secret } }`, `{"s": 5}`, []any{"variable", "s"}, "quotation marks"},
		"AStringForAnInt":              {`mutation($in: CreateSessionInput!) {` + first + `createSession(input: $in) { replayed } }`, `{"in": {"avatarId": "x", "maxDuration": "60"}}`, []any{"variable", "in", "maxDuration"}, "Int"},
		"AFractionForAnID":             {`mutation($id: ID!) {` + first + `revokeApiKey(input: {id: $id}) { userErrors { code } } }`, `{"id": 5.5}`, []any{"variable", "id"}, "ID"},
		"AListForAJSONObject":          {`mutation($m: JSONObject!) {` + first + `updateSessionMetadata(input: {id: "x", metadata: $m}) { userErrors { code } } }`, `{"m": ["CANARY"]}`, []any{"variable", "m"}, "JSON object"},
		"ATimeThatIsNone":              {`query($t: DateTime) { serverTime sessions(filter: {createdAfter: $t}) { totalCount } }`, `{"t": "CANARY"}`, []any{"variable", "t"}, "RFC 3339"},
		"ATimeWithinAFilter":           {`query($f: SessionFilter) { serverTime sessions(filter: $f) { totalCount } }`, `{"f": {"createdBefore": "CANARY"}}`, []any{"variable", "f", "createdBefore"}, "RFC 3339"},
		"AnEnumInLowerCase":            {`query($s: [SessionStatus!]) { serverTime sessions(filter: {status: $s}) { totalCount } }`, `{"s": ["CREATED", "ended"]}`, []any{"variable", "s", 1.0}, "SessionStatus"},
		"AnEnumThatIsNoList":           {`query($s: [SessionStatus!]) { serverTime sessions(filter: {status: $s}) { totalCount } }`, `{"s": "ended"}`, []any{"variable", "s", 0.0}, "SessionStatus"},
		"AnEnumWithinAnOrder":          {`query($o: SessionOrder) { serverTime sessions(orderBy: $o) { totalCount } }`, `{"o": {"field": "created_at", "direction": "ASC"}}`, []any{"variable", "o", "field"}, "SessionOrderField"},
		"NullForWhatHasADefault":       {`mutation($in: CreateAvatarInput = {name: "x", url: "https://x.example"}) {` + first + `createAvatar(input: $in) { avatar { id } } }`, `{"in": null}`, []any{"variable", "in"}, "null"},
		"NullWithinAnInput":            {`mutation($n: String = "x") {` + first + `...f } fragment f on Mutation { createApiKey(input: {name: $n}) { secret } }`, `{"n": null}`, []any{"variable", "n"}, "null"},
		"NullInADirective":             {`query($b: Boolean = true) { serverTime ... @include(if: $b) { viewer { kind } } }`, `{"b": null}`, []any{"variable", "b"}, "null"},
		"ALiteralTimeThatIsNone":       {`{ serverTime sessions(filter: {createdAfter: "CANARY"}) { totalCount } }`, `{}`, nil, "RFC 3339"},
		"ALiteralTimeThatIsANumber":    {`{ serverTime sessions(filter: {createdAfter: 20240101}) { totalCount } }`, `{}`, nil, "DateTime"},
		"AListForATime":                {`{ serverTime sessions(filter: {createdAfter: ["2024-01-01T00:00:00Z"]}) { totalCount } }`, `{}`, nil, "DateTime"},
		"ALiteralIntBeyond32Bits":      {`mutation {` + first + `createSession(input: {avatarId: "x", maxDuration: 3000000000}) { replayed } }`, `{}`, nil, "32 bits"},
		"ALiteralFractionForAnInt":     {`mutation {` + first + `createSession(input: {avatarId: "x", maxDuration: 1.0}) { replayed } }`, `{}`, nil, "Int"},
		"TextForAJSONObject":           {`mutation {` + first + `updateSessionMetadata(input: {id: "x", metadata: "CANARY"}) { userErrors { code } } }`, `{}`, nil, "JSON object"},
		"AnObjectForAnInt":             {`{ serverTime sessions(first: {}) { totalCount } }`, `{}`, nil, "Int"},
		"AnObjectForAnEnum":            {`{ serverTime sessions(filter: {status: {}}) { totalCount } }`, `{}`, nil, "SessionStatus"},
		"AnObjectInADirective":         {`{ serverTime @skip(if: {}) }`, `{}`, nil, "Boolean"},
		"ALiteralOfASkippedField":      {`{ serverTime sessions(filter: {createdAfter: "CANARY"}) @skip(if: true) { totalCount } }`, `{}`, nil, "RFC 3339"},
		"ALiteralOfAnotherOperation":   {`query a { serverTime } query b { sessions(filter: {createdAfter: "CANARY"}) { totalCount } }`, `{}`, nil, "RFC 3339"},
		"ALiteralInAFragment":          {`mutation {` + first + `...f } fragment f on Mutation { createSession(input: {avatarId: "x", maxDuration: 3000000000}) { replayed } }`, `{}`, nil, "32 bits"},
		"ADefaultThatCannotBeRead":     {`query($t: DateTime = "CANARY") { serverTime sessions(filter: {createdAfter: $t}) { totalCount } }`, `{"t": null}`, nil, "RFC 3339"},
		"AVariableOfASkippedField":     {`query($t: DateTime) { serverTime sessions(filter: {createdAfter: $t}) @skip(if: true) { totalCount } }`, `{"t": "CANARY"}`, []any{"variable", "t"}, "RFC 3339"},
		"AVariableOfALongList":         {`query($l: [ID!]) { serverTime sessions(filter: {avatarId: $l}) { totalCount } }`, `{"l": ["a", "b", true]}`, []any{"variable", "l", 2.0}, "ID"},
		"AnEmptyLetterForAString":      {`query($s: String) { serverTime sessions(after: $s) { totalCount } }`, `{"s": {}}`, []any{"variable", "s"}, "String"},
		"ANumberBeyondEveryInt":        {`query($n: Int) { serverTime sessions(first: $n) { totalCount } }`, `{"n": 1e300}`, []any{"variable", "n"}, "Int"},
		"AnIntWithoutItsLastBit":       {`query($n: Int) { serverTime sessions(first: $n) { totalCount } }`, `{"n": 2147483648.0}`, []any{"variable", "n"}, "32 bits"},
		"TextForAnInputInAVariable":    {`query($f: SessionFilter) { serverTime sessions(filter: $f) { totalCount } }`, `{"f": "CANARY"}`, []any{"variable", "f"}, "SessionFilter"},
		"AFieldThatTheInputDoesNotHas": {`query($f: SessionFilter) { serverTime sessions(filter: $f) { totalCount } }`, `{"f": {"nonsense": 1}}`, []any{"variable", "f", "nonsense"}, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			query, err := json.Marshal(tc.document)
			if err != nil {
				t.Fatal(err)
			}
			body := fmt.Sprintf(`{"query": %s, "variables": %s}`, query, tc.variables)
			if strings.HasPrefix(tc.document, "query a") {
				body = fmt.Sprintf(`{"query": %s, "operationName": "a"}`, query)
			}
			got := w.send(http.MethodPost, "/graphql", body, "Accept", "application/graphql-response+json")
			if got.status != http.StatusBadRequest || got.code() != "GRAPHQL_VALIDATION_FAILED" || len(got.Errors) != 1 || strings.Contains(got.body, `"data"`) {
				t.Fatalf("answered %d %s", got.status, got.body)
			}
			if diff := cmp.Diff(tc.path, got.Errors[0].Path); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
			if !strings.Contains(got.Errors[0].Message, tc.says) || strings.Contains(got.body, canary) {
				t.Errorf("answered %s", got.body)
			}
		})
	}
	t.Cleanup(func() {
		if done := w.must(w.mine, `{ avatars(filter: {nameContains: "done"}) { totalCount } }`, nil); at(done, "avatars", "totalCount") != 0.0 {
			t.Errorf("the first mutation was done: %v", done)
		}
	})
}

// Clients with one type of number only may spell a whole one as a fraction.
func TestCoercionOfWholeNumbers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for spelled, want := range map[string]float64{"2": 2, "2.0": 2, "2e0": 2, "20.0E-1": 2, "0.2e1": 2, "1": 1, "1.000": 1} {
		for document, variables := range map[string]string{
			`query($n: Int) { avatars(first: $n) { nodes { id } } }`:                                                                       `{"n": %s}`,
			`query($n: Int!) { avatars(first: $n) { nodes { id } } }`:                                                                      `{"n": %s}`,
			`query($n: Int = 1) { ...f } fragment f on Query { avatars(first: $n) { nodes { id } } }`:                                      `{"n": %s}`,
			`query a { avatars(first: 1) { nodes { id } } } query b($n: Int) { avatars(first: $n) { nodes { id } } }`:                      `{"n": %s}`,
			`query b($n: Int, $f: AvatarFilter) { avatars(first: $n, filter: $f) { nodes { id } } }`:                                       `{"n": %s, "f": {}}`,
			`query b($n: Int, $o: SessionOrder) { avatars(first: $n) { nodes { id sessions(first: $n, orderBy: $o) { totalCount } } } }  `: `{"n": %s, "o": null}`,
		} {
			w.newAvatar(w.mine, "Another")
			query, err := json.Marshal(document)
			if err != nil {
				t.Fatal(err)
			}
			name := "null"
			if strings.Contains(document, "query b") {
				name = `"b"`
			}
			for range 2 { // the second time the document is known
				got := w.send(http.MethodPost, "/graphql", fmt.Sprintf(`{"query": %s, "operationName": %s, "variables": %s}`, query, name, fmt.Sprintf(variables, spelled)))
				if n := len(list(at(got.Data, "avatars", "nodes"))); float64(n) != want {
					t.Errorf("%s with %s answered %s", document, spelled, got.body)
				}
			}
		}
	}
	created := w.send(http.MethodPost, "/graphql", fmt.Sprintf(`{"query": %q, "variables": {"in": {"avatarId": %q, "maxDuration": 60.0, "metadata": {"a": 1.50, "b": 2.0, "c": [1e2]}}}}`,
		`mutation($in: CreateSessionInput!) { createSession(input: $in) { session { maxDuration metadata } userErrors { message } } }`, w.avatar.ID))
	if want := `{"session":{"maxDuration":60,"metadata":{"a":1.50,"b":2.0,"c":[1e2]}},"userErrors":[]}`; !strings.Contains(created.body, want) {
		t.Errorf("answered %s, want %s", created.body, want)
	}
}
