// Package auth knows who is calling: API keys, access tokens, avatar-server keys, and how
// often somebody may guess. It keeps hashes only, and gets its look-ups from package main.
package auth

import (
	"context"

	"greenroom/models"
)

// A Kind is what kind of credential is asking.
type Kind string

// The kinds, as GraphQL's CredentialKind has them.
const (
	APIKey      Kind = "API_KEY"
	AccessToken Kind = "ACCESS_TOKEN"
)

// A Caller is whoever a request's credential belongs to.
type Caller struct {
	Kind      Kind
	AccountID string
	// KeyID is the API key's id; empty for the dev key, which is never stored.
	KeyID string
	// SessionID and AvatarID are what an access token may see; empty for an API key.
	SessionID, AvatarID string
}

// Scope is the rows that the caller may see.
func (c *Caller) Scope() models.Scope {
	return models.Scope{AccountID: c.AccountID, SessionID: c.SessionID, AvatarID: c.AvatarID}
}

// Actor is how the caller is named on a timeline.
func (c *Caller) Actor() models.Actor {
	if c.Kind == AccessToken {
		return models.ActorAccessToken
	}
	return models.ActorAPIKey
}

type callerKey struct{}

// WithCaller gives ctx its caller.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From is the caller of ctx, nil when nobody has signed in.
func From(ctx context.Context) *Caller {
	c, _ := ctx.Value(callerKey{}).(*Caller)
	return c
}

// Require is the caller, or models.ErrUnauthenticated.
func Require(ctx context.Context) (*Caller, error) {
	if c := From(ctx); c != nil {
		return c, nil
	}
	return nil, models.ErrUnauthenticated
}

// RequireAPIKey is the caller when it holds an API key; an access token gets
// models.ErrForbidden.
func RequireAPIKey(ctx context.Context) (*Caller, error) {
	c, err := Require(ctx)
	if err != nil {
		return nil, err
	}
	if c.Kind != APIKey {
		return nil, models.ErrForbidden
	}
	return c, nil
}
