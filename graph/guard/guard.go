// Package guard measures a GraphQL document before it is validated. Validation compares fields
// pairwise and reads a fragment again at each use, so that a kilobyte can cost seconds; the
// guard's own work grows with the document's length alone.
package guard

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// Limits of one document. Fields, aliases and directives of a fragment count at each use.
type Limits struct {
	Operations, Fields, Aliases, Directives int
	// Depth is of fields in fields. The schema's own subtrees (`__schema`, `__type`), whose
	// standard query is deep, have Introspection instead.
	Depth, Introspection int
	// Repeats is how often one selection may have the same response name: once for each
	// fragment that needs it.
	Repeats int
	// Values is how deep lists and objects written out in the document may be nested.
	Values int
}

// Default suits the schema and the documents that clients' tools write for it.
var Default = Limits{
	Operations: 8, Fields: 500, Aliases: 30, Directives: 20,
	Depth: 12, Introspection: 25, Repeats: 25, Values: 12,
}

// An ExceededError says which limit a document is beyond.
type ExceededError string

func (e ExceededError) Error() string { return string(e) }

// Check measures every operation and fragment of a parsed document, and returns an ExceededError for
// the first limit that it is beyond.
func (l Limits) Check(doc *ast.QueryDocument) error {
	if len(doc.Operations) > l.Operations {
		return exceeded("operations", l.Operations)
	}
	w := walker{limits: l, doc: doc, fragments: map[string]*size{}}
	for _, op := range doc.Operations {
		total := w.selection(op.SelectionSet)
		total.directives += len(op.Directives)
		w.weigh(total)
		for _, variable := range op.VariableDefinitions {
			w.value(variable.DefaultValue, 1)
		}
	}
	for _, fragment := range doc.Fragments {
		// How deep a fragment may be depends on where it stands; one that stands nowhere costs
		// the validator no more than its length.
		alone := *w.fragment(fragment.Name)
		alone.depth = 0
		w.weigh(&alone)
	}
	return w.err
}

// A size is what a selection amounts to, fragments written out.
type size struct {
	fields, aliases, directives, depth int
	// names are how often each response name stands at the top of the selection.
	names map[string]int
}

// add puts other beside s.
func (s *size) add(other *size) {
	s.fields = saturate(s.fields + other.fields)
	s.aliases = saturate(s.aliases + other.aliases)
	s.directives = saturate(s.directives + other.directives)
	s.depth = max(s.depth, other.depth)
}

// saturate keeps sums of sums from running over.
func saturate(n int) int { return min(n, 1<<20) }

type walker struct {
	limits Limits
	doc    *ast.QueryDocument
	// fragments are those measured; one that is being measured has a size of nothing, which ends
	// cycles: they are the validator's to refuse.
	fragments map[string]*size
	err       error
}

func (w *walker) selection(set ast.SelectionSet) *size {
	total := &size{names: map[string]int{}}
	for _, selected := range set {
		switch s := selected.(type) {
		case *ast.Field:
			total.add(w.field(s))
			total.names[s.Alias]++
		case *ast.InlineFragment:
			w.merge(total, w.selection(s.SelectionSet), s.Directives)
		case *ast.FragmentSpread:
			w.merge(total, w.fragment(s.Name), s.Directives)
		}
	}
	for _, n := range total.names {
		if n > w.limits.Repeats {
			w.refuse("fields of the same name in one selection", w.limits.Repeats)
		}
	}
	return total
}

func (w *walker) merge(into, fragment *size, directives ast.DirectiveList) {
	into.add(fragment)
	into.directives = saturate(into.directives + len(directives))
	for name, n := range fragment.names {
		into.names[name] = saturate(into.names[name] + n)
	}
}

func (w *walker) field(f *ast.Field) *size {
	total := &size{fields: 1, directives: len(f.Directives), depth: 1}
	if f.Alias != f.Name {
		total.aliases = 1
	}
	for _, argument := range f.Arguments {
		w.value(argument.Value, 1)
	}
	for _, directive := range f.Directives {
		for _, argument := range directive.Arguments {
			w.value(argument.Value, 1)
		}
	}
	below := w.selection(f.SelectionSet)
	if f.Name == "__schema" || f.Name == "__type" {
		if below.depth > w.limits.Introspection {
			w.refuse("levels of introspection", w.limits.Introspection)
		}
		below.depth = 0
	}
	total.add(below)
	total.depth = max(total.depth, saturate(below.depth+1))
	return total
}

func (w *walker) fragment(name string) *size {
	if known, ok := w.fragments[name]; ok {
		return known
	}
	w.fragments[name] = &size{}
	definition := w.doc.Fragments.ForName(name)
	if definition == nil {
		return w.fragments[name]
	}
	total := w.selection(definition.SelectionSet)
	total.directives += len(definition.Directives)
	w.fragments[name] = total
	return total
}

func (w *walker) value(v *ast.Value, depth int) {
	if v == nil {
		return
	}
	if depth > w.limits.Values {
		w.refuse("levels of lists and objects", w.limits.Values)
		return
	}
	for _, child := range v.Children {
		w.value(child.Value, depth+1)
	}
}

func (w *walker) weigh(total *size) {
	for _, c := range []struct {
		what        string
		have, limit int
	}{
		{"fields", total.fields, w.limits.Fields},
		{"aliases", total.aliases, w.limits.Aliases},
		{"directives", total.directives, w.limits.Directives},
		{"levels of fields", total.depth, w.limits.Depth},
	} {
		if c.have > c.limit {
			w.refuse(c.what, c.limit)
		}
	}
}

func (w *walker) refuse(what string, limit int) {
	if w.err == nil {
		w.err = exceeded(what, limit)
	}
}

func exceeded(what string, limit int) error {
	return ExceededError(fmt.Sprintf("the document has more than %d %s", limit, what))
}
