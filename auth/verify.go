package auth

import (
	"context"
	"slices"
	"strings"

	"greenroom/models"
)

// together is how many credentials are looked up by one statement at most.
const together = 256

// verify tells of many secrets whether they are valid: what Caller's error would be, with a
// statement for many of them.
func (a *Authenticator) verify(ctx context.Context, secrets []string) []error {
	verdicts := make([]error, len(secrets))
	var keys, tokens []int
	for i, secret := range secrets {
		switch {
		case a.lookup.APIKeys != nil && strings.HasPrefix(secret, apiKeyPrefix):
			keys = append(keys, i)
		case a.lookup.Sessions != nil && strings.HasPrefix(secret, accessTokenPrefix):
			tokens = append(tokens, i)
		default:
			_, verdicts[i] = a.Caller(ctx, secret)
		}
	}
	for some := range slices.Chunk(keys, together) {
		a.verifyKeys(ctx, secrets, some, verdicts)
	}
	for some := range slices.Chunk(tokens, together) {
		a.verifyTokens(ctx, secrets, some, verdicts)
	}
	return verdicts
}

// verifyKeys verifies the secrets at some places.
func (a *Authenticator) verifyKeys(ctx context.Context, secrets []string, some []int, verdicts []error) {
	prefixes := make([]string, len(some))
	for i, at := range some {
		prefixes[i], _ = prefixOf(apiKeyPrefix, secrets[at]) // nobody's is empty
	}
	found, err := a.lookup.APIKeys(ctx, prefixes)
	for i, at := range some {
		stored, ok := found[prefixes[i]]
		switch {
		case err != nil:
			verdicts[at] = unknownOr(err)
		case !ok:
			verdicts[at] = models.ErrUnauthenticated
		default:
			_, verdicts[at] = a.keysCaller(stored, secrets[at])
		}
	}
}

// verifyTokens verifies the secrets at some places.
func (a *Authenticator) verifyTokens(ctx context.Context, secrets []string, some []int, verdicts []error) {
	hashes := make([][]byte, len(some))
	for i, at := range some {
		hashes[i] = Hash(secrets[at])
	}
	now := a.clock.Now(ctx)
	found, err := a.lookup.Sessions(ctx, hashes, now)
	for i, at := range some {
		session := found[string(hashes[i])]
		switch {
		case err != nil:
			verdicts[at] = unknownOr(err)
		case session == nil:
			verdicts[at] = models.ErrUnauthenticated
		default:
			_, verdicts[at] = tokensCaller(session, now)
		}
	}
}
