package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"greenroom/models"
)

// An IdempotencyKey binds an account's key to the session that it made, for 24 hours.
type IdempotencyKey struct {
	AccountID string `gorm:"primaryKey"`
	Key       string `gorm:"primaryKey"`
	// Fingerprint is a hash of the input that came with the key.
	Fingerprint []byte
	SessionID   string
	ExpiresAt   models.Time
}

// IdempotencyKey finds what the key is bound to at now, or models.ErrNotFound.
func (s *Store) IdempotencyKey(ctx context.Context, accountID, key string, now models.Time) (*IdempotencyKey, error) {
	found, err := gorm.G[*IdempotencyKey](s.reader, bound(accountID, key, now).where()...).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("idempotency key: %w", translate(err))
	}
	return found, nil
}

// IdempotencyKey finds what the key is bound to at now, or models.ErrNotFound.
func (t *Tx) IdempotencyKey(accountID, key string, now models.Time) (*IdempotencyKey, error) {
	found, err := idempotencyKeys.find(t, bound(accountID, key, now))
	if err != nil {
		return nil, fmt.Errorf("idempotency key: %w", err)
	}
	return found, nil
}

// bound keeps a key that is bound at now.
func bound(accountID, key string, now models.Time) conditions {
	return ofAccount(accountID).and("key = ? AND expires_at > ?", key, now)
}

// BindIdempotencyKey binds a key that is free or has expired by now. The caller holds the
// account's lock, so nobody else binds it meanwhile.
func (t *Tx) BindIdempotencyKey(k *IdempotencyKey, now models.Time) error {
	const rebind = " ON CONFLICT (account_id, key) DO UPDATE SET fingerprint = excluded.fingerprint," +
		" session_id = excluded.session_id, expires_at = excluded.expires_at WHERE idempotency_keys.expires_at <= ?"
	if err := idempotencyKeys.insert(t, k, rebind, now); err != nil {
		return fmt.Errorf("bind idempotency key: %w", err)
	}
	return nil
}

// UnbindIdempotencyKey frees the key that made the session: a create that failed uses up none.
func (t *Tx) UnbindIdempotencyKey(accountID, sessionID string) error {
	_, err := gorm.G[IdempotencyKey](t.db, ofAccount(accountID).and("session_id = ?", sessionID).where()...).Delete(t.ctx)
	if err != nil {
		return fmt.Errorf("unbind idempotency key: %w", translate(err))
	}
	return nil
}

// DropIdempotencyKeys forgets keys that have expired by now.
func (t *Tx) DropIdempotencyKeys(now models.Time) error {
	_, err := gorm.G[IdempotencyKey](t.db).Where("expires_at <= ?", now).Delete(t.ctx)
	if err != nil {
		return fmt.Errorf("drop idempotency keys: %w", translate(err))
	}
	return nil
}
