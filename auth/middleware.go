package auth

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"greenroom/models"
)

// guessers bounds how many addresses' wrong guesses are remembered.
const guessers = 10_000

// Failures limits how often one address may send a wrong credential.
type Failures struct {
	// PerSecond wrong credentials are answered as such in the long run, Burst at once; the rest
	// get RATE_LIMITED. A right credential always passes, so nobody can lock a neighbour out.
	PerSecond float64
	Burst     int
}

// Middleware puts the caller into the request's context. A request without a credential goes
// on as nobody's; one with a wrong credential is answered by refuse.
func (a *Authenticator) Middleware(limit Failures, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	guesses, err := lru.New[string, *rate.Limiter](guessers)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			secret, err := Credential(r.Header)
			if err == nil && secret == "" {
				next.ServeHTTP(w, r)
				return
			}
			var caller *Caller
			if err == nil {
				caller, err = a.Caller(r.Context(), secret)
			}
			if errors.Is(err, models.ErrUnauthenticated) && !mayGuess(guesses, limit, r) {
				err = &models.Error{
					Kind: models.KindRateLimited, RetryAfter: time.Second,
					Message: "too many wrong credentials from this address",
				}
			}
			if err != nil {
				refuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(WithCaller(r.Context(), caller)))
		})
	}
}

// Credential finds the secret among the headers: `Authorization: Bearer` or `x-api-key`; empty
// when there is none. Another scheme, or two secrets that differ, is models.ErrUnauthenticated.
func Credential(h http.Header) (string, error) {
	key, authorization := h.Get("X-Api-Key"), h.Get("Authorization")
	if authorization == "" {
		return key, nil
	}
	scheme, bearer, _ := strings.Cut(authorization, " ")
	bearer = strings.TrimSpace(bearer)
	if !strings.EqualFold(scheme, "Bearer") || bearer == "" || (key != "" && key != bearer) {
		return "", models.ErrUnauthenticated
	}
	return bearer, nil
}

// guesser is whose guesses count together: an IPv4 address, or an IPv6 network, which one
// subscriber has whole.
func guesser(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote
	}
	ip := at.Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	return netip.PrefixFrom(ip, bits).Masked().String()
}

func mayGuess(guesses *lru.Cache[string, *rate.Limiter], limit Failures, r *http.Request) bool {
	host := guesser(r.RemoteAddr)
	limiter := rate.NewLimiter(rate.Limit(limit.PerSecond), limit.Burst)
	if known, ok, _ := guesses.PeekOrAdd(host, limiter); ok {
		limiter = known
	}
	return limiter.Allow()
}
