package account

import (
	"context"
	"errors"
	"fmt"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/models"
)

// APIKeys reads one page of the caller's account's keys, newest first. API key only.
func (s *Service) APIKeys(ctx context.Context, page models.Page) (*models.APIKeyConnection, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	return s.store.APIKeys(ctx, models.APIKeyQuery{AccountID: caller.AccountID, Page: page})
}

// APIKey reads one of the caller's account's keys. Unknown, foreign and malformed ids are
// models.ErrNotFound alike. API key only.
func (s *Service) APIKey(ctx context.Context, id string) (*models.APIKey, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	if !models.ValidID(models.KeyPrefix, id) {
		return nil, models.NotFound("API key")
	}
	found, err := s.store.APIKey(ctx, caller.AccountID, id)
	return found, models.Named("API key", err)
}

// CreateAPIKey makes a key for the caller's account. The secret is not kept and cannot be
// answered again. API key only.
func (s *Service) CreateAPIKey(ctx context.Context, name string) (key *models.APIKey, secret string, err error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, "", err
	}
	return s.createKey(ctx, caller.AccountID, name)
}

// RevokeAPIKey makes one of the caller's account's keys useless, which may be the one that
// asks. One that is revoked already keeps its time. API key only.
func (s *Service) RevokeAPIKey(ctx context.Context, id string) (*models.APIKey, error) {
	if _, err := s.APIKey(ctx, id); err != nil {
		return nil, err
	}
	accountID, now := auth.From(ctx).AccountID, s.clock.Now(ctx)
	err := s.store.Write(ctx, func(tx *db.Tx) error { return tx.RevokeAPIKey(accountID, id, now) })
	if err != nil {
		return nil, err
	}
	return s.store.APIKey(ctx, accountID, id)
}

// OperatorCreateKey makes a key for an account; see [Service.CreateAPIKey].
func (s *Service) OperatorCreateKey(ctx context.Context, accountID, name string) (key *models.APIKey, secret string, err error) {
	if _, err := s.store.Account(ctx, accountID); err != nil {
		return nil, "", models.Named("account", err)
	}
	return s.createKey(ctx, accountID, name)
}

// OperatorCreateAvatarServerKey makes a key with which avatar servers of this installation dial
// in. The secret is not kept and cannot be answered again.
func (s *Service) OperatorCreateAvatarServerKey(ctx context.Context) (key *models.AvatarServerKey, secret string, err error) {
	now := s.clock.Now(ctx)
	made := auth.NewAvatarServerKey()
	key = &models.AvatarServerKey{ID: models.NewID(models.KeyPrefix, now), Prefix: made.Prefix, CreatedAt: now}
	err = s.store.Write(ctx, func(tx *db.Tx) error { return tx.InsertAvatarServerKey(key, made.Hash) })
	if err != nil {
		return nil, "", fmt.Errorf("create avatar-server key: %w", err)
	}
	return key, made.Text, nil
}

// OperatorRevokeKey makes a key of either kind useless, whoever's it is. Idempotent; an unknown
// id is models.ErrNotFound.
func (s *Service) OperatorRevokeKey(ctx context.Context, id string) error {
	now := s.clock.Now(ctx)
	return models.Named("key", s.store.Write(ctx, func(tx *db.Tx) error { return tx.OperatorRevokeKey(id, now) }))
}

func (s *Service) createKey(ctx context.Context, accountID, name string) (*models.APIKey, string, error) {
	name, err := cleanName(name)
	if err != nil {
		return nil, "", err
	}
	now := s.clock.Now(ctx)
	// The part of a secret by which it is looked up is unique. Two that share it are rarer than
	// one in a billion keys; another secret is as good.
	for range 3 {
		secret := auth.NewAPIKey()
		key := &models.APIKey{
			ID: models.NewID(models.KeyPrefix, now), AccountID: accountID,
			Name: name, Prefix: secret.Prefix, CreatedAt: now,
		}
		err = s.store.Write(ctx, func(tx *db.Tx) error { return tx.InsertAPIKey(key, secret.Hash) })
		if err == nil {
			return key, secret.Text, nil
		}
		if !errors.Is(err, models.ErrConflict) {
			break
		}
	}
	return nil, "", fmt.Errorf("create API key: %w", err)
}
