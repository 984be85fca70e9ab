package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"greenroom/graph/plan"
)

// cachedDocuments is how many parsed documents are kept. Each is bounded by the limits, and
// takes some 100 kB at worst; what is known of it about as much again.
const cachedDocuments = 256

// documents are the parsed and valid documents that were asked for last, each with what has been
// found out about it. A document that is forgotten takes all of that along.
type documents struct{ cache *lru.Cache[string, *document] }

// A document is one that is valid, and what does not depend on who asks.
type document struct {
	parsed *ast.QueryDocument
	plans  plan.Plans
	costs  costsKnown
}

var _ graphql.Cache[*ast.QueryDocument] = documents{}

func newDocuments() documents {
	cache, err := lru.New[string, *document](cachedDocuments)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return documents{cache}
}

// Get gives a document by its text.
func (d documents) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	known, ok := d.cache.Get(text)
	if !ok {
		return nil, false
	}
	return known.parsed, true
}

// Add keeps a document. Of one that two requests have parsed at once the later stays; what is known
// of the earlier speaks of operations that nobody will ask for again, and goes with it.
func (d documents) Add(_ context.Context, text string, parsed *ast.QueryDocument) {
	d.cache.Add(text, &document{parsed: parsed})
}

// of gives what is known of the document of an operation; nil when it is not kept any more.
func (d documents) of(op *graphql.OperationContext) *document {
	known, ok := d.cache.Get(op.RawQuery)
	if !ok || known.parsed != op.Doc {
		return nil
	}
	return known
}

// plans are those of the document of an operation.
func (d documents) plans(_ context.Context, op *graphql.OperationContext) *plan.Plans {
	if known := d.of(op); known != nil {
		return &known.plans
	}
	return nil
}
