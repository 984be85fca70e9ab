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
	if !json.Valid(body) {
		return nil, bad(notAnObject)
	}
	var m members
	if !eachMember(body, func(name string, value []byte) { m.set(name, value) }) {
		return nil, bad(notAnObject)
	}
	return m.params()
}

const notAnObject = "the body must be one JSON object with `query` and, as needed, `variables` and `operationName`"

// members are those of a request that are looked at; nil is one that is not there. Others are ignored,
// as the specification has it.
type members struct{ query, operationName, variables, extensions []byte }

// set takes a member: of several with one name the last.
func (m *members) set(name string, value []byte) {
	switch name {
	case "query":
		m.query = value
	case "operationName":
		m.operationName = value
	case "variables":
		m.variables = value
	case "extensions":
		m.extensions = value
	}
}

// fromObject reads an operation's members, which are JSON and have been checked.
func fromObject(object map[string]json.RawMessage) (*graphql.RawParams, *refusal) {
	var m members
	for name, value := range object {
		m.set(name, trim(value))
	}
	return m.params()
}

func (m *members) params() (*graphql.RawParams, *refusal) {
	params := &graphql.RawParams{}
	if isNull(m.query) || m.query[0] != '"' {
		return nil, bad("`query` must be a string with a GraphQL document")
	}
	params.Query = unquote(bytes.TrimSpace(m.query))
	if name := m.operationName; !isNull(name) {
		if name[0] != '"' {
			return nil, bad("`operationName` must be a string")
		}
		params.OperationName = unquote(bytes.TrimSpace(name))
	}
	var ok bool
	if params.Variables, ok = objectOf(m.variables); !ok {
		return nil, bad("`variables` must be an object")
	}
	if params.Variables == nil {
		params.Variables = map[string]any{}
	}
	if params.Extensions, ok = objectOf(m.extensions); !ok {
		return nil, bad("`extensions` must be an object")
	}
	return params, nil
}

// objectOf reads an object. Null is none.
func objectOf(text []byte) (object map[string]any, ok bool) {
	if isNull(text) {
		return nil, true
	}
	value, _ := readValue(text)
	object, ok = value.(map[string]any)
	return object, ok
}

func isNull(text []byte) bool {
	return len(text) == 0 || string(bytes.TrimSpace(text)) == "null"
}

// checkText refuses JSON that is not UTF-8 and JSON that escapes half a surrogate pair:
// encoding/json would put U+FFFD in the place of either, and nobody would know.
func checkText(text []byte) *refusal {
	if !utf8.Valid(text) {
		return bad("the request is not UTF-8")
	}
	for i := 0; i < len(text); i++ {
		escape := bytes.IndexByte(text[i:], '\\')
		if escape < 0 {
			break
		}
		i += escape
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
