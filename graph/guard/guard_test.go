package guard

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"pgregory.net/rapid"
)

func parse(t interface{ Fatal(args ...any) }, document string) *ast.QueryDocument {
	doc, err := parser.ParseQuery(&ast.Source{Input: document})
	if err != nil {
		t.Fatal(document, err)
	}
	return doc
}

func TestCheck(t *testing.T) {
	t.Parallel()
	components := func(n int) string {
		var uses, all strings.Builder
		for i := range n {
			fmt.Fprintf(&uses, " ...c%d", i)
			fmt.Fprintf(&all, " fragment c%d on Session { id status }", i)
		}
		return "{ session(id: 1) { id " + uses.String() + " } }" + all.String()
	}
	for name, tc := range map[string]struct {
		document string
		// says is the refusal; empty when there is none.
		says string
	}{
		"FourOfAName":                    {"{ a a a a }", ""},
		"FiveOfAName":                    {"{ a a a a a }", "4 fields of the same name in one selection"},
		"AnAliasIsTheName":               {"{ a: b a: b a: b a: b a }", "4 fields of the same name in one selection"},
		"FiveInSiblings":                 {"{ a ... { a } ... on Query { a } ... { ... { a } } ... { a } }", "4 fields of the same name in one selection"},
		"FiveInRepeatedFields":           {"{ x { a a } x { a a } x { a } }", "4 fields of the same name in one selection"},
		"FourInEachOfTwo":                {"{ x { a a a a } y { a a a a } }", ""},
		"TwentyFourComponents":           {components(24), ""},
		"TwentyFiveComponents":           {components(25), "25 fields of the same name in one place of the answer"},
		"OneComponentManyTimes":          {"{" + strings.Repeat("...f ", 26) + "} fragment f on Query { a }", "25 fields of the same name in one place of the answer"},
		"RepeatsThatMeetDeepDown":        {"{" + strings.Repeat("x { ...f } ", 4) + "} fragment f on X { y { ...g } y { ...g } } fragment g on Y { a a a a }", "25 fields of the same name in one place of the answer"},
		"FragmentsWithoutFieldsInCommon": {"{" + strings.Repeat("...a ...b ...c ...d ...e ", 21) + "} fragment a on Query { a } fragment b on Query { b } fragment c on Query { c } fragment d on Query { d } fragment e on Query { e }", "100 fragments in one place of the answer"},
		"InlineFragmentsInEachOther":     {"{ ... { ... { ... { ... { a } } } } }", ""},
		"TooManyInEachOther":             {"{ ... { ... { ... { ... { ... { a } } } } } }", "4 inline fragments in each other"},
		"ThirtyAliases":                  {"{" + numbered(30, "a%d: a ") + "}", ""},
		"ThirtyOneAliases":               {"{" + numbered(31, "a%d: a ") + "}", "30 aliases"},
		"AliasesOfTwoOperations":         {"query a {" + numbered(20, "a%d: a ") + "} query b {" + numbered(20, "a%d: a ") + "}", ""},
		"AliasesOfAFragmentUsedTwice":    {"{ x { ...f } y { ...f } } fragment f on X {" + numbered(16, "a%d: a ") + "}", "30 aliases"},
		"UnusedFragments":                {"{ a } fragment f on X {" + numbered(16, "a%d: a ") + "} fragment g on X {" + numbered(16, "a%d: a ") + "}", "30 aliases"},
		"ASecondFragmentOfTheSameName":   {"{ ...f } fragment f on X { a } fragment f on X {" + numbered(31, "a%d: a ") + "}", "30 aliases"},
		"DirectivesEverywhere": {"query q($v: Int " + strings.Repeat("@d ", 3) + ") " + strings.Repeat("@d ", 3) + "{ a " + strings.Repeat("@d ", 3) + "...f " + strings.Repeat("@d ", 3) +
			"... " + strings.Repeat("@d ", 6) + "{ b } } fragment f on X " + strings.Repeat("@d ", 3) + "{ c }", "20 directives"},
		"TwelveLevels":                   {nested(12, "a"), ""},
		"ThirteenLevels":                 {nested(13, "a"), "12 levels of fields"},
		"LevelsOfFragments":              {"{ a { ...f } } fragment f on X " + nested(12, "b"), "12 levels of fields"},
		"IntrospectionIsDeeper":          {"{ __schema " + nested(25, "a") + " }", ""},
		"ButNotWithoutEnd":               {"{ __schema " + nested(26, "a") + " }", "25 levels of introspection"},
		"AndStartsAnewNowhere":           {"{ __schema " + nested(20, "a { __type") + strings.Repeat("}", 20) + " }", "25 levels of introspection"},
		"AFragmentNamedSchemaIsAnyOther": {"{ ...__schema } fragment __schema on Query " + nested(13, "a"), "12 levels of fields"},
		"AnAliasNamedSchemaTooIsNone":    {"{ __schema: a " + nested(12, "a") + " }", "12 levels of fields"},
		"LevelsOfLists":                  {"{ a(x: " + strings.Repeat("[", 13) + strings.Repeat("]", 13) + ") }", "12 levels of lists and objects"},
		"TwelveLevelsOfValues":           {"{ a(x: " + strings.Repeat("[", 12) + "1" + strings.Repeat("]", 12) + ") }", ""},
		"LevelsInADirective":             {"{ a @d(x: " + strings.Repeat("{y: ", 13) + "1" + strings.Repeat("}", 13) + ") }", "12 levels of lists and objects"},
		"LevelsInADefault":               {"query($v: X = " + strings.Repeat("[", 13) + strings.Repeat("]", 13) + ") { a }", "12 levels of lists and objects"},
		"LevelsOfAType":                  {"query($v: " + strings.Repeat("[", 13) + "X" + strings.Repeat("]", 13) + ") { a }", "12 levels of lists and objects"},
		"EightOperations":                {numbered(8, "query q%d { a } "), ""},
		"NineOperations":                 {numbered(9, "query q%d { a } "), "8 operations"},
		"ACycle":                         {"{ a } fragment f on X { ...f }", ErrCycle.Error()},
		"ACycleOfThree":                  {"{ ...f } fragment f on X { a { ...g } } fragment g on X { ... { ...h } } fragment h on X { ...f }", ErrCycle.Error()},
		"AFragmentThatIsNotThere":        {"{ ...f }", ""},
	} {
		err := Default.Check(parse(t, tc.document))
		if got := fmt.Sprint(err); tc.says != "" && got != tc.says && got != "the document has more than "+tc.says || tc.says == "" && err != nil {
			t.Errorf("%s: %v, want %q", name, err, tc.says)
		}
	}
}

