package graph

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"greenroom/graph/generated"
	"greenroom/graph/guard"
	"greenroom/models"
)

const (
	// maxDocument is the most bytes of a document, maxTokens of its tokens.
	maxDocument = 16 << 10
	maxTokens   = 1000
	// maxCost is how many fields an answer may have, as the lists' sizes say: a page of 100
	// sessions with everything that belongs to each is about 12,000.
	maxCost = 20_000
	// eventsWithoutLast stands for a whole timeline, which has no size of its own.
	eventsWithoutLast = 30
)

// limits refuses operations that would cost too much, before they run.
type limits struct {
	schema graphql.ExecutableSchema
	// known are documents that have passed and are valid.
	known graphql.Cache[*ast.QueryDocument]
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
} = limits{}

func (limits) ExtensionName() string { return "Limits" }

func (limits) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters looks at the document before it is validated.
func (l limits) MutateOperationParameters(ctx context.Context, params *graphql.RawParams) *gqlerror.Error {
	if len(params.Query) > maxDocument {
		return refuse(expenseError(fmt.Sprintf("the document is larger than %d bytes", maxDocument)))
	}
	if _, ok := l.known.Get(ctx, params.Query); ok {
		return nil
	}
	if escapesHalfCharacter(params.Query) {
		return refuse(models.Invalid("the document escapes half a surrogate pair, which is no character"))
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: params.Query}, maxTokens)
	if err != nil {
		if strings.HasSuffix(err.Error(), fmt.Sprintf("exceeded token limit of %d", maxTokens)) {
			return refuse(expenseError(fmt.Sprintf("the document has more than %d tokens", maxTokens)))
		}
		return nil // parsed again, and reported, by the executor
	}
	if err := guard.Default.Check(doc); err != nil {
		return refuse(expenseError(err.Error()))
	}
	return nil
}

// MutateOperationContext looks at the valid operation and its variables.
func (l limits) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	cost := complexity.Calculate(ctx, l.schema, op.Operation, op.Variables)
	if cost > maxCost {
		return refuse(expenseError(fmt.Sprintf("the answer may have more than %d fields: ask for smaller pages", maxCost)))
	}
	return nil
}

func refuse(err error) *gqlerror.Error { return &gqlerror.Error{Err: err, Message: err.Error()} }

// costs multiplies what stands in a list by the list's size. Other fields cost 1.
func costs() generated.ComplexityRoot {
	var c generated.ComplexityRoot
	c.Query.Sessions = func(child int, first *int, _ *string, last *int, _ *string, _ *models.SessionFilter, _ *generated.SessionOrder) int {
		return times(pageSize(first, last), child)
	}
	c.Avatar.Sessions = c.Query.Sessions
	c.Query.Avatars = func(child int, first *int, _ *string, last *int, _ *string, _ *models.AvatarFilter) int {
		return times(pageSize(first, last), child)
	}
	c.Account.APIKeys = func(child int, first *int, _ *string, last *int, _ *string) int {
		return times(pageSize(first, last), child)
	}
	c.Session.Events = func(child int, last *int) int {
		if last == nil {
			return times(eventsWithoutLast, child)
		}
		return times(pageSize(nil, last), child)
	}
	c.Concurrency.Holders = func(child int) int { return times(models.MaxPageSize, child) }
	return c
}

// pageSize is how many a list may answer; a size that will be refused counts as little.
func pageSize(first, last *int) int {
	size := models.DefaultPageSize
	if first != nil {
		size = *first
	}
	if last != nil {
		size = *last
	}
	return min(max(size, 1), models.MaxPageSize)
}

// times stays small enough never to overflow.
func times(size, child int) int {
	if child > maxCost {
		return child
	}
	return 1 + size*child
}

// validationRules are GraphQL's own, without hints of names that were not asked for, and with
// numbers kept within what a program can hold.
func validationRules() *rules.Rules {
	all := rules.NewDefaultRules()
	all.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	all.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	all.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	all.AddRule("NumbersInRange", numbersInRange)
	return all
}

// numbersInRange refuses what gqlgen could only panic about: numbers within a JSONObject that
// is written out in the document, beyond 64 bits or a double.
func numbersInRange(observers *core.Events, addError core.AddErrFunc) {
	observers.OnValue(func(_ *core.Walker, value *ast.Value) {
		var err error
		switch value.Kind {
		case ast.IntValue:
			_, err = strconv.ParseInt(value.Raw, 10, 64)
		case ast.FloatValue:
			_, err = strconv.ParseFloat(value.Raw, 64)
		}
		if err != nil {
			addError(core.Message("a number is out of range"), core.At(value.Position))
		}
	})
}
