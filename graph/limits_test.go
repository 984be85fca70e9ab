package graph_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/parser"

	"github.com/vektah/gqlparser/v2/ast"

	"greenroom/graph/guard"
)

// introspection is the standard query of tools.
const introspection = `query IntrospectionQuery { __schema {
	queryType { name } mutationType { name } subscriptionType { name }
	types { ...FullType } directives { name description locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL
	fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
	inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
	enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
	ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`

const wholeSession = `id revision status sessionType metadata endUserId createdAt startBy startedAt endedAt expiration maxDuration duration endReason avatarState
	avatar { id name url createdAt archivedAt } dailyRoom { url name token tokenExpiresAt exp } events(last: 10) { id type at actor detail }`

func TestLimits(t *testing.T) {
	t.Parallel()
	w := setup(t)

	t.Run("LetPass", func(t *testing.T) {
		t.Parallel()
		for name, document := range map[string]string{
			"TheStandardIntrospection": introspection,
			"AHundredWholeSessions":    `{ avatar(id: "x") { sessions(first: 100) { edges { cursor node { ` + wholeSession + ` } } pageInfo { hasNextPage endCursor } totalCount } } }`,
			"EndpointsWithDeliveries":  `{ viewer { account { webhookEndpoints { nodes { id url eventTypes deliveries { nodes { id eventId state nextAttemptAt attempts { at httpStatus latency error } } } } } } } }`,
			"AllHolders":               `{ viewer { account { concurrency { holders { ` + wholeSession + ` } } } } }`,
			"NestingUpAndDown":         `{ sessions(first: 5) { nodes { avatar { sessions(first: 5) { nodes { avatar { sessions(first: 5) { nodes { id } } } } } } } } }`,
			"FragmentsOfManyParts":     "{ viewer { " + spreads(20) + " } }" + fragments(20),
			"NodesOfEveryType":         `{ node(id: "x") { id ... on Session { status } ... on SessionEvent { type } ... on Avatar { name createdAt } ... on Account { name } ... on ApiKey { name createdAt } } }`,
			"ComponentsInComponents": `{ viewer { ...Header account { id ...Places ...Plan } } sessions(first: 5) { nodes { ...Row } } }
				fragment Header on Viewer { kind account { id name } } fragment Places on Account { id concurrency { current max holders { ...Row } } }
				fragment Plan on Account { id plan { key name } } fragment Row on Session { id status ...Face ...Room }
				fragment Face on Session { id avatar { id name url } } fragment Room on Session { id dailyRoom { name } avatar { id } }`,
		} {
			if got := w.ask(w.mine, document, nil); got.code() != "" {
				t.Errorf("%s answered %.300s", name, got.body)
			}
		}
	})
	t.Run("Stop", func(t *testing.T) {
		t.Parallel()
		for name, document := range map[string]string{
			"PagesOfPages":         `{ avatars(first: 100) { nodes { sessions(first: 100) { nodes { id status } } } } }`,
			"DefaultPagesOfPages":  `{ sessions { nodes { avatar { sessions { nodes { avatar { sessions { nodes { id status revision } } } } } } } } }`,
			"ManyAliases":          "{" + repeat(31, "a%d: __typename ") + "}",
			"AliasesInFragments":   "{ ...f ...f ...f ...f } fragment f on Query {" + repeat(8, "a%d: __typename ") + "}",
			"ManyRepeats":          "{" + repeat(200, "viewer { kind } ") + "}",
			"ManyReports":          "{ viewer { account {" + repeat(20, `a%d: usageReport(from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z") { seconds } `) + "} } }",
			"ManyFields":           "{" + repeat(20, "viewer { "+repeat(24, "account { id } ")+" }") + "}",
			"FragmentFanOut":       fanOut(60),
			"DeepFields":           "{ sessions(first: 1) { nodes { avatar { " + strings.Repeat("sessions(first: 1) { nodes { avatar { ", 4) + "id" + strings.Repeat(" } } }", 4) + " } } } }",
			"DeepFieldsInFragment": "{ ...f } fragment f on Query { sessions(first: 1) { nodes { avatar { " + strings.Repeat("sessions(first: 1) { nodes { avatar { ", 4) + "id" + strings.Repeat(" } } }", 4) + " } } } }",
			"DeepIntrospection":    "{ __schema { types { " + strings.Repeat("ofType { ", 30) + "name" + strings.Repeat(" }", 30) + " } } }",
			"ManyDirectives":       "{ serverTime " + strings.Repeat("@include(if: true) ", 21) + "}",
			"UnknownDirectives":    "{ serverTime " + strings.Repeat("@aa ", 900) + "}",
			"DeepValues":           `{ sessions(filter: {metadata: ` + strings.Repeat("{a: ", 100) + "1" + strings.Repeat("}", 100) + `}) { nodes { id } } }`,
			"ManyOperations":       repeat(9, "query q%d { serverTime } "),
			"ManyTokens":           "{ sessions(filter: {endUserId: [" + strings.Repeat(`"" `, 1000) + "]}) { nodes { id } } }",
		} {
			got := w.ask(w.mine, document, nil)
			if got.code() != "QUERY_TOO_EXPENSIVE" || len(got.Errors) != 1 {
				t.Errorf("%s answered %.300s", name, got.body)
			}
		}
	})
	t.Run("CountTheListsOfASubscription", func(t *testing.T) {
		t.Parallel()
		const document = `subscription { sessionChanges { changed { avatar { sessions(first: 100) { nodes { id revision status startBy } } } } } }`
		if got := w.ask(w.mine, document, nil); got.code() != "QUERY_TOO_EXPENSIVE" {
			t.Errorf("answered %.300s", got.body)
		}
		const both = `subscription { sessionChanges { reset changed { ` + wholeSession + ` } entered { cursor node { ` + wholeSession + ` } } leftIds } }`
		if got := w.ask(w.mine, both, nil); got.status != http.StatusNotAcceptable { // it needs another transport
			t.Errorf("answered %.300s", got.body)
		}
	})
	t.Run("ReadSizesFromVariables", func(t *testing.T) {
		t.Parallel()
		const document = `query($n: Int) { avatars(first: $n) { nodes { sessions(first: $n) { nodes { id status } } } } }`
		if got := w.ask(w.mine, document, vars{"n": 100}); got.code() != "QUERY_TOO_EXPENSIVE" {
			t.Errorf("answered %.300s", got.body)
		}
		if got := w.ask(w.mine, document, vars{"n": 10}); got.code() != "" {
			t.Errorf("answered %.300s", got.body)
		}
	})
}

