package transport

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// decode reads a body: one JSON object, so no batch.
func decode(body []byte) (*graphql.RawParams, *refusal) {
	if refused := checkText(body); refused != nil {
		return nil, refused
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return nil, bad("the body must be one JSON object with `query` and, as needed, `variables` and `operationName`")
	}
	return fromObject(object)
}

// fromObject reads an operation's members. Others are ignored, as the specification has it.
func fromObject(object map[string]json.RawMessage) (*graphql.RawParams, *refusal) {
	params := &graphql.RawParams{}
	if isNull(object["query"]) || json.Unmarshal(object["query"], &params.Query) != nil {
		return nil, bad("`query` must be a string with a GraphQL document")
	}
	if name := object["operationName"]; !isNull(name) && json.Unmarshal(name, &params.OperationName) != nil {
		return nil, bad("`operationName` must be a string")
	}
	if params.Variables = map[string]any{}; !readObject(object["variables"], &params.Variables) {
		return nil, bad("`variables` must be an object")
	}
	if !readObject(object["extensions"], &params.Extensions) {
		return nil, bad("`extensions` must be an object")
	}
	return params, nil
}

func isNull(text json.RawMessage) bool {
	return len(text) == 0 || string(bytes.TrimSpace(text)) == "null"
}

// readObject reads text that is one JSON value as an object, numbers as they are spelled. Null
// is none.
func readObject(text json.RawMessage, into *map[string]any) bool {
	if isNull(text) {
		return true
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return dec.Decode(into) == nil
}

// checkText refuses JSON that is not UTF-8 and JSON that escapes half a surrogate pair:
// encoding/json would put U+FFFD in the place of either, and nobody would know.
func checkText(text []byte) *refusal {
	if !utf8.Valid(text) {
		return bad("the request is not UTF-8")
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if i++; i >= len(text) || text[i] != 'u' {
			continue
		}
		unit, ok := hex(text, i+1)
		if !ok || !utf16.IsSurrogate(unit) {
			continue
		}
		low, ok := rune(0), i+6 < len(text) && text[i+5] == '\\' && text[i+6] == 'u'
		if ok {
			low, ok = hex(text, i+7)
		}
		if !ok || utf16.DecodeRune(unit, low) == utf8.RuneError {
			return bad("the request escapes half a surrogate pair, which is no character")
		}
		i += 10
	}
	return nil
}

func hex(text []byte, at int) (rune, bool) {
	if at+4 > len(text) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[at:at+4]), 16, 16)
	return rune(n), err == nil
}
