package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// write answers a request with one response. Data that is all there is to say, which it nearly always
// is, goes out as it was written, uncopied.
func write(w http.ResponseWriter, status int, response *graphql.Response) {
	if len(response.Errors) == 0 && len(response.Extensions) == 0 && response.Data != nil {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(dataBegins) + len(response.Data) + len(dataEnds))}
		w.WriteHeader(status)
		for _, part := range [...][]byte{dataBegins, response.Data, dataEnds} {
			// A client that has gone needs no answer. Its connection may be at the bytes still: they are
			// not used again.
			if _, err := w.Write(part); err != nil {
				return
			}
		}
		release(response.Data)
		return
	}
	var body bytes.Buffer
	encode(&body, response)
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

var dataBegins, dataEnds = []byte(`{"data":`), []byte(`}`)

// encode writes a response as JSON. One that was refused before it ran has no data at all, one
// that ran has it even when it is null. The data is JSON already, and written as it is.
func encode(body *bytes.Buffer, response *graphql.Response) {
	body.Grow(len(response.Data) + 64)
	first := byte('{')
	member := func(name string, value any) {
		body.WriteByte(first)
		first = ','
		body.WriteString(`"` + name + `":`)
		if data, ok := value.(json.RawMessage); ok {
			body.Write(data)
			return
		}
		body.Write(plain(value))
	}
	if len(response.Errors) > 0 {
		member("errors", response.Errors)
	}
	if response.Data != nil {
		member("data", response.Data)
	}
	if len(response.Extensions) > 0 {
		member("extensions", response.Extensions)
	}
	if first == '{' {
		body.WriteByte(first)
	}
	body.WriteByte('}')
}

// plain encodes what is made of plain values: errors, extensions, ids.
func plain(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

// presentPanic makes the response of a panic, logged and presented as any other error.
func presentPanic(ctx context.Context, exec graphql.GraphExecutor, value any) *graphql.Response {
	err := &gqlerror.Error{Message: "internal error", Extensions: map[string]any{"code": "INTERNAL"}}
	if e, ok := exec.(interface {
		PresentRecoveredError(ctx context.Context, value any) error
	}); ok {
		if presented, ok := e.PresentRecoveredError(ctx, value).(*gqlerror.Error); ok { //nolint:errorlint // gqlgen's own type, never wrapped
			err = presented
		}
	}
	return &graphql.Response{Errors: gqlerror.List{err}}
}

// presentError makes the response of an operation that did not run because of err.
func presentError(ctx context.Context, exec graphql.GraphExecutor, err error) *graphql.Response {
	if !graphql.HasOperationContext(ctx) {
		ctx = graphql.WithOperationContext(ctx, &graphql.OperationContext{}) // interceptors look for one
	}
	return exec.DispatchError(ctx, gqlerror.List{{Err: err, Message: err.Error()}})
}
