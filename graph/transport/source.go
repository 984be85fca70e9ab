package transport

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// Subscribe begins a subscription that is asked for its messages when there are any, instead of
// waiting for them; nil when the executor has to run it. wake is called whenever there may be
// something to tell, from any goroutine, and does not block.
type Subscribe func(ctx context.Context, op *graphql.OperationContext, wake func()) Source

// A Source is where the messages of one subscription come from. It takes no goroutine while there are
// none. One goroutine at a time uses it.
type Source interface {
	// Next gives the next message. The first is there at once.
	Next(ctx context.Context) Told
	// Close ends the subscription.
	Close()
}

// A Told is what a subscription has to tell: one message, or nothing.
type Told struct {
	// Payload is the message's, as JSON on one line. Others have it too: nobody writes to it.
	Payload []byte
	// Elsewhere, unless it is nil, makes the operation that the executor has to run in Of instead:
	// its first response is the message.
	Elsewhere func() *graphql.OperationContext
	Of        context.Context // the operation's, for one call
	// Over: nothing comes after it.
	Over bool
}
