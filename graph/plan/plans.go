package plan

import (
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// mostSteps bounds the plans of one document, in fields and such: who sends many documents, or makes
// many plans of one, takes no more memory than for the documents themselves.
const mostSteps = 1000

// Plans are those of one document, and live as long as the document is kept. The zero value has none.
type Plans struct {
	mu    sync.RWMutex
	known map[variant]*plan // nil values are operations that are not planned
	// names are the variables that each operation's @skip and @include ask for.
	names map[*ast.OperationDefinition][]string
	steps int
}

// A variant is what a plan is compiled for.
type variant struct {
	operation *ast.OperationDefinition
	who       audience
	// outcome says which selections are skipped.
	outcome string
}

// of finds a plan, or compiles it. It is nil when there is none.
func (k *Plans) of(schema *ast.Schema, op *graphql.OperationContext, who audience) *plan {
	k.mu.RLock()
	names, seen := k.names[op.Operation]
	k.mu.RUnlock()
	if !seen {
		names = directives(op.Operation.SelectionSet, nil, map[string]bool{})
	}
	skips, ok := outcome(names, op.Variables)
	if !ok {
		return nil
	}
	v := variant{op.Operation, who, skips}
	k.mu.RLock()
	p, known := k.known[v]
	k.mu.RUnlock()
	if known {
		return p
	}
	return k.add(schema, op, v, names)
}

func (k *Plans) add(schema *ast.Schema, op *graphql.OperationContext, v variant, names []string) *plan {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p, known := k.known[v]; known {
		return p
	}
	if k.steps >= mostSteps {
		return nil
	}
	if k.known == nil {
		k.known, k.names = map[variant]*plan{}, map[*ast.OperationDefinition][]string{}
	}
	c := &compiler{schema: schema, op: op, who: v.who}
	p := c.compile()
	k.steps += c.steps + len(v.outcome) // what is not planned is kept, too
	k.known[v], k.names[op.Operation] = p, names
	return p
}