func numbered(n int, text string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, text, i)
	}
	return b.String()
}

// nested is so many levels of a field.
func nested(n int, field string) string {
	return strings.Repeat("{ "+field+" ", n) + strings.Repeat("}", n)
}

// What is counted without walking it is what walking it would count: neither less, which would
// let a document pass, nor more.
func TestCheckAgreesWithWritingOut(t *testing.T) {
	t.Parallel()
	passed, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		document := documents().Draw(t, "document")
		// One limit at a time, so that no other hides what is counted wrongly.
		limits := Limits{1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000}
		small := rapid.IntRange(1, 12).Draw(t, "limit")
		*rapid.SampledFrom([]*int{
			&limits.Operations, &limits.Fields, &limits.Aliases, &limits.Directives, &limits.Depth,
			&limits.Introspection, &limits.Repeats, &limits.Merged, &limits.Values,
		}).Draw(t, "limited") = small
		limits.Repeats = min(limits.Repeats, limits.Merged) // as Limits asks for
		doc := parse(t, document)
		want := writeOut(doc, limits)
		err := limits.Check(doc)
		if (err != nil) != (want != "") {
			t.Fatalf("%s\n%+v: %v, written out %q", document, limits, err, want)
		}
		if errors.Is(err, ErrCycle) && want != "cycle" {
			t.Fatalf("%s: %v, written out %q", document, err, want)
		}
		if err != nil {
			refused++
		} else {
			passed++
		}
	})
	if passed == 0 || refused == 0 {
		t.Errorf("%d passed and %d were refused: one of them was never tried", passed, refused)
	}
}

// FuzzCheck: whatever parses is measured in work that grows with the document alone, and then,
// if its sizes are within the limits, with those.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"{ a }", "{ ...f } fragment f on X { ...f }", "{ a: b(c: [{d: $e}]) @g { ... on X @h(i: 1) { j } } }", "query($v: [[X!]] = [[1]] @d) { a }",
		"{ __schema { types { ...T } } } fragment T on __Type { ofType { ...T } }", "fragment f on X { a } fragment f on X { ...f }",
		"{" + strings.Repeat("...f ", 30) + "} fragment f on X {" + strings.Repeat("...g ", 30) + "} fragment g on X { a }",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		const tokens = 1000
		doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: document}, tokens)
		if err != nil {
			return
		}
		w := walker{limits: Default, doc: doc}
		_ = w.check()
		// Everything that is written has a token of its own.
		written := min(tokens, len(document))
		bound := written
		if w.merged {
			bound += 2 * Default.Fields
		}
		if w.steps > bound {
			t.Errorf("%d steps for %d tokens: %q", w.steps, written, document)
		}
	})
}
