package guard

import "github.com/vektah/gqlparser/v2/ast"

// A size is what a selection amounts to, fragments written out.
type size struct {
	fields, fragments, aliases, directives int
	// nesting is of fragments in fragments, on the way to the deepest field.
	nesting int
	// depth leaves out what is below `__schema` and `__type`, introspection is that alone, and
	// levels is everything: within introspection, another `__schema` starts nothing anew.
	depth, introspection, levels int
}

// add puts other beside s.
func (s *size) add(other size) {
	s.fields = saturate(s.fields + other.fields)
	s.fragments = saturate(s.fragments + other.fragments)
	s.aliases = saturate(s.aliases + other.aliases)
	s.directives = saturate(s.directives + other.directives)
	s.nesting = max(s.nesting, other.nesting)
	s.depth = max(s.depth, other.depth)
	s.introspection = max(s.introspection, other.introspection)
	s.levels = max(s.levels, other.levels)
}

// saturate keeps a sum of sums from running over.
func saturate(n int) int { return min(n, 1<<20) }

func (w *walker) operation(op *ast.OperationDefinition) size {
	total := w.selection(w.place(), 0, op.SelectionSet)
	total.directives += w.directives(op.Directives)
	for _, variable := range op.VariableDefinitions {
		total.directives += w.directives(variable.Directives)
		w.value(variable.DefaultValue, 1)
		levels := 0
		for t := variable.Type; t != nil && t.Elem != nil; t = t.Elem {
			levels++
		}
		w.within(levelsOfValues, levels, w.limits.Values)
	}
	return total
}

// selection measures what is written in a place, so many inline fragments deep.
func (w *walker) selection(place, inline int, set ast.SelectionSet) size {
	w.within("inline fragments in each other", inline, inlineLevels)
	var total size
	for _, selection := range set {
		w.steps++
		switch s := selection.(type) {
		case *ast.Field:
			total.add(w.field(place, s))
		case *ast.InlineFragment:
			total.add(w.use(w.selection(place, inline+1, s.SelectionSet), s.Directives))
		case *ast.FragmentSpread:
			w.spreads = true
			var used size
			if f := w.fragments[s.Name]; f != nil {
				used = w.fragment(f)
			}
			total.add(w.use(used, s.Directives))
		}
	}
	return total
}

// use is a fragment's size where it is used.
func (w *walker) use(s size, directives ast.DirectiveList) size {
	s.fragments++
	s.nesting++
	s.directives += w.directives(directives)
	return s
}

// fragment measures each fragment once. One that is met while it is being measured is a cycle.
func (w *walker) fragment(f *fragment) size {
	switch f.state {
	case unmeasured:
		f.state = measuring
		f.size = w.selection(w.place(), 0, f.SelectionSet)
		f.size.directives += w.directives(f.Directives)
		f.state = measured
	case measuring:
		w.fail(ErrCycle)
	case measured:
	}
	return f.size
}

func (w *walker) field(place int, f *ast.Field) size {
	met := w.count(place, f.Alias)
	w.within("fields of the same name in one selection", met.n, w.limits.Repeats)
	for _, argument := range f.Arguments {
		w.value(argument.Value, 1)
	}
	total := w.selection(met.below, 0, f.SelectionSet)
	total.fields++
	total.directives += w.directives(f.Directives)
	if f.Alias != f.Name {
		total.aliases++
	}
	if f.Name == "__schema" || f.Name == "__type" {
		total.introspection, total.depth = total.levels, 0
	}
	total.depth++
	total.levels++
	return total
}

// directives measures the arguments of directives, and tells how many they are.
func (w *walker) directives(list ast.DirectiveList) int {
	for _, directive := range list {
		w.steps++
		for _, argument := range directive.Arguments {
			w.value(argument.Value, 1)
		}
	}
	return len(list)
}

const levelsOfValues = "levels of lists and objects"

func (w *walker) value(v *ast.Value, level int) {
	if v == nil {
		return
	}
	w.steps++
	if v.Kind == ast.ListValue || v.Kind == ast.ObjectValue {
		w.within(levelsOfValues, level, w.limits.Values)
	}
	for _, child := range v.Children {
		w.value(child.Value, level+1)
	}
}
