package graph

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// costsKnown are what operations of one document cost. The zero value knows none.
type costsKnown struct {
	mu    sync.RWMutex
	known map[*ast.OperationDefinition]costKnown
}

// A costKnown is how many fields an operation may answer when its Int variables are these. Nothing
// else that a client gives has a part in it: see costs.
type costKnown struct {
	numbers []number
	fields  int
}

// A number is a variable's; not every one is given.
type number struct {
	given bool
	value int64
}

// of gives an operation's cost, worked out anew when its numbers are not those of the last time: a
// client asks for the same size of a page again and again.
func (k *costsKnown) of(ctx context.Context, schema graphql.ExecutableSchema, op *graphql.OperationContext) int {
	k.mu.RLock()
	last, known := k.known[op.Operation]
	k.mu.RUnlock()
	var room [8]number
	numbers := numbersOf(op, room[:0])
	if known && slices.Equal(last.numbers, numbers) {
		return last.fields
	}
	fields := complexity.Calculate(ctx, schema, op.Operation, op.Variables)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[*ast.OperationDefinition]costKnown{}
	}
	k.known[op.Operation] = costKnown{slices.Clone(numbers), fields}
	return fields
}

func numbersOf(op *graphql.OperationContext, numbers []number) []number {
	for _, variable := range op.Operation.VariableDefinitions {
		if variable.Type.Name() != "Int" {
			continue
		}
		n := number{}
		switch v := op.Variables[variable.Variable].(type) {
		case int64:
			n = number{true, v}
		case json.Number:
			value, err := v.Int64() // has been checked
			n = number{err == nil, value}
		}
		numbers = append(numbers, n)
	}
	return numbers
}
