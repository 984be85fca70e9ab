package graph

import (
	"context"
	"runtime"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// turns bound how many events of subscriptions are answered at once, of all subscribers together:
// when one change is told to ten thousand, queries and mutations still get their share of the
// processors and of the database.
type turns chan struct{}

// newTurns makes enough for every processor to be busy while some events wait for the database.
func newTurns() turns { return make(turns, 4*runtime.GOMAXPROCS(0)) }

// A turn is one event's, and is taken once at most.
type turn struct {
	all   turns
	once  sync.Once
	taken bool
	err   error
}

type turnKey struct{}

// with gives the answer to one event a turn, not yet taken, and done to call once it is encoded.
// gqlgen waits for an event and answers it in one call, so it is the first field that takes it.
func (t turns) with(ctx context.Context) (_ context.Context, done func()) {
	own := &turn{all: t}
	return context.WithValue(ctx, turnKey{}, own), own.done
}

// takeTurn waits for the turn of the event that a field belongs to, if it is at the top of one:
// gqlgen answers events outside of the subscription's root field. The error is ctx's.
func takeTurn(ctx context.Context, field *graphql.FieldContext) error {
	if field.Parent != nil {
		return nil
	}
	t, ok := ctx.Value(turnKey{}).(*turn)
	if !ok {
		return nil
	}
	t.once.Do(func() { // for all fields of one object, which may be resolved side by side
		select {
		case t.all <- struct{}{}:
			t.taken = true
		case <-ctx.Done():
			t.err = context.Cause(ctx)
		}
	})
	return t.err
}

func (t *turn) done() {
	t.once.Do(func() {})
	if t.taken {
		<-t.all
	}
}
