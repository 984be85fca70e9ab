package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/models"
)

const pageFields = `{ nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }`

// walk reads a whole list page by page and gives its ids in the list's own order.
func walk(w *world, field string, backward bool) []string {
	w.t.Helper()
	var ids []string
	var cursor any
	for range 20 {
		size, from, more, next := "first", "after", "hasNextPage", "endCursor"
		if backward {
			size, from, more, next = "last", "before", "hasPreviousPage", "startCursor"
		}
		got := w.must(w.mine, fmt.Sprintf(`query($c: String) { page: %s(%s: 3, %s: $c) %s }`, field, size, from, pageFields), vars{"c": cursor})
		var part []string
		for i, edge := range list(at(got, "page", "edges")) {
			id := text(at(edge, "node", "id"))
			part = append(part, id)
			if at(edge, "cursor") == nil || at(got, "page", "nodes", i, "id") != id {
				w.t.Fatalf("edge %d is %v", i, edge)
			}
		}
		if backward {
			ids = append(part, ids...)
		} else {
			ids = append(ids, part...)
		}
		cursor = at(got, "page", "pageInfo", next)
		if !is(at(got, "page", "pageInfo", more), true) {
			return ids
		}
	}
	w.t.Fatalf("%s never ends", field)
	return nil
}

func TestPaging(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var newestFirst []string
	for i := range 7 {
		w.now.Store(int64(epoch) + int64(i))
		newestFirst = append([]string{w.newSession(w.mine, w.avatar.ID).ID}, newestFirst...)
	}
	oldestFirst := slices.Clone(newestFirst)
	slices.Reverse(oldestFirst)

	t.Run("GoesForwardAndBackward", func(t *testing.T) {
		t.Parallel()
		for _, backward := range []bool{false, true} {
			if diff := cmp.Diff(newestFirst, walk(w, "sessions", backward)); diff != "" {
				t.Errorf("backward %v (-want +got):\n%s", backward, diff)
			}
		}
	})
	t.Run("TurnsRound", func(t *testing.T) {
		t.Parallel()
		got := w.must(w.mine, `{ sessions(orderBy: {field: CREATED_AT, direction: ASC}) { totalCount nodes { id } } }`, nil)
		var ids []string
		for _, n := range list(at(got, "sessions", "nodes")) {
			ids = append(ids, text(at(n, "id")))
		}
		if diff := cmp.Diff(oldestFirst, ids); diff != "" || at(got, "sessions", "totalCount") != 7.0 {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("GoesThroughNestedLists", func(t *testing.T) {
		t.Parallel()
		got := w.must(w.mine, `query($id: ID!, $after: String) { avatar(id: $id) { sessions(first: 2, after: $after) { totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage } } } }`,
			vars{"id": w.avatar.ID, "after": newestFirst[4]})
		want := vars{
			"totalCount": 7.0,
			"nodes":      []any{vars{"id": newestFirst[5]}, vars{"id": newestFirst[6]}},
			"pageInfo":   vars{"hasNextPage": false, "hasPreviousPage": true},
		}
		if diff := cmp.Diff(want, at(got, "avatar", "sessions")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("TakesNullForNotGiven", func(t *testing.T) {
		t.Parallel()
		got := w.must(w.mine, `query($n: Int, $s: String, $f: SessionFilter, $o: SessionOrder) {
			sessions(first: $n, after: $s, last: $n, before: $s, filter: $f, orderBy: $o) { nodes { id } } }`,
			vars{"n": nil, "s": nil, "f": nil, "o": nil})
		if n := len(list(at(got, "sessions", "nodes"))); n != 7 {
			t.Errorf("%d nodes", n)
		}
	})
	t.Run("OfAnEmptyListHasNoCursors", func(t *testing.T) {
		t.Parallel()
		got := w.must(w.other, `{ sessions `+pageFields+` }`, nil)
		want := vars{
			"nodes": []any{}, "edges": []any{}, "totalCount": 0.0,
			"pageInfo": vars{"hasNextPage": false, "hasPreviousPage": false, "startCursor": nil, "endCursor": nil},
		}
		if diff := cmp.Diff(want, at(got, "sessions")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("Filters", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			filter vars
			want   int
		}{
			"ByStatus":             {vars{"status": []string{"CREATED"}}, 7},
			"ByOneStatusAlone":     {vars{"status": "CREATED"}, 7},
			"ByNoStatus":           {vars{"status": []string{}}, 0},
			"ByNullStatus":         {vars{"status": nil}, 7},
			"ByEndReason":          {vars{"endReason": []string{"EXPIRED"}}, 0},
			"ByAvatar":             {vars{"avatarId": []string{w.avatar.ID}}, 7},
			"ByUnknownAvatar":      {vars{"avatarId": []string{"nobody"}}, 0},
			"ByCreation":           {vars{"createdAfter": (epoch + 2).String(), "createdBefore": (epoch + 5).String()}, 3},
			"ByCreationWithOffset": {vars{"createdBefore": "2100-01-01T00:00:00+02:00"}, 7},
			"ByMetadata":           {vars{"metadata": vars{"tier": "gold"}}, 0},
			"ByNullMetadata":       {vars{"metadata": vars{"tier": nil}}, 7},
		} {
			got := w.must(w.mine, `query($f: SessionFilter) { sessions(filter: $f) { totalCount nodes { id } } }`, vars{"f": c.filter})
			nested := w.must(w.mine, `query($id: ID!, $f: SessionFilter) { avatar(id: $id) { sessions(filter: $f) { totalCount nodes { id } } } }`, vars{"id": w.avatar.ID, "f": c.filter})
			for _, page := range []any{at(got, "sessions"), at(nested, "avatar", "sessions")} {
				if len(list(at(page, "nodes"))) != c.want || at(page, "totalCount") != float64(c.want) {
					t.Errorf("%s: %v, want %d", name, page, c.want)
				}
			}
		}
	})
	t.Run("OfASiblingsAvatarIsEmptyForAnAccessToken", func(t *testing.T) {
		t.Parallel()
		token := tokenOf(&models.Session{AccountID: w.mine.AccountID, ID: newestFirst[0], AvatarID: w.avatar.ID})
		got := w.must(token, `{ sessions { totalCount nodes { id avatar { sessions(last: 5) { totalCount nodes { id } } } } } }`, nil)
		if at(got, "sessions", "totalCount") != 1.0 || at(got, "sessions", "nodes", 0, "id") != newestFirst[0] ||
			at(got, "sessions", "nodes", 0, "avatar", "sessions", "totalCount") != 1.0 {
			t.Errorf("got %v", got)
		}
	})
}

func TestPaging_BadArguments(t *testing.T) {
	t.Parallel()
	w := setup(t)
	id := w.newSession(w.mine, w.avatar.ID).ID
	many := `["` + strings.Repeat(`x", "`, 100) + `x"]`
	for arguments, want := range map[string]string{
		`first: 0`:                                       "INVALID_INPUT",
		`first: -1`:                                      "INVALID_INPUT",
		`first: 101`:                                     "INVALID_INPUT",
		`last: 0`:                                        "INVALID_INPUT",
		`last: 101`:                                      "INVALID_INPUT",
		`first: 1, last: 1`:                              "INVALID_INPUT",
		`after: "nonsense"`:                              "INVALID_INPUT",
		`after: ""`:                                      "INVALID_INPUT",
		`before: "` + w.avatar.ID + `"`:                  "INVALID_INPUT",
		`after: "` + strings.ToLower(id) + `"`:           "INVALID_INPUT",
		`filter: {endUserId: ` + many + `}`:              "INVALID_INPUT",
		`filter: {endUserId: ["a\u0000"]}`:               "INVALID_INPUT",
		`filter: {avatarId: ["a\u0000"]}`:                "INVALID_INPUT",
		`filter: {metadata: {a: "\u0000"}}`:              "INVALID_INPUT",
		`filter: {metadata: {a: [1]}}`:                   "INVALID_INPUT",
		`filter: {metadata: {a:1 b:1 c:1 d:1 e:1 f:1}}`:  "INVALID_INPUT",
		`first: 2147483648`:                              "GRAPHQL_VALIDATION_FAILED",
		`first: 99999999999999999999`:                    "GRAPHQL_VALIDATION_FAILED",
		`first: 1.5`:                                     "GRAPHQL_VALIDATION_FAILED",
		`first: "1"`:                                     "GRAPHQL_VALIDATION_FAILED",
		`filter: {status: [created]}`:                    "GRAPHQL_VALIDATION_FAILED",
		`filter: {createdAfter: "yesterday"}`:            "GRAPHQL_VALIDATION_FAILED",
		`filter: {metadata: [1]}`:                        "GRAPHQL_VALIDATION_FAILED",
		`filter: {metadata: {a: 99999999999999999999}}`:  "GRAPHQL_VALIDATION_FAILED",
		`filter: {metadata: {a: 1e999}}`:                 "GRAPHQL_VALIDATION_FAILED",
		`orderBy: {field: CREATED_AT, direction: "ASC"}`: "GRAPHQL_VALIDATION_FAILED",
	} {
		if got := w.ask(w.mine, `{ sessions(`+arguments+`) { nodes { id } } }`, nil); got.code() != want {
			t.Errorf("%.60s answered %.300s", arguments, got.body)
		}
		if got := w.ask(w.mine, `{ avatars { nodes { sessions(`+arguments+`) { nodes { id } } } } }`, nil); got.code() != want {
			t.Errorf("nested %.60s answered %.300s", arguments, got.body)
		}
	}
	for document, want := range map[string]string{
		`{ sessions { nodes { events(last: 0) { id } } } }`:                    "INVALID_INPUT",
		`{ sessions { nodes { events(last: 101) { id } } } }`:                  "INVALID_INPUT",
		`{ avatars(first: 0) { nodes { id } } }`:                               "INVALID_INPUT",
		`{ avatars(after: "` + id + `") { nodes { id } } }`:                    "INVALID_INPUT",
		`{ avatars(filter: {nameContains: "\u0000"}) { nodes { id } } }`:       "INVALID_INPUT",
		`{ viewer { account { apiKeys(last: 0) { nodes { id } } } } }`:         "INVALID_INPUT",
		`{ viewer { account { apiKeys(before: "key_x") { nodes { id } } } } }`: "INVALID_INPUT",
	} {
		if got := w.ask(w.mine, document, nil); got.code() != want {
			t.Errorf("%s answered %.300s", document, got.body)
		}
	}
	// Variables take the same way, in JSON's own types.
	for i, v := range []any{"10", 1.5, true, []any{1}, 3_000_000_000} {
		if got := w.ask(w.mine, `query($n: Int) { sessions(first: $n) { nodes { id } } }`, vars{"n": v}); got.code() != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("variable %d (%v) answered %s", i, v, got.body)
		}
	}
	for _, f := range []vars{
		{"status": []string{"created"}}, {"endUserId": []any{5}}, {"createdAfter": 5}, {"metadata": "x"}, {"nonsense": 1},
	} {
		if got := w.ask(w.mine, `query($f: SessionFilter) { sessions(filter: $f) { nodes { id } } }`, vars{"f": f}); got.code() != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("filter %v answered %s", f, got.body)
		}
	}
	for _, o := range []vars{{"field": "created_at", "direction": "ASC"}, {"field": "CREATED_AT", "direction": "asc"}} {
		if got := w.ask(w.mine, `query($o: SessionOrder) { sessions(orderBy: $o) { nodes { id } } }`, vars{"o": o}); got.code() != "GRAPHQL_VALIDATION_FAILED" {
			t.Errorf("order %v answered %s", o, got.body)
		}
	}
	if strings.Contains(w.log.String(), "internal error") {
		t.Errorf("logged %s", w.log)
	}
}
