package plan

import (
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"greenroom/db"
)

// A compiler makes the plan of one operation, for one audience, and for one choice of what @skip and
// @include leave over.
type compiler struct {
	schema *ast.Schema
	op     *graphql.OperationContext
	who    audience
	// unplanned says what no plan knows; empty while all is known.
	unplanned string
	// want is what has to be read for the root field that is compiled.
	want      *want
	timelines int
	// steps is how large the plan is.
	steps int
}

// A want is what one root field reads.
type want struct {
	sessions db.SessionColumns
	// avatars are of a list of avatars, shown those of sessions.
	avatars, shown db.AvatarColumns
	timelines      []timeline
	// rows and count: the list itself is shown, and how long it is.
	rows, count bool
	// session: the viewer's is shown.
	session bool
}

// give gives the operation up to the generated executor.
func (c *compiler) give(why string) {
	if c.unplanned == "" {
		c.unplanned = why
	}
}

// collect gives the fields that a selection has for an object of a type.
func (c *compiler) collect(typ string, selected ast.SelectionSet) []graphql.CollectedField {
	fields := graphql.CollectFields(c.op, selected, append([]string{typ}, c.schema.Types[typ].Interfaces...))
	c.steps += 1 + len(fields)
	return fields
}

// sees tells whether the caller sees a field, and whether a plan may know it.
func (c *compiler) sees(typ string, f graphql.CollectedField) (seen, known bool) {
	who, known := access[typ][f.Name]
	return who&c.who != 0, known && !f.IsDeferred()
}

// A plan answers one operation.
type plan struct {
	roots []rootField
	tail  string
	// timelines is how many fields `events` there are.
	timelines int
	// live is there for a subscription, and roots for a query.
	live *live
}

type rootField struct {
	text    string
	field   graphql.CollectedField
	nonNull bool
	root    root
}

// A root compiles to this: it makes a task for each time that the operation is run.
type root interface {
	// bind reads the arguments. With an error, the generated executor answers.
	bind(x *run) (task, error)
}

// A task is one root field of one run.
type task interface {
	// read asks the database. The error is errElsewhere, or the field's own.
	read(x *run) error
	append(b []byte, x *run) []byte
	// done gives back what was taken to read.
	done()
}

// compile makes the plan; nil when there is none, and unplanned says why.
func (c *compiler) compile() *plan {
	if c.op.Operation.Operation == ast.Subscription {
		return c.compileLive()
	}
	p := &plan{}
	text, written := "{", []string(nil)
	for _, f := range c.collect("Query", c.op.Operation.SelectionSet) {
		if slices.Contains(written, f.Alias) {
			continue
		}
		if len(written) > 0 {
			text += ","
		}
		written = append(written, f.Alias)
		text += `"` + f.Alias + `":`
		if f.Name == "__typename" {
			text += `"Query"`
			continue
		}
		// What a caller may not see of this type is an error, not null.
		seen, known := c.sees("Query", f)
		if compile := roots[f.Name]; seen && known && compile != nil {
			c.want = &want{}
			p.roots = append(p.roots, rootField{text, f, f.Definition.Type.NonNull, compile(c, f)})
		} else {
			c.give("Query." + f.Name)
		}
		if c.unplanned != "" {
			return nil
		}
		text = ""
	}
	p.tail, p.timelines = text+"}", c.timelines
	return p
}

// directives finds the variables that @skip and @include ask for, in everything that an operation
// selects.
func directives(selected ast.SelectionSet, found []string, seen map[string]bool) []string {
	of := func(all ast.DirectiveList) {
		for _, d := range all {
			for _, argument := range d.Arguments {
				if name := argument.Value.Raw; argument.Value.Kind == ast.Variable && !slices.Contains(found, name) {
					found = append(found, name)
				}
			}
		}
	}
	for _, selection := range selected {
		switch s := selection.(type) {
		case *ast.Field:
			of(s.Directives)
			found = directives(s.SelectionSet, found, seen)
		case *ast.InlineFragment:
			of(s.Directives)
			found = directives(s.SelectionSet, found, seen)
		case *ast.FragmentSpread:
			of(s.Directives)
			if !seen[s.Name] {
				seen[s.Name] = true
				found = directives(s.Definition.SelectionSet, found, seen)
			}
		}
	}
	return found
}

// outcome spells the values of the variables that directives ask for.
func outcome(names []string, variables map[string]any) (string, bool) {
	if len(names) == 0 {
		return "", true
	}
	var b strings.Builder
	for _, name := range names {
		switch variables[name] {
		case true:
			b.WriteByte('1')
		case false:
			b.WriteByte('0')
		default:
			return "", false
		}
	}
	return b.String(), true
}
