package plan

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"

	"greenroom/auth"
	"greenroom/graph/transport"
	"greenroom/models"
)

// errElsewhere is what a plan has met and does not answer: the generated executor does, from the
// start.
var errElsewhere = errors.New("not planned")

// A run is one execution of a plan.
type run struct {
	ctx       context.Context
	cfg       *Config
	op        *graphql.OperationContext
	caller    *auth.Caller
	variables map[string]any
	now       models.Time
	timelines []stored
	// tasks are the root fields; nil is one that has failed.
	tasks []task
	// failed are the fields' errors. Nobody hears of them when the generated executor answers: it meets
	// its own.
	failed []failure
}

type failure struct {
	ctx context.Context // the field's
	err error
}

// run answers an operation. It gives false, and has done nothing but read, when the generated
// executor is to answer.
func (p *plan) run(x *run) (*graphql.Response, bool) {
	x.tasks = make([]task, len(p.roots))
	if p.timelines > 0 {
		x.timelines = make([]stored, p.timelines)
	}
	defer x.done()
	// All arguments first: what is wrong with one is told by the generated executor, and then
	// nothing has been read in vain.
	for i := range p.roots {
		if !p.roots[i].bind(x, i) {
			return nil, false
		}
	}
	for i := range p.roots {
		if !p.roots[i].read(x, i) {
			return nil, false
		}
	}
	defer x.tell()
	b := transport.Buffer()
	for i := range p.roots {
		b = append(b, p.roots[i].text...)
		b = p.roots[i].append(b, x, i)
		if x.tasks[i] == nil && p.roots[i].nonNull {
			return &graphql.Response{Data: append(b[:0], "null"...)}, true
		}
	}
	return &graphql.Response{Data: append(b, p.tail...)}, true
}

func (x *run) tell() {
	for _, f := range x.failed {
		graphql.AddError(f.ctx, f.err)
	}
}

func (x *run) done() {
	for i := range x.tasks {
		x.end(i)
	}
}

func (x *run) end(i int) {
	if x.tasks[i] != nil {
		x.tasks[i].done()
		x.tasks[i] = nil
	}
}

// bind reads a field's arguments. It tells whether the plan goes on.
func (r *rootField) bind(x *run, i int) (on bool) {
	defer func() { r.caught(x, i, recover(), &on) }()
	t, err := r.root.bind(x)
	if err != nil {
		return false
	}
	x.tasks[i] = t
	return true
}

// read asks the database for a field. It tells whether the plan goes on: after a field's failure, too.
func (r *rootField) read(x *run, i int) (on bool) {
	if x.tasks[i] == nil {
		return true
	}
	defer func() { r.caught(x, i, recover(), &on) }()
	switch err := x.tasks[i].read(x); {
	case errors.Is(err, errElsewhere):
		return false
	case err != nil:
		x.end(i)
		ctx := r.context(x)
		x.failed = append(x.failed, failure{ctx, graphql.AddFieldLocationToError(ctx, err)})
	}
	return true
}

// append writes a field's value, null when it has failed.
func (r *rootField) append(b []byte, x *run, i int) (after []byte) {
	on := false
	after = b
	defer func() {
		if x.tasks[i] == nil {
			after = appendNull(after[:len(b)])
		}
	}()
	defer func() { r.caught(x, i, recover(), &on) }()
	if x.tasks[i] != nil {
		after = x.tasks[i].append(b, x)
	}
	return after
}

// caught makes of a panic the field's error, as gqlgen does. Others go on.
func (r *rootField) caught(x *run, i int, panicked any, on *bool) {
	if panicked != nil {
		x.end(i)
		ctx := r.context(x)
		x.failed = append(x.failed, failure{ctx, x.op.Recover(ctx, panicked)})
		*on = true
	}
}

// context is one for the field's errors: with its path.
func (r *rootField) context(x *run) context.Context {
	ctx := graphql.WithFieldContext(x.ctx, &graphql.FieldContext{Object: "Query"})
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Query", Field: r.field})
}
