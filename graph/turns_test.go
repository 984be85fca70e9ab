package graph

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"greenroom/auth"
	"greenroom/graph/generated"
	"greenroom/models"
)

// A stage has one turn, and events that take until somebody lets them go.
type stage struct {
	generated.SessionResolver
	generated.SubscriptionResolver
	t    *testing.T
	cfg  Config
	exec *executor.Executor
	// news are what a subscriber is told next.
	news chan *models.Session
	// inside has a value for each event that is being answered, let takes one out.
	inside chan struct{}
	let    chan struct{}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, news: make(chan *models.Session), inside: make(chan struct{}, 10), let: make(chan struct{})}
	s.cfg = Config{Clock: models.SystemClock, Log: slog.New(slog.DiscardHandler), Limits: DefaultLimits, turns: make(turns, 1)}
	s.exec = executor.New(generated.NewExecutableSchema(generated.Config{Resolvers: roots{stage: s}}))
	s.exec.AroundResponses(s.cfg.respond)
	s.exec.AroundFields(s.cfg.permit)
	return s
}

type roots struct {
	generated.ResolverRoot
	stage *stage
}

func (r roots) Query() generated.QueryResolver               { return query{&resolver{r.stage.cfg}} }
func (r roots) Session() generated.SessionResolver           { return r.stage }
func (r roots) Subscription() generated.SubscriptionResolver { return r.stage }

func (s *stage) SessionUpdated(context.Context, string) (<-chan *models.Session, error) {
	return s.news, nil
}

func (s *stage) Avatar(context.Context, *models.Session) (*models.Avatar, error) {
	s.inside <- struct{}{}
	<-s.let
	<-s.inside
	return &models.Avatar{ID: "avat_1"}, nil
}

// ask answers an operation once, in a goroutine: a subscription with its next event.
func (s *stage) ask(ctx context.Context, query string) <-chan *graphql.Response {
	s.t.Helper()
	ctx = auth.WithCaller(graphql.StartOperationTrace(ctx), &auth.Caller{Kind: auth.APIKey, AccountID: "acct_1"})
	op, errs := s.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
	if errs != nil {
		s.t.Fatal(errs)
	}
	responses, ctx := s.exec.DispatchOperation(ctx, op)
	answer := make(chan *graphql.Response, 1)
	go func() { answer <- responses(ctx) }()
	return answer
}

const slowEvent = `subscription { sessionUpdated(id: "sess_1") { id avatar { id } } }`

func TestTurns(t *testing.T) {
	t.Parallel()
	t.Run("AreTakenOneAfterAnother", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			var answers []<-chan *graphql.Response
			for range 3 {
				answers = append(answers, s.ask(t.Context(), slowEvent))
				s.news <- &models.Session{ID: "sess_1", AvatarID: "avat_1"}
			}
			for left := 3; left > 0; left-- {
				synctest.Wait()
				if len(s.inside) != 1 {
					t.Fatalf("%d events are answered at once", len(s.inside))
				}
				// Whoever asks in between does not wait.
				if got := <-s.ask(t.Context(), `{ serverTime }`); len(got.Errors) > 0 {
					t.Error(got.Errors)
				}
				s.let <- struct{}{}
			}
			for _, answer := range answers {
				if got := string((<-answer).Data); got != `{"sessionUpdated":{"id":"sess_1","avatar":{"id":"avat_1"}}}` {
					t.Errorf("answered %s", got)
				}
			}
		})
	})
	t.Run("AreForEventsNotForWaiting", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			for range 3 {
				first := s.ask(t.Context(), `subscription { sessionUpdated(id: "sess_1") { id } }`)
				synctest.Wait() // for an event
				second := s.ask(t.Context(), `subscription { sessionUpdated(id: "sess_1") { id } }`)
				for range 2 {
					s.news <- &models.Session{ID: "sess_1"}
				}
				if a, b := <-first, <-second; len(a.Errors)+len(b.Errors) > 0 {
					t.Errorf("answered %v and %v", a.Errors, b.Errors)
				}
			}
			close(s.news)
			if got := <-s.ask(t.Context(), slowEvent); got != nil {
				t.Errorf("after the end came %s", got.Data)
			}
			if len(s.cfg.turns) > 0 {
				t.Error("a turn was not given back")
			}
		})
	})
	t.Run("AreNotWaitedForByWhoHasGone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			ctx, leave := context.WithCancel(t.Context())
			first, second := s.ask(ctx, slowEvent), s.ask(ctx, slowEvent)
			for range 2 {
				s.news <- &models.Session{ID: "sess_1", AvatarID: "avat_1"}
			}
			synctest.Wait()
			leave()
			synctest.Wait()
			if len(first)+len(second) != 1 {
				t.Errorf("%d and %d have ended: one should, the other is being answered", len(first), len(second))
			}
			s.let <- struct{}{}
			<-first
			<-second
			if len(s.cfg.turns) > 0 {
				t.Error("a turn was not given back")
			}
		})
	})
}
