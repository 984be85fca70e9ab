package plan

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/graph/transport"
	"greenroom/models"
	"greenroom/session"
)

// A live is the plan of a subscription to one session.
type live struct {
	id     arguments
	head   string // what comes before the session
	object *object[sessionRow]
	// avatar is what to read of the session's avatar; nil when none is shown.
	avatar    *db.Selection[db.AvatarRow]
	timelines []timeline
	// of are what its operations have in common.
	of graphql.OperationContext
}

// liveRoots compile the fields of Subscription.
var liveRoots = map[string]func(c *compiler, f graphql.CollectedField) *live{
	"sessionUpdated": compileSessionUpdated,
}

func compileSessionUpdated(c *compiler, f graphql.CollectedField) *live {
	l := &live{id: c.arguments(f), head: `{"data":{"` + f.Alias + `":`, object: compileSession(c, f.Selections)}
	if c.want.shown != 0 {
		l.avatar = db.SelectAvatars(c.want.shown)
	}
	l.timelines = c.want.timelines
	return l
}

// compileLive makes the plan of a subscription, as compile does of a query.
func (c *compiler) compileLive() *plan {
	fields := c.collect("Subscription", c.op.Operation.SelectionSet)
	if len(fields) != 1 {
		return nil
	}
	f := fields[0]
	seen, known := c.sees("Subscription", f)
	compile := liveRoots[f.Name]
	if !seen || !known || compile == nil {
		c.give("Subscription." + f.Name)
		return nil
	}
	c.want = &want{}
	l := compile(c, f)
	if c.unplanned != "" {
		return nil
	}
	op := c.op
	l.of.RawQuery, l.of.OperationName, l.of.Doc, l.of.Operation = op.RawQuery, op.OperationName, op.Doc, op.Operation
	l.of.DisableIntrospection, l.of.RecoverFunc = op.DisableIntrospection, op.RecoverFunc
	l.of.ResolverMiddleware, l.of.RootResolverMiddleware = op.ResolverMiddleware, op.RootResolverMiddleware
	return &plan{live: l, timelines: c.timelines}
}

// reads tells whether a message needs more than the session.
func (l *live) reads() bool { return l.avatar != nil || len(l.timelines) > 0 }

// A subscriber is one subscription that a plan answers.
type subscriber struct {
	schema    *Schema
	plan      *plan
	variables map[string]any
	caller    *auth.Caller
	following *session.Following
	// lasts spells how much of each timeline is asked for.
	lasts string
	told  bool
}

var _ transport.Source = (*subscriber)(nil)

// Subscribe begins a subscription whose messages a plan makes; nil when there is no plan, and when
// the subscription is refused: the generated executor says why. wake is called when there is
// something to tell, and must not block.
func (s *Schema) Subscribe(ctx context.Context, op *graphql.OperationContext, wake func()) transport.Source {
	caller := auth.From(ctx)
	if op.Operation.Operation != ast.Subscription || caller == nil {
		return nil
	}
	p := s.planOf(ctx, op, audienceOf(caller))
	if p == nil {
		return nil
	}
	b := &subscriber{schema: s, plan: p, variables: op.Variables, caller: caller}
	x := b.run(ctx)
	id, err := p.live.id.id(x)
	if err != nil || bindTimelines(x, p.live.timelines) != nil {
		return nil
	}
	b.lasts = spellLasts(x.timelines)
	if b.following, err = s.cfg.Sessions.Follow(ctx, id, wake); err != nil {
		return nil
	}
	return b
}

