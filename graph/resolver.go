// Package graph is GraphQL in and domain calls out. It has no rules of its own: who may do what,
// and in which order, is decided in session/ and account/.
package graph

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"

	"greenroom/account"
	"greenroom/auth"
	"greenroom/graph/generated"
	"greenroom/graph/plan"
	"greenroom/graph/transport"
	"greenroom/models"
	"greenroom/session"
	"greenroom/webhooks"
)

// Config is what a handler works with. The caller of a request is found in its context, where
// auth's middleware has put it.
type Config struct {
	Sessions *session.Service
	Accounts *account.Service
	Webhooks *webhooks.Service
	// Store is read by loaders and plans alone.
	Store *Store
	Clock models.Clock
	Log   *slog.Logger
	// RequestID names a request in the log and in INTERNAL errors; nil makes one up.
	RequestID func(ctx context.Context) string
	// Limits are what one request may ask for, and one account hold open; their zero value stands
	// for DefaultLimits.
	Limits Limits
	// Origins are the pages that may open a WebSocket.
	Origins auth.Origins
	// Admit tells whose a credential is that comes over a WebSocket, after the handshake; see
	// auth.Gate. Nil admits nobody in this way.
	Admit func(ctx context.Context, remote, secret string) (*auth.Caller, error)
	// Keep watches over the credentials of what stays open; nil watches over none.
	Keep transport.Keep

	turns turns // made by New

	// withoutPlans leaves everything to the generated executor, and ran is told of each query, and each
	// message of a subscription, whether a plan has answered it: tests compare the two.
	withoutPlans bool
	ran          func(planned bool)
}

// A Handler answers /graphql.
type Handler struct {
	http.Handler
	live *transport.Live
}

// Drain ends subscriptions and sockets, and refuses new ones, because the server stops. A
// socket is closed with 1012 once its queries and mutations have been answered, or when ctx
// ends. It returns when nothing is open any more; the error is ctx's, when something still is.
func (h *Handler) Drain(ctx context.Context) error { return h.live.Drain(ctx) }

// Open is how many sockets and event streams there are.
func (h *Handler) Open() int { return h.live.Open() }

// New makes the handler of /graphql.
func New(cfg Config) *Handler {
	if cfg.RequestID == nil {
		cfg.RequestID = madeUp
	}
	if cfg.Limits == (Limits{}) {
		cfg.Limits = DefaultLimits
	}
	cfg.turns = newTurns()
	schema := generated.NewExecutableSchema(generated.Config{
		Resolvers:  &resolver{cfg},
		Complexity: costs(),
	})
	withoutDefer(schema)
	known := newDocuments()
	var subscribe transport.Subscribe
	if !cfg.withoutPlans {
		planned := plan.Around(schema, plan.Config{
			Sessions: cfg.Sessions, Accounts: cfg.Accounts, Store: cfg.Store, Clock: cfg.Clock,
			Kept: known.plans, Ran: cfg.ran,
		})
		schema, subscribe = planned, planned.Subscribe
	}
	server := handler.New(schema)
	live := transport.NewLive(cfg.Limits.Live)
	server.AddTransport(transport.WebSocket{Live: live, Origins: cfg.Origins, Admit: cfg.Admit, Keep: cfg.Keep, Subscribe: subscribe})
	server.AddTransport(transport.HTTP{MaxBody: cfg.Limits.Body, Live: live, Keep: cfg.Keep})
	server.SetQueryCache(known)
	server.SetParserTokenLimit(cfg.Limits.Tokens)
	server.SetDisableSuggestion(true)
	server.SetValidationRulesFn(validationRules)
	server.SetErrorPresenter(cfg.present)
	server.SetRecoverFunc(recovered)
	server.Use(extension.Introspection{}) // permit keeps strangers out of it
	server.Use(limits{Limits: cfg.Limits, schema: schema, known: known})
	server.AroundOperations(cfg.pin)
	server.AroundResponses(cfg.respond)
	server.AroundFields(cfg.permit)
	return &Handler{server, live}
}

// withoutDefer takes @defer out of the schema: gqlgen would leave deferred fields out of the
// answer to a client that cannot receive them later.
func withoutDefer(schema graphql.ExecutableSchema) {
	once.Do(func() { delete(schema.Schema().Directives, "defer") })
}

// once guards the schema, which all handlers share.
var once sync.Once

// pin takes "now" once for the whole operation.
func (c Config) pin(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(c.Clock.WithInstant(ctx))
}

// respond gives every response its own loaders: a socket that stays open never serves what an
// earlier response has read.
func (c *Config) respond(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if op := graphql.GetOperationContext(ctx).Operation; op != nil && op.Operation == ast.Subscription {
		ctx = c.Clock.WithInstant(ctx) // of this event, not of the subscription's beginning
		var done func()
		ctx, done = c.turns.with(ctx)
		defer done()
	}
	response := next(c.withResponse(ctx))
	if response != nil && len(response.Errors) > c.Limits.Errors {
		response.Errors = response.Errors[:c.Limits.Errors]
	}
	return response
}

// permit refuses callers at the root fields that they may not see, see plan.MaySee: a new field is
// closed to strangers until somebody opens it there. An event waits for its turn.
func (c Config) permit(ctx context.Context, next graphql.Resolver) (any, error) {
	field := graphql.GetFieldContext(ctx)
	switch field.Object {
	case "Query", "Mutation", "Subscription":
	default:
		if err := takeTurn(ctx, field); err != nil {
			return nil, err
		}
		return next(ctx)
	}
	switch caller := auth.From(ctx); {
	case plan.MaySee(field.Object, field.Field.Name, caller):
		return next(ctx)
	case caller == nil:
		return nil, models.ErrUnauthenticated
	default:
		return nil, models.ErrForbidden
	}
}

// resolver is the root of all resolvers.
type resolver struct{ cfg Config }

func (r *resolver) Query() generated.QueryResolver               { return query{r} }
func (r *resolver) Mutation() generated.MutationResolver         { return mutation{r} }
func (r *resolver) Subscription() generated.SubscriptionResolver { return subscription{r} }

func (r *resolver) Account() generated.AccountResolver         { return accountEdges{r} }
func (r *resolver) Avatar() generated.AvatarResolver           { return avatarEdges{r} }
func (r *resolver) UsageAvatar() generated.UsageAvatarResolver { return usageAvatarEdges{} }
func (r *resolver) Concurrency() generated.ConcurrencyResolver { return concurrencyEdges{r} }
func (r *resolver) Session() generated.SessionResolver         { return sessionEdges{r} }
func (r *resolver) Viewer() generated.ViewerResolver           { return viewerEdges{r} }

func (r *resolver) WebhookEndpoint() generated.WebhookEndpointResolver { return webhookEdges{r} }

func (r *resolver) ApiKeyConnection() generated.ApiKeyConnectionResolver { return apiKeyCount{} } //nolint:revive,staticcheck // gqlgen's spelling
func (r *resolver) AvatarConnection() generated.AvatarConnectionResolver { return avatarCount{} }
func (r *resolver) SessionConnection() generated.SessionConnectionResolver {
	return sessionCount{}
}
func (r *resolver) WebhookEndpointConnection() generated.WebhookEndpointConnectionResolver {
	return webhookCount{}
}
func (r *resolver) WebhookDeliveryConnection() generated.WebhookDeliveryConnectionResolver {
	return webhookDeliveryCount{}
}

func (r *resolver) CreateSessionPayload() generated.CreateSessionPayloadResolver {
	return createSessionEdges{r}
}
func (r *resolver) EndSessionPayload() generated.EndSessionPayloadResolver { return endSessionEdges{r} }
