// Package plan answers queries that are plain reads without asking a resolver for each field. What
// an operation selects is compiled once: to one statement for each list, with the wanted columns
// only, and to a list of what to append to the answer. docs/plan.md explains it.
//
// Everything that a plan does not know is answered by the executor that gqlgen has generated, as a
// whole operation. Both give the same bytes.
package plan

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"greenroom/account"
	"greenroom/auth"
	"greenroom/db"
	"greenroom/models"
	"greenroom/session"
)

// Config is what plans read with.
type Config struct {
	Sessions *session.Service
	Accounts *account.Service
	Store    *db.Store
	Clock    models.Clock
	// Kept gives where the plans of an operation's document are kept; nil when the document is not.
	Kept func(ctx context.Context, op *graphql.OperationContext) *Plans
	// Ran is told of each query, and each message of a subscription, whether a plan has answered it;
	// may be nil.
	Ran func(planned bool)
}

// A Schema is an executable schema that answers with plans what it can.
type Schema struct {
	graphql.ExecutableSchema
	cfg    Config
	shares *shares
}

// Around plans for a schema.
func Around(schema graphql.ExecutableSchema, cfg Config) *Schema {
	if cfg.Ran == nil {
		cfg.Ran = func(bool) {}
	}
	return &Schema{schema, cfg, newShares()}
}

// Exec answers an operation.
func (s *Schema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation != ast.Query {
		return s.ExecutableSchema.Exec(ctx)
	}
	caller := auth.From(ctx)
	p := s.planOf(ctx, op, audienceOf(caller))
	if p == nil {
		s.cfg.Ran(false)
		return s.ExecutableSchema.Exec(ctx)
	}
	answered := false
	var generated graphql.ResponseHandler
	return func(ctx context.Context) *graphql.Response {
		switch {
		case generated != nil:
			return generated(ctx)
		case answered:
			return nil
		}
		answered = true
		response, planned := p.run(&run{
			ctx: ctx, cfg: &s.cfg, op: op, caller: caller, variables: op.Variables, now: s.cfg.Clock.Now(ctx),
		})
		s.cfg.Ran(planned)
		if !planned {
			generated = s.ExecutableSchema.Exec(ctx)
			return generated(ctx)
		}
		return response
	}
}

func (s *Schema) planOf(ctx context.Context, op *graphql.OperationContext, who audience) *plan {
	kept := s.cfg.Kept(ctx, op)
	if kept == nil {
		return nil
	}
	return kept.of(s.Schema(), op, who)
}
