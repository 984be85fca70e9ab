// Package guard measures a GraphQL document before it is validated. Validation compares fields
// pairwise and reads a fragment again at each use, so that a kilobyte can cost seconds; the
// guard's own work grows with the document's length alone.
package guard

import (
	"errors"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// Limits of one document. What stands in a fragment counts at each use, as if it were written
// out there.
type Limits struct {
	// Operations is how many there may be.
	Operations int
	// Fields is how many all operations may have together: validation walks them all. It is also
	// how often fragments may be used, inline ones too.
	Fields int
	// Aliases and Directives are of one operation, as is all that follows. Fragments that no
	// operation uses are measured as if one more used them all.
	Aliases, Directives int
	// Depth is of fields in fields. Below `__schema` and `__type`, whose standard queries are
	// deep, there is Introspection instead. Fragments may stand in fragments twice as deep.
	Depth, Introspection int
	// Repeats is how often one selection may have the same response name, as it is written:
	// inline fragments are a part of the selection around them, and the selections of a field
	// that is repeated are one.
	Repeats int
	// Merged is how often a response name may meet in one place of the answer when named
	// fragments are put in; never less than Repeats. It is above them because Relay and Apollo build a document of one
	// named fragment for each component of a page, and every one of them asks for its own `id`.
	// It bounds what validation costs, which compares the fields that meet, each with each.
	Merged int
	// Values is how deep lists and objects written out in the document may be nested.
	Values int
}

// Default suits the schema and the documents that clients' tools write for it.
var Default = Limits{
	Operations: 8, Fields: 500, Aliases: 30, Directives: 20,
	Depth: 12, Introspection: 25, Repeats: 4, Merged: 25, Values: 12,
}

const (
	// spreadsPerName is how many named fragments may meet in one place for each of Merged:
	// validation compares them too.
	spreadsPerName = 4
	// inlineLevels is how deep inline fragments of one selection may be nested. Validation looks
	// through the selection once more for each.
	inlineLevels = 4
)

// ErrCycle is a fragment that uses itself.
var ErrCycle = errors.New("a fragment may not use itself, nor others that use it")

// An ExceededError says which limit a document is beyond, and the number.
type ExceededError string

func (e ExceededError) Error() string { return string(e) }

// Check measures a parsed document. The error is an ExceededError for the first limit found to
// be passed, or ErrCycle. The work is one look at everything that is written and, for a document
// whose sizes are within the limits, one more at each operation written out.
func (l Limits) Check(doc *ast.QueryDocument) error {
	w := walker{limits: l, doc: doc}
	return w.check()
}

type walker struct {
	limits    Limits
	doc       *ast.QueryDocument
	fragments map[string]*fragment
	total     size
	// names counts each response name in its place. A place is a selection with what is merged
	// into it: as it is written while sizes are measured, with its named fragments after that.
	names  map[name]count
	places int
	// spreads tells that named fragments are used. Without them, all that meets is written together
	// and has been counted.
	spreads bool
	// steps is how many selections, directives and values were looked at: all the work there is.
	steps int
	// merged tells that the sizes were within the limits, and the document was written out.
	merged bool
	err    error
}

type name struct {
	place int
	text  string
}

// A count is how often a name was met, and the place that is below it.
type count struct{ n, below int }

// A fragment is a definition and what it amounts to.
type fragment struct {
	*ast.FragmentDefinition
	state
	size size
}

type state int

const (
	unmeasured state = iota
	measuring
	measured
)

func (w *walker) check() error {
	w.within("operations", len(w.doc.Operations), w.limits.Operations)
	w.fragments = make(map[string]*fragment, len(w.doc.Fragments))
	all := make([]fragment, len(w.doc.Fragments))
	for i, definition := range w.doc.Fragments {
		all[i].FragmentDefinition = definition
		// The first of a name is the one that is used; the validator refuses the second.
		if _, ok := w.fragments[definition.Name]; !ok {
			w.fragments[definition.Name] = &all[i]
		}
	}
	w.names = make(map[name]count, 64)
	for _, op := range w.doc.Operations {
		w.weigh(w.operation(op))
	}
	var unused []*fragment
	var one size
	for i := range all {
		if all[i].state == unmeasured {
			unused = append(unused, &all[i])
			one.add(w.fragment(&all[i]))
		}
	}
	w.weigh(one)
	if w.err != nil || !w.spreads {
		return w.err
	}
	w.merged = true
	clear(w.names)
	for _, op := range w.doc.Operations {
		w.merge(w.place(), op.SelectionSet)
	}
	for _, f := range unused {
		w.merge(w.place(), f.SelectionSet)
	}
	return w.err
}

// merge counts the names that meet when a selection is written out in a place.
func (w *walker) merge(place int, set ast.SelectionSet) {
	for _, selection := range set {
		w.steps++
		switch s := selection.(type) {
		case *ast.Field:
			met := w.count(place, s.Alias)
			w.within("fields of the same name in one place of the answer", met.n, w.limits.Merged)
			w.merge(met.below, s.SelectionSet)
		case *ast.InlineFragment:
			w.merge(place, s.SelectionSet)
		case *ast.FragmentSpread:
			met := w.count(place, "...") // no field is called so
			w.within("fragments in one place of the answer", met.n, spreadsPerName*w.limits.Merged)
			if used := w.fragments[s.Name]; used != nil {
				w.merge(place, used.SelectionSet)
			}
		}
	}
}

func (w *walker) place() int {
	w.places++
	return w.places
}

func (w *walker) count(place int, text string) count {
	met := w.names[name{place, text}]
	if met.n++; met.n == 1 {
		met.below = w.place()
	}
	w.names[name{place, text}] = met
	return met
}

// weigh adds an operation to the others.
func (w *walker) weigh(s size) {
	w.total.add(s)
	w.within("fields", w.total.fields, w.limits.Fields)
	w.within("fragments", w.total.fragments, w.limits.Fields)
	w.within("aliases", s.aliases, w.limits.Aliases)
	w.within("directives", s.directives, w.limits.Directives)
	w.within("levels of fields", s.depth, w.limits.Depth)
	w.within("levels of introspection", s.introspection, w.limits.Introspection)
	w.within("levels of fragments", s.nesting, 2*w.limits.Depth)
}

func (w *walker) within(what string, have, limit int) {
	if have > limit {
		w.fail(ExceededError(fmt.Sprintf("the document has more than %d %s", limit, what)))
	}
}

func (w *walker) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
