package graph

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"greenroom/graph/generated"
	"greenroom/graph/guard"
	"greenroom/graph/transport"
	"greenroom/models"
)

// Limits are what one request may ask for, and in Live what one account may hold open. All are
// the same by HTTP and by WebSocket, but for Body: a socket has a limit of its own for a message.
type Limits struct {
	// Body is the most bytes of a request's body, and of a query string: room for a document, the
	// largest metadata and its escapes.
	Body int64
	// Bytes is the most bytes of a document, comments and white space included.
	Bytes int
	// Tokens is the most tokens of a document; a comment is one.
	Tokens int
	// Document is what the document may be made of.
	Document guard.Limits
	// Cost is how many fields an answer may have, as the sizes of its lists say: a page of 100
	// sessions with everything that belongs to each is about 12,000.
	Cost int
	// Errors is how many of its errors an answer lists: the first.
	Errors int
	// Live is how many sockets, event streams and operations there may be.
	Live transport.Limits
}

// DefaultLimits are for who configures none.
var DefaultLimits = Limits{
	Body: 128 << 10, Bytes: 16 << 10, Tokens: 1000, Document: guard.Default, Cost: 20_000, Errors: maxErrors,
	Live: transport.DefaultLimits,
}

// limits refuses operations that would cost too much, or that would fail for their input, before
// they run.
type limits struct {
	Limits
	schema graphql.ExecutableSchema
	// known are documents that have passed and are valid.
	known documents
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
	if len(params.Query) > l.Bytes {
		return refuse(expenseError(fmt.Sprintf("the document is larger than %d bytes", l.Bytes)))
	}
	doc, ok := l.known.Get(ctx, params.Query)
	if !ok {
		var refused *gqlerror.Error
		if doc, refused = l.parse(params.Query); doc == nil {
			return refused
		}
	}
	if op := doc.Operations.ForName(params.OperationName); op != nil {
		spellInts(l.schema.Schema(), op, params.Variables)
	}
	return nil
}

// parse gives a document that is within the limits, else the refusal. Neither is what does not
// parse: the executor parses it again, and says what is wrong.
func (l limits) parse(text string) (*ast.QueryDocument, *gqlerror.Error) {
	if strings.Contains(text, `\u`) && escapesHalfCharacter(text) {
		return nil, refuse(models.Invalid("the document escapes half a surrogate pair, which is no character"))
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, l.Tokens)
	if err != nil {
		if strings.HasSuffix(err.Error(), fmt.Sprintf("exceeded token limit of %d", l.Tokens)) {
			return nil, refuse(expenseError(fmt.Sprintf("the document has more than %d tokens", l.Tokens)))
		}
		return nil, nil
	}
	switch err := l.Document.Check(doc); {
	case errors.Is(err, guard.ErrCycle):
		return nil, &gqlerror.Error{Message: err.Error(), Extensions: map[string]any{"code": errcode.ValidationFailed}}
	case err != nil:
		return nil, refuse(expenseError(err.Error()))
	}
	return doc, nil
}

// MutateOperationContext looks at the valid operation and its variables.
func (l limits) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if err := coerceVariables(l.schema.Schema(), op); err != nil {
		return err
	}
	if l.cost(ctx, op) > l.Cost {
		return refuse(expenseError(fmt.Sprintf("the answer may have more than %d fields: ask for smaller pages", l.Cost)))
	}
	return nil
}

func (l limits) cost(ctx context.Context, op *graphql.OperationContext) int {
	if known := l.known.of(op); known != nil {
		return known.costs.of(ctx, l.schema, op)
	}
	return complexity.Calculate(ctx, l.schema, op.Operation, op.Variables)
}

func refuse(err error) *gqlerror.Error { return &gqlerror.Error{Err: err, Message: err.Error()} }

// What lists without a size of their own are taken for: a whole timeline, and the sessions of
// one message about changes.
const (
	eventsWithoutLast = 30
	changesAtOnce     = 50
)

// usualAttempts stands for all tries of a delivery, which are more only when it was replayed.
const usualAttempts = 8

// A report counts as much as a page of sessions, and its days as the most there can be.
const (
	reportCost = 1000
	reportDays = 367
)

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
	c.Account.WebhookEndpoints = func(child int, first *int, _ *string, last *int, _ *string) int {
		return times(pageSize(first, last), child)
	}
	c.WebhookEndpoint.Deliveries = c.Account.WebhookEndpoints
	c.WebhookDelivery.Attempts = func(child int) int { return times(usualAttempts, child) }
	c.Session.Events = func(child int, last *int) int {
		if last == nil {
			return times(eventsWithoutLast, child)
		}
		return times(pageSize(nil, last), child)
	}
	c.SessionChanges.Changed = func(child int) int { return times(changesAtOnce, child) }
	c.SessionChanges.Entered = c.SessionChanges.Changed
	// A report reads all sessions of its range, however little of it is asked for.
	c.Account.UsageReport = func(child int, _, _ models.Time) int { return reportCost + child }
	c.UsageReport.Days = func(child int) int { return times(reportDays, child) }
	c.UsageReport.Avatars = func(child int) int { return times(models.MaxReportAvatars, child) }
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
func times(size, child int) int { return 1 + size*min(child, math.MaxInt32) }

// validationRules are GraphQL's own, without hints of names that were not asked for, and with
// numbers kept within what a program can hold.
func validationRules() *rules.Rules {
	all := rules.NewDefaultRules()
	all.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	all.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	all.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	all.AddRule("NumbersInRange", numbersInRange)
	all.AddRule("LiteralsCoerce", literalsCoerce)
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
