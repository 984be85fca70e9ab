// Package transport brings GraphQL operations in and their answers out.
package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"greenroom/models"
)

// HTTP answers queries and mutations as "GraphQL over HTTP" has it: POST with a JSON body, and
// GET for queries. Nothing of a body that it refuses is repeated in the answer.
// https://graphql.github.io/graphql-over-http/draft/
type HTTP struct {
	// MaxBody is the most bytes of a body, and of a query string.
	MaxBody int64
}

var _ graphql.Transport = HTTP{}

// Supports takes everything that does not ask for another protocol.
func (HTTP) Supports(r *http.Request) bool { return r.Header.Get("Upgrade") == "" }

// Do answers one request.
func (h HTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	media, acceptable := prepare(w, r)
	if r.Method == http.MethodOptions {
		w.Header().Set("Allow", allowed)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	params, refusal := h.params(w, r, acceptable)
	if refusal != nil {
		if refusal.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", allowed)
		}
		write(w, refusal.status, &graphql.Response{Errors: gqlerror.List{refusal.present()}})
		return
	}
	h.execute(w, r, exec, params, media)
}

const allowed = "GET, POST, OPTIONS"

// Refuse answers a request that does not reach the schema at all.
func Refuse(w http.ResponseWriter, r *http.Request, status int, err *gqlerror.Error) {
	prepare(w, r)
	write(w, status, &graphql.Response{Errors: gqlerror.List{err}})
}

// prepare sets the headers of every answer, and tells its media type.
func prepare(w http.ResponseWriter, r *http.Request) (media string, acceptable bool) {
	media, acceptable = negotiate(r.Header.Values("Accept"))
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	w.Header().Add("Vary", "Accept")
	// Answers hold credentials: access tokens, keys, room tokens.
	w.Header().Set("Cache-Control", "no-store")
	return media, acceptable
}

func (HTTP) execute(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor, params *graphql.RawParams, media string) {
	ctx := r.Context()
	op, errs := exec.CreateOperationContext(ctx, params)
	if errs != nil {
		status := http.StatusOK
		if media == graphQLResponse {
			status = http.StatusBadRequest
		}
		write(w, status, exec.DispatchError(graphql.WithOperationContext(ctx, op), errs))
		return
	}
	switch kind := op.Operation.Operation; {
	case kind == ast.Subscription:
		write(w, http.StatusNotAcceptable, &graphql.Response{Errors: gqlerror.List{(&refusal{
			message: "a subscription needs a WebSocket or an event stream",
		}).present()}})
		return
	case kind != ast.Query && r.Method == http.MethodGet:
		w.Header().Set("Allow", "POST")
		write(w, http.StatusMethodNotAllowed, &graphql.Response{Errors: gqlerror.List{(&refusal{
			message: "GET is for queries; send a mutation by POST",
		}).present()}})
		return
	}
	responses, ctx := exec.DispatchOperation(ctx, op)
	// Nil when the request's context is over: nobody is left to answer.
	if response := responses(ctx); response != nil {
		write(w, http.StatusOK, response)
	}
}

// params reads a request's operation, or says why not.
func (h HTTP) params(w http.ResponseWriter, r *http.Request, acceptable bool) (*graphql.RawParams, *refusal) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return nil, &refusal{http.StatusMethodNotAllowed, "this answers GET, POST and OPTIONS"}
	}
	if !acceptable {
		return nil, &refusal{http.StatusNotAcceptable, "this answers " + jsonMedia + " and " + graphQLResponse}
	}
	var params *graphql.RawParams
	var refused *refusal
	if r.Method == http.MethodGet {
		params, refused = h.fromURL(r.URL)
	} else {
		params, refused = h.fromBody(w, r)
	}
	if refused != nil {
		return nil, refused
	}
	params.Headers = r.Header
	now := graphql.Now()
	params.ReadTime = graphql.TraceTiming{Start: graphql.GetStartTime(r.Context()), End: now}
	return params, nil
}

func (h HTTP) fromBody(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, *refusal) {
	media, attributes, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := attributes["charset"]
	if err != nil || media != jsonMedia || (charset != "" && !strings.EqualFold(charset, "utf-8")) {
		return nil, &refusal{http.StatusUnsupportedMediaType, "send Content-Type: application/json, in UTF-8"}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, &refusal{http.StatusUnsupportedMediaType, "send the body uncompressed"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.MaxBody))
	if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
		return nil, &refusal{http.StatusRequestEntityTooLarge, "the body is larger than " + strconv.FormatInt(h.MaxBody, 10) + " bytes"}
	} else if err != nil {
		return nil, bad("the body did not arrive whole")
	}
	return decode(body)
}

func (h HTTP) fromURL(u *url.URL) (*graphql.RawParams, *refusal) {
	if int64(len(u.RawQuery)) > h.MaxBody {
		return nil, &refusal{http.StatusRequestURITooLong, "the query string is too long: use POST"}
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, bad("the query string is malformed")
	}
	// The same rules as for a body: what is JSON there is JSON here.
	object := map[string]json.RawMessage{}
	for _, name := range []string{"query", "operationName"} {
		if values.Has(name) {
			text := values.Get(name)
			quoted, err := json.Marshal(text)
			if err != nil || !utf8.ValidString(text) {
				return nil, bad("the request is not UTF-8")
			}
			object[name] = quoted
		}
	}
	for _, name := range []string{"variables", "extensions"} {
		if text := values.Get(name); text != "" {
			if refused := checkText([]byte(text)); refused != nil {
				return nil, refused
			}
			if !json.Valid([]byte(text)) {
				return nil, bad("`" + name + "` must be a JSON object")
			}
			object[name] = json.RawMessage(text)
		}
	}
	return fromObject(object)
}

// A refusal is a request that is not run at all.
type refusal struct {
	status  int
	message string
}

func bad(message string) *refusal { return &refusal{http.StatusBadRequest, message} }

func (r *refusal) present() *gqlerror.Error {
	return &gqlerror.Error{
		Message:    r.message,
		Extensions: map[string]any{"code": models.KindInvalidInput},
	}
}

// write encodes an answer. A request that was refused before it ran has no data at all, one
// that ran has it even when it is null. The data is JSON already, and written as it is.
func write(w http.ResponseWriter, status int, response *graphql.Response) {
	var body bytes.Buffer
	body.Grow(len(response.Data) + 64)
	body.WriteByte('{')
	if len(response.Errors) > 0 {
		member(&body, "errors", response.Errors)
	}
	if response.Data != nil {
		if body.Len() > 1 {
			body.WriteByte(',')
		}
		body.WriteString(`"data":`)
		body.Write(response.Data)
	}
	if len(response.Extensions) > 0 {
		body.WriteByte(',')
		member(&body, "extensions", response.Extensions)
	}
	body.WriteByte('}')
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that has gone needs no answer
}

func member(body *bytes.Buffer, name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // errors and extensions are made of plain values
	}
	body.WriteString(`"` + name + `":`)
	body.Write(text)
}
