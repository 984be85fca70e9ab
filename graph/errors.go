package graph

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"greenroom/graph/generated"
	"greenroom/graph/scalar"
	"greenroom/models"
)

const (
	// maxErrors is the most errors of one answer.
	maxErrors = 10
	// maxMessage is the most bytes of a message that quotes names of the client's document.
	maxMessage = 300
)

// Codes in `errors[].extensions.code` that no domain error has. What GraphQL's own coercion
// refuses, in the document or in variables, is GRAPHQL_VALIDATION_FAILED.
const (
	codeTooExpensive = "QUERY_TOO_EXPENSIVE"
	codeInternal     = "INTERNAL"
)

// shown is where a client finds an error of each kind. A kind that is not shown where it turns
// up is INTERNAL there.
var shown = map[models.Kind]struct {
	// inPayload: in a mutation, a refusal that the caller can act on.
	inPayload bool
	// onTop: in `errors`, from wherever it comes.
	onTop bool
}{
	models.KindInvalidInput:        {inPayload: true, onTop: true},
	models.KindNotFound:            {inPayload: true, onTop: true},
	models.KindSessionEnded:        {inPayload: true},
	models.KindConcurrencyLimit:    {inPayload: true},
	models.KindQuotaExhausted:      {inPayload: true},
	models.KindNoAvatarServer:      {inPayload: true},
	models.KindAvatarNotReady:      {inPayload: true},
	models.KindIdempotencyMismatch: {inPayload: true},
	models.KindAvatarArchived:      {inPayload: true},
	models.KindUnauthenticated:     {onTop: true},
	models.KindForbidden:           {onTop: true},
	models.KindRateLimited:         {onTop: true},
	models.KindUnavailable:         {onTop: true},
}

// userErrors makes a payload's userErrors of a refusal, an empty list of nil, and gives every
// other error back.
func userErrors(err error) ([]*generated.UserError, error) {
	if err == nil {
		return []*generated.UserError{}, nil
	}
	refusal, ok := errors.AsType[*models.Error](err)
	if !ok || !shown[refusal.Kind].inPayload {
		return nil, err
	}
	return []*generated.UserError{{
		Code: refusal.Kind, Message: refusal.Message, Field: refusal.Field,
		RetryAfter: seconds(refusal.RetryAfter),
	}}, nil
}

// seconds rounds up: asking again too early would be refused again. Nil for 0.
func seconds(d time.Duration) *int {
	if d <= 0 {
		return nil
	}
	n := int(math.Ceil(d.Seconds()))
	return &n
}

// An expenseError is an operation that is beyond the limits.
type expenseError string

func (e expenseError) Error() string { return string(e) }

// present makes the one error that a client sees. What has no kind is logged, once for each
// response, and shown as INTERNAL without its text.
func (c Config) present(ctx context.Context, err error) *gqlerror.Error {
	out := &gqlerror.Error{Path: graphql.GetPath(ctx)}
	wrapped, isGraphQL := errors.AsType[*gqlerror.Error](err)
	if isGraphQL {
		out.Path, out.Locations = wrapped.Path, wrapped.Locations
	}
	if known, ok := errors.AsType[*models.Error](err); ok && shown[known.Kind].onTop {
		if cause := rootText(err); known.Kind == models.KindUnavailable && cause != known.Message {
			c.logOnce(ctx, slog.LevelWarn, "unavailable", c.RequestID(ctx), err)
		}
		return presentKnown(out, known)
	}
	if coercion, ok := errors.AsType[scalar.CoercionError](err); ok {
		return with(out, ofVariable(out.Path, coercion.Error()), errcode.ValidationFailed)
	}
	if limit, ok := errors.AsType[expenseError](err); ok {
		return with(out, limit.Error(), codeTooExpensive)
	}
	if isGraphQL && wrapped.Err == nil {
		switch code, _ := wrapped.Extensions["code"].(string); code {
		case errcode.ParseFailed, errcode.ValidationFailed:
			return with(out, ofVariable(out.Path, withoutValues(wrapped.Rule, wrapped.Message)), code)
		}
	}
	if ctx.Err() != nil {
		return with(out, "the request was given up", string(models.KindUnavailable))
	}
	id := c.RequestID(ctx)
	c.logOnce(ctx, slog.LevelError, "internal error", id, err)
	out = with(out, "internal error", codeInternal)
	out.Extensions["requestId"] = id
	return out
}

func presentKnown(out *gqlerror.Error, known *models.Error) *gqlerror.Error {
	out = with(out, known.Message, string(known.Kind))
	if len(known.Field) > 0 {
		out.Extensions["field"] = known.Field
	}
	if retryAfter := seconds(known.RetryAfter); retryAfter != nil {
		out.Extensions["retryAfter"] = *retryAfter
	}
	return out
}

func with(out *gqlerror.Error, message, code string) *gqlerror.Error {
	out.Message, out.Extensions = message, map[string]any{"code": code}
	return out
}

// logOnce logs an error that this response has not met yet: a loader's failure comes back once
// for every field that waited for it.
func (c Config) logOnce(ctx context.Context, level slog.Level, message, requestID string, err error) {
	if r := responseOf(ctx); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		cause := rootText(err)
		if r.logged[cause] {
			return
		}
		if r.logged == nil {
			r.logged = map[string]bool{}
		}
		r.logged[cause] = true
	}
	attrs := []any{"request", requestID, "error", rootText(err)}
	if p, ok := errors.AsType[*panicked](err); ok {
		attrs = append(attrs, "stack", p.stack)
	}
	c.Log.Log(ctx, level, message, attrs...)
}

// rootText is an error's text without the paths and places that gqlgen puts around it.
func rootText(err error) string {
	for {
		wrapped, ok := errors.AsType[*gqlerror.Error](err)
		if !ok {
			return err.Error()
		}
		if wrapped.Err == nil {
			return wrapped.Message
		}
		err = wrapped.Err
	}
}

// panicked is a panic of a resolver, with the place where it happened.
type panicked struct {
	value any
	stack string
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func recovered(_ context.Context, value any) error {
	return &panicked{value: value, stack: string(debug.Stack())}
}

// withoutValues takes the client's own values out of a message of the parser or the validator:
// a secret that was put in the wrong place must not come back. The error's location or path
// says which value it was.
func withoutValues(rule, message string) string {
	switch {
	case rule == "":
		// The parser quotes the token that it met; a variable's value stands before its type.
		message, _, _ = strings.Cut(message, ` "`)
		if _, kind, found := strings.Cut(message, " is not a valid "); found {
			message = "not a valid " + kind
		}
		if strings.HasPrefix(message, "operation ") {
			message = "`operationName` is none of the document's operations, or is needed to choose one"
		}
	case strings.HasPrefix(rule, "ValuesOfCorrectType"):
		if _, kind, found := strings.Cut(message, `" does not exist in `); found {
			message = "the value does not exist in " + kind
		}
		message, _, _ = strings.Cut(message, ", found ")
		message, _, _ = strings.Cut(message, " value: ")
	}
	return shortened(message)
}

// ofVariable says which variable a message is about, and where in it: the library leaves that to the path,
// which few clients show.
func ofVariable(path ast.Path, message string) string {
	if len(path) < 2 || path[0] != ast.PathName("variable") {
		return message
	}
	return fmt.Sprintf("variable $%s: %s", shortened(path[1:].String()), message)
}

func shortened(text string) string {
	if len(text) > maxMessage {
		return strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

// madeUp names a request that nobody has named.
func madeUp(context.Context) string { return rand.Text() }
