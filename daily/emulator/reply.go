package emulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// Daily's error ids.
const (
	invalidRequest = "invalid-request-error"
	notFound       = "not-found"
)

// A reply is what a call answers.
type reply struct {
	status int
	body   any // nil is an empty body
	header map[string]string
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

// refuse is an error in Daily's form. info may be empty and is then left out.
func refuse(status int, id, info string) reply {
	body := object{{"error", id}}
	if info != "" {
		body = append(body, field{"info", info})
	}
	return reply{status: status, body: body}
}

func invalid(format string, args ...any) reply {
	return refuse(http.StatusBadRequest, invalidRequest, fmt.Sprintf(format, args...))
}

func noRoom(name string) reply {
	return refuse(http.StatusNotFound, notFound, fmt.Sprintf("room %s not found", name))
}

func notHosting(name string) reply {
	return refuse(http.StatusNotFound, notFound, fmt.Sprintf("room %s does not seem to be hosting a call currently", name))
}

// refusal makes a reply an error, for functions that give a value otherwise.
type refusal struct{ reply reply }

func (r *refusal) Error() string { return fmt.Sprintf("status %d", r.reply.status) }

// An object is a JSON object that keeps the order of its fields, as JSON.stringify does.
type object []field

type field struct {
	key   string
	value any
}

// MarshalJSON writes the fields in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(compact(f.key))
		b.WriteByte(':')
		b.Write(compact(f.value))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// compact is v as JSON.stringify writes it: no white space, no HTML escapes.
func compact(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // only values of our own making come here
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (r reply) text() []byte {
	if r.body == nil {
		return nil
	}
	return compact(r.body)
}

func (r reply) write(w http.ResponseWriter) {
	send(w, r.status, "application/json; charset=utf-8", r.text(), r.header)
}

func send(w http.ResponseWriter, status int, contentType string, text []byte, header map[string]string) {
	h := w.Header()
	if text != nil {
		h.Set("Content-Type", contentType)
	}
	for k, v := range header {
		h.Set(k, v)
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the caller may have gone
}
