package graph

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	"greenroom/graph/generated"
	"greenroom/graph/scalar"
)

// Every leaf that the schema takes as input is read before an operation runs; a new one is not
// forgotten.
func TestCoercersCoverTheSchema(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	seen := map[string]bool{}
	var look func(*ast.Type)
	look = func(typ *ast.Type) {
		definition := schema.Types[typ.Name()]
		if seen[definition.Name] {
			return
		}
		seen[definition.Name] = true
		if definition.Kind != ast.InputObject && coercers[definition.Name] == nil {
			t.Errorf("%s is read by no coercer", definition.Name)
		}
		for _, field := range definition.Fields {
			if definition.Kind == ast.InputObject {
				look(field.Type)
			}
		}
	}
	for _, definition := range schema.Types {
		for _, field := range definition.Fields {
			for _, argument := range field.Arguments {
				look(argument.Type)
			}
		}
	}
	for _, directive := range schema.Directives {
		for _, argument := range directive.Arguments {
			look(argument.Type)
		}
	}
	for name := range coercers {
		if !seen[name] {
			t.Errorf("%s is no input of the schema", name)
		}
	}
}

// FuzzVariables: what passes can be read by every function that reads it when its field runs, and
// numbers that are nobody's Int stay as they are spelled.
func FuzzVariables(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"n": 1.0, "s": "x", "m": {"a": 1.50}}`, `{"n": 1e400, "ids": 5, "status": ["CREATED", null]}`, `{"filter": {"status": "ENDED", "metadata": []}}`,
		`{"in": {"avatarId": 1, "maxDuration": 6e1, "metadata": {"n": 2.0}}, "order": [{}]}`, `{"ids": [["x"]], "in": [null], "filter": {"createdAfter": {}}}`,
	} {
		f.Add(seed)
	}
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	doc, err := parser.ParseQuery(&ast.Source{Input: `query($n: Int, $s: String, $ids: [ID!], $status: [SessionStatus], $m: JSONObject, $t: DateTime = "2024-05-01T00:00:00Z",
		$filter: SessionFilter, $order: SessionOrder, $in: CreateSessionInput, $none: Nothing, $deep: [[Int]]) { serverTime }`})
	if err != nil {
		f.Fatal(err)
	}
	op := doc.Operations[0]
	for _, variable := range op.VariableDefinitions {
		variable.Definition = schema.Types[variable.Type.Name()]
	}
	unknown := op.VariableDefinitions.ForName("none")
	f.Fuzz(func(t *testing.T, text string) {
		var given map[string]any
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if dec.Decode(&given) != nil {
			return
		}
		metadata, err := json.Marshal(given["m"])
		if err != nil {
			t.Fatal(err)
		}
		spellInts(schema, op, given)
		if after, err := json.Marshal(given["m"]); err != nil || string(after) != string(metadata) {
			t.Fatalf("%s became %s, %v", metadata, after, err)
		}
		valid := *op
		valid.VariableDefinitions = slices.DeleteFunc(slices.Clone(op.VariableDefinitions), func(v *ast.VariableDefinition) bool { return v == unknown })
		values, err := validator.VariableValues(schema, &valid, given)
		if err != nil || coerceVariables(schema, &graphql.OperationContext{Operation: &valid, Variables: values}) != nil {
			return
		}
		if n := values["n"]; n != nil {
			if _, err := scalar.UnmarshalInt(n); err != nil {
				t.Errorf("%v passed for an Int", n)
			}
		}
		for _, status := range graphql.CoerceList(values["status"]) {
			if _, err := scalar.UnmarshalSessionStatus(status); status != nil && err != nil {
				t.Errorf("%v passed for a SessionStatus", status)
			}
		}
	})
}

// BenchmarkFriendly is what the limits add to a dashboard's query: Measure the first time, and
// Coerce each time. Parse is the library's part of the first time, which it does once more before
// it validates; Known is all that is added to a document that was seen before.
func BenchmarkFriendly(b *testing.B) {
	const document = `query Sessions($first: Int, $after: String, $filter: SessionFilter, $order: SessionOrder) {
	sessions(first: $first, after: $after, filter: $filter, orderBy: $order) {
		edges { cursor node { ...Row } }
		pageInfo { hasNextPage endCursor }
		totalCount
	}
	viewer { kind account { id name concurrency { current max } } }
}
fragment Row on Session { id revision status createdAt startedAt endedAt metadata ...Face }
fragment Face on Session { id avatar { id name url } }`
	schema := generated.NewExecutableSchema(generated.Config{Complexity: costs()})
	l := limits{Limits: DefaultLimits, schema: schema, known: newDocuments()}
	variables := map[string]any{
		"first": json.Number("20"), "after": nil,
		"filter": map[string]any{
			"status": []any{"CREATED", "STARTED"}, "createdAfter": "2024-05-01T00:00:00.000Z", "metadata": map[string]any{"plan": "pro"},
		},
		"order": map[string]any{"field": "CREATED_AT", "direction": "ASC"},
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: document})
	if err != nil {
		b.Fatal(err)
	}
	if errs := validator.ValidateWithRules(schema.Schema(), doc, validationRules()); errs != nil {
		b.Fatal(errs)
	}
	op := &graphql.OperationContext{Operation: doc.Operations[0], Doc: doc}
	if op.Variables, err = validator.VariableValues(schema.Schema(), op.Operation, maps.Clone(variables)); err != nil {
		b.Fatal(err)
	}
	known := l
	known.known = newDocuments()
	known.known.Add(context.Background(), document, doc)
	request := func(l limits) *gqlerror.Error {
		params := &graphql.RawParams{Query: document, Variables: variables}
		if err := l.MutateOperationParameters(context.Background(), params); err != nil {
			return err
		}
		return coerceVariables(schema.Schema(), op)
	}
	for _, step := range []struct {
		name string
		do   func() bool
	}{
		{"Parse", func() bool {
			_, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: document}, l.Tokens)
			return err == nil
		}},
		{"Measure", func() bool { return l.Document.Check(doc) == nil }},
		{"Coerce", func() bool {
			spellInts(schema.Schema(), op.Operation, variables)
			return coerceVariables(schema.Schema(), op) == nil
		}},
		{"FirstTime", func() bool { return request(l) == nil }},
		{"Known", func() bool { return request(known) == nil }},
	} {
		b.Run(step.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !step.do() {
					b.Fatal("refused")
				}
			}
		})
	}
}
