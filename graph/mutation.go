package graph

import (
	"context"

	"greenroom/graph/generated"
	"greenroom/session"
)

type mutation struct{ *resolver }

func (m mutation) CreateSession(ctx context.Context, in generated.CreateSessionInput) (*generated.CreateSessionPayload, error) {
	made, err := m.cfg.Sessions.Create(ctx, session.CreateInput{
		AvatarID: in.AvatarID, Metadata: in.Metadata, EndUserID: in.EndUserID,
		MaxDuration: in.MaxDuration, IdempotencyKey: in.IdempotencyKey,
	})
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	payload := &generated.CreateSessionPayload{UserErrors: refused}
	if len(refused) == 0 {
		payload.Session, payload.AccessToken, payload.Replayed = made.Session, made.AccessToken, made.Replayed
	}
	return payload, nil
}

// StartSession answers the session also when the start is refused.
func (m mutation) StartSession(ctx context.Context, in generated.StartSessionInput) (*generated.StartSessionPayload, error) {
	started, err := m.cfg.Sessions.Start(ctx, in.ID)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	payload := &generated.StartSessionPayload{UserErrors: refused}
	if started != nil {
		payload.Session, payload.WsURI = started.Session, started.WSURI
	}
	return payload, nil
}

func (m mutation) EndSession(ctx context.Context, in generated.EndSessionInput) (*generated.EndSessionPayload, error) {
	ended, err := m.cfg.Sessions.End(ctx, in.ID)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.EndSessionPayload{Session: unless(refused, ended), UserErrors: refused}, nil
}

func (m mutation) UpdateSessionMetadata(ctx context.Context, in generated.UpdateSessionMetadataInput) (*generated.UpdateSessionMetadataPayload, error) {
	updated, err := m.cfg.Sessions.UpdateMetadata(ctx, in.ID, in.Metadata)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.UpdateSessionMetadataPayload{Session: unless(refused, updated), UserErrors: refused}, nil
}

func (m mutation) RotateAccessToken(ctx context.Context, in generated.RotateAccessTokenInput) (*generated.RotateAccessTokenPayload, error) {
	rotated, err := m.cfg.Sessions.RotateAccessToken(ctx, in.ID)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	payload := &generated.RotateAccessTokenPayload{UserErrors: refused}
	if len(refused) == 0 {
		payload.Session, payload.AccessToken = rotated.Session, rotated.AccessToken
	}
	return payload, nil
}

func (m mutation) CreateAvatar(ctx context.Context, in generated.CreateAvatarInput) (*generated.CreateAvatarPayload, error) {
	made, err := m.cfg.Accounts.CreateAvatar(ctx, in.Name, in.URL)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.CreateAvatarPayload{Avatar: unless(refused, made), UserErrors: refused}, nil
}

func (m mutation) UpdateAvatar(ctx context.Context, in generated.UpdateAvatarInput) (*generated.UpdateAvatarPayload, error) {
	updated, err := m.cfg.Accounts.UpdateAvatar(ctx, in.ID, in.Name, in.URL)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.UpdateAvatarPayload{Avatar: unless(refused, updated), UserErrors: refused}, nil
}

func (m mutation) ArchiveAvatar(ctx context.Context, in generated.ArchiveAvatarInput) (*generated.ArchiveAvatarPayload, error) {
	archived, err := m.cfg.Accounts.ArchiveAvatar(ctx, in.ID)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.ArchiveAvatarPayload{Avatar: unless(refused, archived), UserErrors: refused}, nil
}

func (m mutation) CreateAPIKey(ctx context.Context, in generated.CreateAPIKeyInput) (*generated.CreateAPIKeyPayload, error) {
	key, secret, err := m.cfg.Accounts.CreateAPIKey(ctx, in.Name)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.CreateAPIKeyPayload{
		APIKey: unless(refused, key), Secret: unless(refused, &secret), UserErrors: refused,
	}, nil
}

func (m mutation) RevokeAPIKey(ctx context.Context, in generated.RevokeAPIKeyInput) (*generated.RevokeAPIKeyPayload, error) {
	revoked, err := m.cfg.Accounts.RevokeAPIKey(ctx, in.ID)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.RevokeAPIKeyPayload{APIKey: unless(refused, revoked), UserErrors: refused}, nil
}

// settle follows every mutation: the payload, and the next mutation of the same operation, see
// the world after it. Refusals come back for userErrors, everything else as the error.
func (m mutation) settle(ctx context.Context, err error) ([]*generated.UserError, error) {
	m.cfg.Clock.Renew(ctx)
	responseOf(ctx).forget()
	return userErrors(err)
}

// unless gives the object of a payload, null beside a refusal.
func unless[T any](refused []*generated.UserError, object *T) *T {
	if len(refused) > 0 {
		return nil
	}
	return object
}
