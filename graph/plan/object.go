package plan

import (
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// A writer appends one value of v as JSON.
type writer[T any] func(b []byte, x *run, v T) []byte

// An object writes one object: constant text, a value, constant text, and so on.
type object[T any] struct {
	steps []step[T]
	tail  string
}

type step[T any] struct {
	text  string
	write writer[T]
}

func (o *object[T]) append(b []byte, x *run, v T) []byte {
	for i := range o.steps {
		b = append(b, o.steps[i].text...)
		b = o.steps[i].write(b, x, v)
	}
	return append(b, o.tail...)
}

// A field compiles one field of a type: it says what has to be read for it, and how it is written.
type field[T any] func(c *compiler, f graphql.CollectedField) writer[T]

// compileObject compiles the selection of an object. Fields are collected by gqlgen itself, so that
// they come in its order and are merged by its rules.
func compileObject[T any](c *compiler, typ string, selected ast.SelectionSet, fields map[string]field[T]) *object[T] {
	o := &object[T]{}
	text, written := "{", []string(nil)
	for _, f := range c.collect(typ, selected) {
		if slices.Contains(written, f.Alias) {
			continue
		}
		if len(written) > 0 {
			text += ","
		}
		written = append(written, f.Alias)
		text += `"` + f.Alias + `":`
		if f.Name == "__typename" {
			text += `"` + typ + `"`
			continue
		}
		seen, known := c.sees(typ, f)
		compile := fields[f.Name]
		switch {
		case !known || compile == nil:
			c.give(typ + "." + f.Name)
			return o
		case !seen:
			text += "null"
			continue
		}
		o.steps = append(o.steps, step[T]{text, compile(c, f)})
		text = ""
	}
	o.tail = text + "}"
	return o
}

// plain is a field that is written as it was read.
func plain[T any](write func(b []byte, v T) []byte) field[T] {
	return func(*compiler, graphql.CollectedField) writer[T] {
		return func(b []byte, _ *run, v T) []byte { return write(b, v) }
	}
}
