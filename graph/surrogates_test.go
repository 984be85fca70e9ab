package graph

import (
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

func TestEscapesHalfCharacter(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]bool{
		`{ a(b: "\uD83D\uDE00") }`:            false,
		`{ a(b: "\ud83d\ude00 \u00e9") }`:     false,
		`{ a(b: "\uD83D") }`:                  true,
		`{ a(b: "\uDE00") }`:                  true,
		`{ a(b: "\uDE00\uD83D") }`:            true,
		`{ a(b: "\uD83D \uDE00") }`:           true,
		`{ a(b: "\\uD83D") }`:                 false,
		`{ a(b: "\\\uD83D") }`:                true,
		`{ a(b: "", c: "\uD83D") }`:           true,
		`{ a(b: "\"\uD83D") }`:                true,
		`{ a(b: """\uD83D""", c: 1) }`:        false,
		`{ a(b: """\"""\uD83D""", c: 1) }`:    false,
		`{ a(b: """x""", c: "\uD83D") }`:      true,
		"# \"\\uD83D\"\n{ a }":                false,
		"# \" \n{ a(b: \"\\uD83D\") }":        true,
		"{ a(b: \"x\n\\uD83D\") }":            false, // no string goes over a line: not a document
		`{ a(b: "\uD8`:                        false,
		`"`:                                   false,
		`"""`:                                 false,
		strings.Repeat(`"\u0041" `, 3) + `"\`: false,
	} {
		if got := escapesHalfCharacter(document); got != want {
			t.Errorf("%s: %v", document, got)
		}
	}
}

// A document that passes has no character that the parser has replaced.
func FuzzEscapesHalfCharacter(f *testing.F) {
	for _, seed := range []string{
		`{ a(b: "\uD83D\uDE00") }`, `{ a(b: "\uD83D") }`, `{ a(b: """\uD83D""") } # "\uD83D"`, `{ a(b: "\\\uDE00") }`, `{ a(b: "\u{1F600}") }`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) {
		if escapesHalfCharacter(document) || strings.Contains(document, "\uFFFD") ||
			strings.Contains(strings.ToLower(document), "fffd") || strings.ToValidUTF8(document, "") != document {
			return
		}
		doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: document}, DefaultLimits.Tokens)
		if err != nil {
			return
		}
		for _, op := range doc.Operations {
			for _, selected := range op.SelectionSet {
				field, ok := selected.(*ast.Field)
				if !ok {
					continue
				}
				for _, argument := range field.Arguments {
					if strings.Contains(argument.Value.String(), "\uFFFD") {
						t.Fatalf("%q was read as %s", document, argument.Value)
					}
				}
			}
		}
	})
}
