package graph

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"greenroom/graph/transport"
	"greenroom/models"
)

// Refuse answers a request whose credential does not let it in, in the shape of every other
// answer of /graphql: 401, 429 when it has guessed too often, 503 when nobody can tell. The
// last two say in Retry-After when to try again.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	refusal, ok := errors.AsType[*models.Error](err)
	if !ok {
		refusal = models.Unavailable("credentials cannot be checked right now", 0)
	}
	status := http.StatusServiceUnavailable
	switch refusal.Kind {
	case models.KindUnauthenticated:
		status = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", "Bearer")
	case models.KindForbidden:
		status = http.StatusForbidden
	case models.KindRateLimited:
		status = http.StatusTooManyRequests
	}
	if after := seconds(refusal.RetryAfter); after != nil {
		w.Header().Set("Retry-After", strconv.Itoa(*after))
	}
	transport.Refuse(w, r, status, presentKnown(&gqlerror.Error{}, refusal))
}
