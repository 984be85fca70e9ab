package auth

import (
	"context"
	"errors"
	"net/netip"
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

// A Gate tells whose a credential is, and counts the wrong ones of each address. There is one
// for all ways in: a guess by WebSocket is a guess like any other.
type Gate struct {
	auth    *Authenticator
	limit   Failures
	guesses *lru.Cache[string, *rate.Limiter]
}

// NewGate makes a Gate.
func NewGate(a *Authenticator, limit Failures) *Gate {
	guesses, err := lru.New[string, *rate.Limiter](guessers)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return &Gate{auth: a, limit: limit, guesses: guesses}
}

// Admit tells whose secret this is, sent from the address remote, a host and port. The error is
// as Authenticator.Caller has it, or RATE_LIMITED when the address has been wrong too often.
func (g *Gate) Admit(ctx context.Context, remote, secret string) (*Caller, error) {
	caller, err := g.auth.Caller(ctx, secret)
	if err != nil {
		return nil, g.refuse(remote, err)
	}
	return caller, nil
}

// refuse counts a wrong credential, and says so when it was one too many.
func (g *Gate) refuse(remote string, err error) error {
	if !errors.Is(err, models.ErrUnauthenticated) || g.mayGuess(remote) {
		return err
	}
	return &models.Error{
		Kind: models.KindRateLimited, RetryAfter: time.Second,
		Message: "too many wrong credentials from this address",
	}
}

func (g *Gate) mayGuess(remote string) bool {
	limiter := rate.NewLimiter(rate.Limit(g.limit.PerSecond), g.limit.Burst)
	if known, ok, _ := g.guesses.PeekOrAdd(guesser(remote), limiter); ok {
		limiter = known
	}
	return limiter.Allow()
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
