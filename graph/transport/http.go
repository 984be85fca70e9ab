// Package transport brings GraphQL operations in and their answers out.
package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"greenroom/models"
)

// HTTP answers as "GraphQL over HTTP" has it: POST with a JSON body, and GET for queries. It
// streams events to who asks for them, which is the way of a subscription. Nothing of a body
// that it refuses is repeated in the answer.
// https://graphql.github.io/graphql-over-http/draft/
type HTTP struct {
	// MaxBody is the most bytes of a body, and of a query string.
	MaxBody int64
	// Live counts event streams, of subscriptions.
	Live *Live
	// Keep watches over the credential of an open event stream; nil watches over none.
	Keep Keep
}

// Keep gives a context that ends, with the cause models.ErrUnauthenticated, soon after the
// secret is not valid any more. See auth.Authenticator.
type Keep func(ctx context.Context, secret string) (kept context.Context, release func())

var _ graphql.Transport = HTTP{}

// Supports takes everything that does not ask for a WebSocket.
func (HTTP) Supports(r *http.Request) bool { return !isUpgrade(r) }

// Do answers one request.
func (h HTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	wants := prepare(w, r)
	if r.Method == http.MethodOptions {
		w.Header().Set("Allow", allowed)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	params, refused := h.params(w, r, wants)
	if refused != nil {
		if refused.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", allowed)
		}
		refused.write(w)
		return
	}
	h.execute(w, r, exec, params, wants)
}

const allowed = "GET, POST, OPTIONS"

// Refuse answers a request that does not reach the schema at all.
func Refuse(w http.ResponseWriter, r *http.Request, status int, err *gqlerror.Error) {
	prepare(w, r)
	write(w, status, &graphql.Response{Errors: gqlerror.List{err}})
}

// prepare sets the headers of every answer, and tells what the client wants.
func prepare(w http.ResponseWriter, r *http.Request) wanted {
	wants := wantedBy(r.Header["Accept"])
	header := w.Header()
	header["Content-Type"] = wants.contentType
	header["Vary"] = append(header["Vary"], "Accept")
	// Answers hold credentials: access tokens, keys, room tokens.
	header["Cache-Control"] = noStore
	return wants
}

var noStore = []string{"no-store"} // never changed

func (h HTTP) execute(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor, params *graphql.RawParams, wants wanted) {
	ctx := r.Context()
	op, errs := exec.CreateOperationContext(ctx, params)
	if errs != nil {
		response := exec.DispatchError(graphql.WithOperationContext(ctx, op), errs)
		switch {
		case wants.eventsFirst:
			h.streamOne(ctx, w, response)
		case wants.media == graphQLResponse:
			write(w, http.StatusBadRequest, response)
		default:
			write(w, http.StatusOK, response)
		}
		return
	}
	switch kind := op.Operation.Operation; {
	case kind == ast.Mutation && r.Method == http.MethodGet:
		w.Header().Set("Allow", "POST")
		(&refusal{http.StatusMethodNotAllowed, "GET is for queries; send a mutation by POST"}).write(w)
	case kind == ast.Subscription && !wants.events:
		(&refusal{http.StatusNotAcceptable, "a subscription needs a WebSocket or an event stream"}).write(w)
	case kind == ast.Subscription:
		h.subscribe(w, r, exec, op)
	case wants.eventsFirst:
		h.stream(ctx, w, exec, op)
	default:
		respond(ctx, w, exec, op)
	}
}

// respond runs an operation that has one response. The fields of a mutation run one after another, each
// for as long as it may take by itself: together that can be longer than the server has for an answer,
// which therefore gets its time when it is there.
func respond(ctx context.Context, w http.ResponseWriter, exec graphql.GraphExecutor, op *graphql.OperationContext) {
	isMutation := op.Operation.Operation == ast.Mutation
	out := http.NewResponseController(w)
	if isMutation {
		_ = out.SetWriteDeadline(time.Time{}) // where there are no deadlines, there is none to move
	}
	responses, ctx := exec.DispatchOperation(ctx, op)
	response := responses(ctx)
	if isMutation {
		_ = out.SetWriteDeadline(time.Now().Add(writeWithin)) // as above
	}
	// Nil when the request's context is over: nobody is left to answer.
	if response != nil {
		write(w, http.StatusOK, response)
	}
}

// params reads a request's operation, or says why not.
func (h HTTP) params(w http.ResponseWriter, r *http.Request, wants wanted) (*graphql.RawParams, *refusal) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return nil, &refusal{http.StatusMethodNotAllowed, "this answers GET, POST and OPTIONS"}
	}
	if !wants.acceptable && !wants.events {
		return nil, &refusal{http.StatusNotAcceptable, "this answers " + jsonMedia + ", " + graphQLResponse + " and " + eventStream}
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
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, &refusal{http.StatusUnsupportedMediaType, "send Content-Type: application/json, in UTF-8"}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, &refusal{http.StatusUnsupportedMediaType, "send the body uncompressed"}
	}
	body := bytes.NewBuffer(Buffer())
	defer func() { release(body.Bytes()) }() // what is decoded keeps nothing of it
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, h.MaxBody))
	if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
		return nil, &refusal{http.StatusRequestEntityTooLarge, "the body is larger than " + strconv.FormatInt(h.MaxBody, 10) + " bytes"}
	} else if err != nil {
		return nil, bad("the body did not arrive whole")
	}
	return decode(body.Bytes())
}

// isJSON tells a body's type.
func isJSON(contentType string) bool {
	if contentType == jsonMedia { // as nearly every client has it
		return true
	}
	media, attributes, err := mime.ParseMediaType(contentType)
	charset := attributes["charset"]
	return err == nil && media == jsonMedia && (charset == "" || strings.EqualFold(charset, "utf-8"))
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

// write answers a request that is not run with why.
func (r *refusal) write(w http.ResponseWriter) {
	write(w, r.status, &graphql.Response{Errors: gqlerror.List{r.present()}})
}