func spellLasts(timelines []stored) string {
	var b strings.Builder
	for _, t := range timelines {
		if t.last != nil {
			b.WriteString(strconv.Itoa(*t.last))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// run makes the run of one message.
func (b *subscriber) run(ctx context.Context) *run {
	x := &run{ctx: ctx, cfg: &b.schema.cfg, caller: b.caller, variables: b.variables, now: b.schema.cfg.Clock()}
	if b.plan.timelines > 0 {
		x.timelines = make([]stored, b.plan.timelines)
	}
	return x
}

// Next is transport.Source's.
func (b *subscriber) Next(ctx context.Context) transport.Told {
	state, over := b.following.Next(ctx)
	if state == nil {
		return transport.Told{Over: over}
	}
	text := b.schema.shares.take(b.key(state), b.since(), func() []byte { return b.write(ctx, state) })
	b.told = true
	b.schema.cfg.Ran(text != nil)
	if text == nil {
		return transport.Told{Elsewhere: b.operation, Of: withTold(ctx, state), Over: over}
	}
	return transport.Told{Payload: text, Over: over}
}

// Close is transport.Source's.
func (b *subscriber) Close() { b.following.Close() }

// key is what a message follows from, but for what is read for it.
func (b *subscriber) key(state *models.Session) shareKey {
	return shareKey{
		plan: b.plan, lasts: b.lasts, scope: b.caller.Scope(), session: state.ID, revision: state.Revision, ended: state.EndedAt != nil,
		quarter: session.TokenIssued(b.schema.cfg.Clock()),
	}
}

// since is how old a message may be that somebody else was told. What a subscriber is told first is
// not older than its subscription: it may have changed an avatar just before.
func (b *subscriber) since() time.Time {
	now := time.Now()
	if !b.told && b.plan.live.reads() {
		return now
	}
	return now.Add(-sharedFor)
}

// readWithin bounds what is read for a message: it is not one subscriber's, whose leaving would end it.
const readWithin = 10 * time.Second

// write makes the message of a state; nil when the generated executor is to make it.
func (b *subscriber) write(ctx context.Context, state *models.Session) (text []byte) {
	defer func() {
		if recover() != nil {
			text = nil // the generated executor meets it, too, and says so
		}
	}()
	l := b.plan.live
	row := &db.SessionRow{Session: *state}
	x := b.run(context.WithoutCancel(ctx))
	if l.reads() {
		var done context.CancelFunc
		x.ctx, done = context.WithTimeout(x.ctx, readWithin)
		defer done()
		rows := takeRows[db.AvatarRow](&avatarRows)
		defer giveRows(&avatarRows, &rows)
		if l.readBeside(x, row, rows) != nil {
			return nil
		}
	}
	return append(l.object.append(append(make([]byte, 0, 512), l.head...), x, row), "}}"...)
}

// readBeside reads what a message shows besides the session itself.
func (l *live) readBeside(x *run, row sessionRow, avatars *db.Rows[db.AvatarRow]) error {
	scope := x.caller.Scope()
	if l.avatar != nil {
		if err := x.cfg.Store.ReadAvatar(x.ctx, l.avatar, scope, row.AvatarID, avatars); err != nil {
			return err
		}
		if len(avatars.List) == 0 {
			return errElsewhere
		}
		row.Avatar = *avatars.List[0]
	}
	if err := bindTimelines(x, l.timelines); err != nil {
		return err
	}
	return readTimelines(x, scope, l.timelines, []sessionRow{row})
}

// operation is the subscription as the generated executor takes it.
func (b *subscriber) operation() *graphql.OperationContext {
	of := &b.plan.live.of
	return &graphql.OperationContext{
		RawQuery: of.RawQuery, OperationName: of.OperationName, Doc: of.Doc, Operation: of.Operation, Variables: b.variables,
		DisableIntrospection: of.DisableIntrospection, RecoverFunc: of.RecoverFunc,
		ResolverMiddleware: of.ResolverMiddleware, RootResolverMiddleware: of.RootResolverMiddleware,
	}
}

type toldKey struct{}

// withTold gives the resolver of a subscription the one state to tell.
func withTold(ctx context.Context, state *models.Session) context.Context {
	return context.WithValue(ctx, toldKey{}, state)
}

// ToldIn is the state that withTold has put into ctx; nil without.
func ToldIn(ctx context.Context) *models.Session {
	state, _ := ctx.Value(toldKey{}).(*models.Session)
	return state
}
