package transport

import (
	"bytes"
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// What is here reads JSON that has been checked by json.Valid and by checkText, in one pass and with
// little garbage: a request's body is most of what an operation on one session costs in reading.

// eachMember goes through the members of an object. False when the text is another value.
func eachMember(text []byte, member func(name string, value []byte)) bool {
	text = trim(text)
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	for rest := trim(text[1:]); rest[0] != '}'; rest = next(rest) {
		var name string
		name, rest = memberName(rest)
		end := valueEnd(rest)
		member(name, rest[:end])
		rest = rest[end:]
	}
	return true
}

// readValue decodes the value that text begins with, numbers as they are spelled, and gives what
// comes behind it.
func readValue(text []byte) (value any, rest []byte) {
	switch text = trim(text); text[0] {
	case '{':
		object := map[string]any{}
		for rest = trim(text[1:]); rest[0] != '}'; rest = next(rest) {
			var name string
			name, rest = memberName(rest)
			object[name], rest = readValue(rest)
		}
		return object, rest[1:]
	case '[':
		list := []any{}
		for rest = trim(text[1:]); rest[0] != ']'; rest = next(rest) {
			value, rest = readValue(rest)
			list = append(list, value)
		}
		return list, rest[1:]
	}
	end := valueEnd(text)
	switch rest = text[end:]; text[0] {
	case '"':
		return unquote(text[:end]), rest
	case 't':
		return true, rest
	case 'f':
		return false, rest
	case 'n':
		return nil, rest
	default:
		return json.Number(text[:end]), rest
	}
}

// memberName reads a name and its colon.
func memberName(text []byte) (name string, value []byte) {
	end := stringEnd(text)
	return unquote(text[:end]), trim(trim(text[end:])[1:])
}

// next goes behind a comma, if there is one.
func next(text []byte) []byte {
	if text = trim(text); text[0] == ',' {
		text = trim(text[1:])
	}
	return text
}

// valueEnd is where the value at the beginning of text ends.
func valueEnd(text []byte) int {
	switch text[0] {
	case '"':
		return stringEnd(text)
	case '{', '[':
	default:
		for i, c := range text {
			switch c {
			case ',', '}', ']', ' ', '\t', '\r', '\n':
				return i
			}
		}
		return len(text)
	}
	depth := 0
	for i := 0; ; i++ {
		switch text[i] {
		case '"':
			i += stringEnd(text[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

// stringEnd is where the string at the beginning of text ends.
func stringEnd(text []byte) int {
	for i := 1; ; i++ {
		i += bytes.IndexByte(text[i:], '"')
		escapes := 0
		for text[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
}

// unquote gives what a string says.
func unquote(text []byte) string {
	text = text[1 : len(text)-1]
	escape := bytes.IndexByte(text, '\\')
	if escape < 0 {
		return string(text)
	}
	said := make([]byte, 0, len(text))
	for ; escape >= 0; escape = bytes.IndexByte(text, '\\') {
		said = append(said, text[:escape]...)
		said, text = unescape(said, text[escape+1:])
	}
	said = append(said, text...)
	return unsafe.String(unsafe.SliceData(said), len(said)) //nolint:gosec // G103: nobody writes it again
}

// unescape reads an escape behind its backslash.
func unescape(said, text []byte) (more, rest []byte) {
	switch c := text[0]; c {
	case 'b':
		return append(said, '\b'), text[1:]
	case 'f':
		return append(said, '\f'), text[1:]
	case 'n':
		return append(said, '\n'), text[1:]
	case 'r':
		return append(said, '\r'), text[1:]
	case 't':
		return append(said, '\t'), text[1:]
	case 'u':
		unit, _ := hex(text, 1)
		text = text[5:]
		if utf16.IsSurrogate(unit) { // its other half follows
			low, _ := hex(text, 2)
			unit, text = utf16.DecodeRune(unit, low), text[6:]
		}
		return utf8.AppendRune(said, unit), text
	default: // a quotation mark, or a slash of either kind
		return append(said, c), text[1:]
	}
}

func trim(text []byte) []byte {
	for i, c := range text {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return text[i:]
		}
	}
	return nil
}
