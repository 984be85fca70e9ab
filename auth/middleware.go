package auth

import (
	"net/http"
	"strings"

	"greenroom/models"
)

// Middleware puts the caller into the request's context. A request without a credential goes
// on as nobody's; one with a wrong credential is answered by refuse.
func (g *Gate) Middleware(refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			secret, err := Credential(r.Header)
			if err == nil && secret == "" {
				next.ServeHTTP(w, r)
				return
			}
			var caller *Caller
			if err == nil {
				caller, err = g.Admit(r.Context(), r.RemoteAddr, secret)
			} else {
				err = g.refuse(r.RemoteAddr, err)
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