// The guard's own work must not grow faster than the document: of a fan-out that stands for
// 2^60 fields every fragment is measured once.
func TestGuard_CountsAFanOutWithoutWalkingIt(t *testing.T) {
	t.Parallel()
	doc, err := parser.ParseQuery(&ast.Source{Input: fanOut(60)})
	if err != nil {
		t.Fatal(err)
	}
	if err := guard.Default.Check(doc); err == nil {
		t.Error("passed")
	}
}

// fanOut is a chain of n fragments, each of which uses the next one twice.
func fanOut(n int) string {
	var b strings.Builder
	b.WriteString("{ ...f0 }")
	for i := range n {
		fmt.Fprintf(&b, " fragment f%d on Query { ...f%d ...f%d }", i, i+1, i+1)
	}
	fmt.Fprintf(&b, " fragment f%d on Query { serverTime }", n)
	return b.String()
}

func repeat(n int, text string) string {
	var b strings.Builder
	for i := range n {
		if strings.Contains(text, "%d") {
			fmt.Fprintf(&b, text, i)
		} else {
			b.WriteString(text)
		}
	}
	return b.String()
}

func spreads(n int) string { return repeat(n, "...part%d ") }

func fragments(n int) string { return repeat(n, " fragment part%d on Viewer { kind __typename }") }
