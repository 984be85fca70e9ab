package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Types of messages, as the protocol names them.
const (
	typeInit      = "connection_init"
	typeAck       = "connection_ack"
	typePing      = "ping"
	typePong      = "pong"
	typeSubscribe = "subscribe"
	typeNext      = "next"
	typeError     = "error"
	typeComplete  = "complete"
)

// A message is one that a client may send, checked.
type message struct {
	kind string
	// id is the operation's, for subscribe and complete.
	id string
	// payload is an object, or nothing.
	payload json.RawMessage
	// params are the operation of a subscribe. When refused is set they are nil: the message is
	// in order, but the operation cannot be run.
	params  *graphql.RawParams
	refused *refusal
}

// parse reads a text frame. The error is for developers, and repeats nothing of the frame.
func parse(frame []byte) (*message, error) {
	if !utf8.Valid(frame) {
		return nil, errors.New("the message is not UTF-8")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(frame, &object); err != nil || object == nil {
		return nil, errors.New("the message is not one JSON object")
	}
	m := &message{}
	if !readString(object["type"], &m.kind) {
		return nil, errors.New("`type` must be a string")
	}
	switch m.kind {
	case typeInit, typePing, typePong:
		if payload := object["payload"]; !isNull(payload) {
			m.payload = payload
		}
		if m.payload != nil && !isObject(m.payload) {
			return nil, errors.New("`payload` must be an object, null or missing")
		}
	case typeSubscribe, typeComplete:
		if !readString(object["id"], &m.id) || m.id == "" {
			return nil, errors.New("`id` must be a string with at least one character")
		}
		if m.kind == typeSubscribe {
			return m, m.readOperation(object["payload"])
		}
	default:
		return nil, errors.New("no client sends messages of this `type`")
	}
	return m, nil
}

// readOperation reads the payload of a subscribe.
func (m *message) readOperation(payload json.RawMessage) error {
	if !isObject(payload) {
		return errors.New("`payload` must be an object with `query` and, as needed, `variables` and `operationName`")
	}
	// A page whose user has pasted half a character loses that operation, not its socket.
	if m.refused = checkText(payload); m.refused != nil {
		return nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(payload, &object); err != nil {
		return errors.New("`payload` must be an object")
	}
	params, refused := fromObject(object)
	if refused != nil {
		return errors.New(refused.message)
	}
	m.params = params
	return nil
}

func isObject(text json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{"))
}

// readString reads a JSON string. One that escapes half a character is none: it could not be
// told from others.
func readString(text json.RawMessage, into *string) bool {
	return !isNull(text) && checkText(text) == nil && json.Unmarshal(text, into) == nil
}

// simple is a message without an id. A payload is written as it is.
func simple(kind string, payload json.RawMessage) []byte {
	if payload == nil {
		return []byte(`{"type":"` + kind + `"}`)
	}
	var frame bytes.Buffer
	frame.Grow(len(payload) + 32)
	frame.WriteString(`{"type":"` + kind + `","payload":`)
	frame.Write(payload)
	frame.WriteByte('}')
	return frame.Bytes()
}

// Messages of one operation, whose id comes as JSON.

func nextMessage(id []byte, response *graphql.Response) []byte {
	var frame bytes.Buffer
	frame.Grow(len(response.Data) + 128)
	begin(&frame, id, typeNext)
	frame.WriteString(`,"payload":`)
	encode(&frame, response)
	frame.WriteByte('}')
	return frame.Bytes()
}

func errorMessage(id []byte, errs gqlerror.List) []byte {
	var frame bytes.Buffer
	begin(&frame, id, typeError)
	frame.WriteString(`,"payload":`)
	frame.Write(plain(errs))
	frame.WriteByte('}')
	return frame.Bytes()
}

func completeMessage(id []byte) []byte {
	var frame bytes.Buffer
	begin(&frame, id, typeComplete)
	frame.WriteByte('}')
	return frame.Bytes()
}

func begin(frame *bytes.Buffer, id []byte, kind string) {
	frame.WriteString(`{"id":`)
	frame.Write(id)
	frame.WriteString(`,"type":"` + kind + `"`)
}

// Frames of messages with a payload that is JSON already.

func appendNext(b, id, payload []byte) []byte {
	const head, kind, tail = `{"id":`, `,"type":"` + typeNext + `","payload":`, `}`
	b = appendHead(b, len(head)+len(id)+len(kind)+len(payload)+len(tail))
	b = append(append(append(append(b, head...), id...), kind...), payload...)
	return append(b, tail...)
}

func appendComplete(b, id []byte) []byte {
	text := completeMessage(id)
	return append(appendHead(b, len(text)), text...)
}
