package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"greenroom/models"
)

// readableAfterEnd is how long an access token still reads its session after the end, so that
// a phone can learn why it ended.
const readableAfterEnd = 15 * time.Minute

// touchedKeys bounds how many keys' last use is remembered between writes.
const touchedKeys = 10_000

// Lookup is how an Authenticator finds what is stored; package main fills it in. A find that
// finds nothing answers models.ErrNotFound.
type Lookup struct {
	APIKey          func(ctx context.Context, prefix string) (*models.APIKey, []byte, error)
	AvatarServerKey func(ctx context.Context, prefix string) (*models.AvatarServerKey, []byte, error)
	Session         func(ctx context.Context, tokenHash []byte, now models.Time) (*models.Session, error)
	// APIKeys and Sessions find many at once, by prefix and by token hash; what is not there is left out.
	// They are for keeping watch, see Keep; nil looks at one after another.
	APIKeys  func(ctx context.Context, prefixes []string) (map[string]StoredKey, error)
	Sessions func(ctx context.Context, tokenHashes [][]byte, now models.Time) (map[string]*models.Session, error)
	// Used is told, at most once a minute for each key, that the key was used in the minute
	// that begins at the given time. It must not block.
	Used func(keyID string, minute models.Time)
}

// A StoredKey is an API key with the hash of its secret.
type StoredKey struct {
	Key  *models.APIKey
	Hash []byte
}

// An Authenticator tells whose a credential is.
type Authenticator struct {
	lookup Lookup
	clock  models.Clock
	// dev is whoever sends the dev key; nil outside `serve --dev`.
	dev    *Caller
	used   *lru.Cache[string, models.Time]
	keeper keeper
}

// NewAuthenticator makes an Authenticator. devAccountID is the account of the dev key, empty
// where the dev key must not work.
func NewAuthenticator(lookup Lookup, clock models.Clock, devAccountID string) (*Authenticator, error) {
	used, err := lru.New[string, models.Time](touchedKeys)
	if err != nil {
		return nil, fmt.Errorf("new authenticator: %w", err)
	}
	a := &Authenticator{lookup: lookup, clock: clock, used: used}
	a.keeper.kept, a.keeper.look = map[[sha256.Size]byte]*credential{}, a.verify
	if devAccountID != "" {
		a.dev = &Caller{Kind: APIKey, AccountID: devAccountID}
	}
	return a, nil
}

// Caller tells whose secret this is. A wrong, revoked or outlived one is
// models.ErrUnauthenticated, without saying which; any other error means that nobody knows.
func (a *Authenticator) Caller(ctx context.Context, secret string) (*Caller, error) {
	switch {
	case a.dev != nil && same(Hash(DevKey), secret):
		return a.dev, nil
	case strings.HasPrefix(secret, apiKeyPrefix):
		return a.apiKey(ctx, secret)
	case strings.HasPrefix(secret, accessTokenPrefix):
		return a.accessToken(ctx, secret)
	default:
		return nil, models.ErrUnauthenticated
	}
}

func (a *Authenticator) apiKey(ctx context.Context, secret string) (*Caller, error) {
	prefix, ok := prefixOf(apiKeyPrefix, secret)
	if !ok {
		return nil, models.ErrUnauthenticated
	}
	key, hash, err := a.lookup.APIKey(ctx, prefix)
	if err != nil {
		return nil, unknownOr(err)
	}
	return a.keysCaller(StoredKey{key, hash}, secret)
}

func (a *Authenticator) keysCaller(stored StoredKey, secret string) (*Caller, error) {
	key := stored.Key
	if !same(stored.Hash, secret) || key.RevokedAt != nil {
		return nil, models.ErrUnauthenticated
	}
	a.note(key.ID)
	return &Caller{Kind: APIKey, AccountID: key.AccountID, KeyID: key.ID}, nil
}

func (a *Authenticator) accessToken(ctx context.Context, secret string) (*Caller, error) {
	now := a.clock.Now(ctx)
	s, err := a.lookup.Session(ctx, Hash(secret), now)
	if err != nil {
		return nil, unknownOr(err)
	}
	return tokensCaller(s, now)
}

func tokensCaller(s *models.Session, now models.Time) (*Caller, error) {
	if s.EndedAt != nil && now.Sub(*s.EndedAt) > readableAfterEnd {
		return nil, models.ErrUnauthenticated
	}
	return &Caller{
		Kind: AccessToken, AccountID: s.AccountID,
		SessionID: s.ID, AvatarID: s.AvatarID,
	}, nil
}

// AvatarServer checks an avatar-server key. A wrong or revoked one is
// models.ErrUnauthenticated; any other error means that nobody knows.
func (a *Authenticator) AvatarServer(ctx context.Context, secret string) error {
	prefix, ok := prefixOf(avatarServerPrefix, secret)
	if !ok {
		return models.ErrUnauthenticated
	}
	key, hash, err := a.lookup.AvatarServerKey(ctx, prefix)
	if err != nil {
		return unknownOr(err)
	}
	if !same(hash, secret) || key.RevokedAt != nil {
		return models.ErrUnauthenticated
	}
	return nil
}

// note tells of a key's use once a minute.
func (a *Authenticator) note(keyID string) {
	minute := models.TimeOf(a.clock().Std().Truncate(time.Minute))
	if last, ok := a.used.Get(keyID); ok && last == minute {
		return
	}
	a.used.Add(keyID, minute)
	a.lookup.Used(keyID, minute)
}

// unknownOr hides that a secret's row is missing, and keeps a database's failure apart from
// a wrong secret.
func unknownOr(err error) error {
	if errors.Is(err, models.ErrNotFound) {
		return models.ErrUnauthenticated
	}
	return fmt.Errorf("%w: %w", models.Unavailable("credentials cannot be checked right now", time.Second), err)
}
