package guard

import (
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"
)

// documents are small, of few names, so that names meet and fragments use each other.
func documents() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for i := range rapid.IntRange(1, 3).Draw(t, "operations") {
			fmt.Fprintf(&b, "query q%d%s {%s } ", i, directives(t), selections(t, 3))
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "fragments") {
			fmt.Fprintf(&b, "fragment f%d on X%s {%s } ", i, directives(t), selections(t, 2))
		}
		return b.String()
	})
}

func selections(t *rapid.T, levels int) string {
	var b strings.Builder
	for range rapid.IntRange(1, 3).Draw(t, "selections") {
		switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
		case kind <= 1:
			fmt.Fprintf(&b, " ...f%d%s", rapid.IntRange(0, 4).Draw(t, "fragment"), directives(t))
		case kind <= 3 && levels > 0:
			fmt.Fprintf(&b, " ...%s {%s }", directives(t), selections(t, levels-1))
		default:
			if kind == 4 {
				b.WriteString(" b:")
			}
			b.WriteString(" " + rapid.SampledFrom([]string{"a", "b", "c", "__schema", "__type"}).Draw(t, "field"))
			if kind == 5 {
				b.WriteString("(x: " + rapid.SampledFrom([]string{"1", "[1, [2]]", "{y: {z: []}}", "$v"}).Draw(t, "value") + ")")
			}
			b.WriteString(directives(t))
			if kind >= 7 && levels > 0 {
				b.WriteString(" {" + selections(t, levels-1) + " }")
			}
		}
	}
	return b.String()
}

func directives(t *rapid.T) string {
	return strings.Repeat(" @d", max(0, rapid.IntRange(-8, 2).Draw(t, "directives")))
}

// naive writes a document out, use by use. It tells which limit is passed, or nothing.
type naive struct {
	doc    *ast.QueryDocument
	limits Limits
	// met counts names by the path they stand at.
	met   map[string]int
	using []string
	size
	allFields, allFragments int
	says                    string
}

func writeOut(doc *ast.QueryDocument, limits Limits) string {
	n := &naive{doc: doc, limits: limits}
	n.check("operations", len(doc.Operations), limits.Operations)
	reached := map[string]bool{}
	for _, op := range doc.Operations {
		n.begin()
		n.directives += len(op.Directives)
		n.out("", op.SelectionSet, position{}, reached)
		n.weigh()
		n.written("", 0, op.SelectionSet, map[string]int{})
	}
	n.begin()
	for _, f := range doc.Fragments {
		n.written("", 0, f.SelectionSet, map[string]int{})
		if reached[f.Name] {
			continue
		}
		n.met = map[string]int{}
		n.directives += len(f.Directives)
		reached[f.Name] = true
		n.using = []string{f.Name}
		n.out("", f.SelectionSet, position{}, reached)
		n.using = nil
	}
	n.weigh()
	n.check("fields", n.allFields, limits.Fields)
	n.check("fragments", n.allFragments, limits.Fields)
	return n.says
}

func (n *naive) begin() { n.met, n.size = map[string]int{}, size{} }

func (n *naive) check(what string, have, limit int) {
	if have > limit && n.says != "cycle" {
		n.says = what
	}
}

func (n *naive) weigh() {
	n.allFields += n.fields
	n.allFragments += n.fragments
	n.check("aliases", n.aliases, n.limits.Aliases)
	n.check("directives", n.directives, n.limits.Directives)
	n.check("depth", n.depth, n.limits.Depth)
	n.check("introspection", n.introspection, n.limits.Introspection)
	n.check("nesting", n.nesting, 2*n.limits.Depth)
}

// A position is how deep a selection stands: introspection is -1 outside of it.
type position struct{ depth, introspection, nesting int }

func (n *naive) out(path string, set ast.SelectionSet, at position, reached map[string]bool) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			n.fields++
			if s.Alias != s.Name {
				n.aliases++
			}
			n.directives += len(s.Directives)
			below := at
			if at.introspection > 0 {
				below.introspection++
				n.introspection = max(n.introspection, at.introspection)
			} else {
				below.depth++
				n.depth = max(n.depth, below.depth)
				if s.Name == "__schema" || s.Name == "__type" {
					below.introspection = 1
				}
			}
			n.meet("merged", path+"/"+s.Alias, n.limits.Merged)
			n.out(path+"/"+s.Alias, s.SelectionSet, below, reached)
		case *ast.InlineFragment:
			n.directives += len(s.Directives)
			n.out(path, s.SelectionSet, n.use(at), reached)
		case *ast.FragmentSpread:
			n.directives += len(s.Directives)
			n.meet("spreads", path+"/...", spreadsPerName*n.limits.Merged)
			n.spread(path, s.Name, n.use(at), reached)
		}
	}
}

func (n *naive) use(at position) position {
	n.fragments++
	at.nesting++
	n.nesting = max(n.nesting, at.nesting)
	return at
}

func (n *naive) spread(path, name string, at position, reached map[string]bool) {
	for _, using := range n.using {
		if using == name {
			n.says = "cycle"
			return
		}
	}
	if definition := n.doc.Fragments.ForName(name); definition != nil {
		reached[name] = true
		n.directives += len(definition.Directives)
		n.using = append(n.using, name)
		n.out(path, definition.SelectionSet, at, reached)
		n.using = n.using[:len(n.using)-1]
	}
}

func (n *naive) meet(what, key string, limit int) {
	n.met[key]++
	n.check(what, n.met[key], limit)
}

// written counts what repeats in a definition without its named fragments, and how deep inline
// fragments and values are.
func (n *naive) written(path string, inline int, set ast.SelectionSet, met map[string]int) {
	n.check("inline", inline, inlineLevels)
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			met[path+"/"+s.Alias]++
			n.check("repeats", met[path+"/"+s.Alias], n.limits.Repeats)
			for _, argument := range s.Arguments {
				n.check("values", levels(argument.Value), n.limits.Values)
			}
			n.written(path+"/"+s.Alias, 0, s.SelectionSet, met)
		case *ast.InlineFragment:
			n.written(path, inline+1, s.SelectionSet, met)
		case *ast.FragmentSpread:
		}
	}
}

func levels(v *ast.Value) int {
	if v.Kind != ast.ListValue && v.Kind != ast.ObjectValue {
		return 0
	}
	deepest := 0
	for _, child := range v.Children {
		deepest = max(deepest, levels(child.Value))
	}
	return deepest + 1
}
