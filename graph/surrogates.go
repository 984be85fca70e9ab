package graph

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// escapesHalfCharacter tells whether a string in the document has a `\u` escape of one half of a
// surrogate pair without the other. The parser would put U+FFFD there, and nobody would know.
// Comments and block strings have no escapes.
func escapesHalfCharacter(document string) bool {
	for rest := document; rest != ""; {
		switch {
		case rest[0] == '#':
			end := strings.IndexAny(rest, "\r\n")
			if end < 0 {
				return false
			}
			rest = rest[end:]
		case strings.HasPrefix(rest, `"""`):
			rest = afterBlock(rest[3:])
		case rest[0] == '"':
			var half bool
			if rest, half = afterString(rest[1:]); half {
				return true
			}
		default:
			rest = rest[1:]
		}
	}
	return false
}

func afterBlock(rest string) string {
	for {
		end := strings.Index(rest, `"""`)
		if end < 0 {
			return ""
		}
		escaped := end > 0 && rest[end-1] == '\\'
		rest = rest[end+3:]
		if !escaped {
			return rest
		}
	}
}

// afterString reads to the end of a string, and tells whether it escapes half a character.
func afterString(rest string) (after string, half bool) {
	for rest != "" {
		switch rest[0] {
		case '"', '\r', '\n':
			return rest[1:], false
		case '\\':
			unit, ok := unitAt(rest)
			if !ok {
				rest = rest[min(2, len(rest)):]
				continue
			}
			rest = rest[6:]
			if !utf16.IsSurrogate(unit) {
				continue
			}
			low, ok := unitAt(rest)
			if !ok || utf16.DecodeRune(unit, low) == unicode.ReplacementChar {
				return "", true
			}
			rest = rest[6:]
		default:
			rest = rest[1:]
		}
	}
	return "", false
}

// unitAt reads the escape \uXXXX at the beginning of text.
func unitAt(text string) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(text[2:6], 16, 16)
	return rune(n), err == nil
}
