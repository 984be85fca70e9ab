package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"greenroom/models"
)

// An apiKeyRow is an API key as stored: with the hash of its secret.
type apiKeyRow struct {
	models.APIKey
	Hash []byte
}

func (apiKeyRow) TableName() string { return "api_keys" }

type avatarServerKeyRow struct {
	models.AvatarServerKey
	Hash []byte
}

func (avatarServerKeyRow) TableName() string { return "avatar_server_keys" }

// APIKeyByPrefix finds the key whose secret begins with prefix, and the secret's hash.
func (s *Store) APIKeyByPrefix(ctx context.Context, prefix string) (*models.APIKey, []byte, error) {
	var found *models.APIKey
	var hash []byte
	err := s.EachAPIKey(ctx, []string{prefix}, func(k *models.APIKey, h []byte) { found, hash = k, h })
	if err == nil && found == nil {
		err = fmt.Errorf("API key: %w", models.ErrNotFound)
	}
	return found, hash, err
}

// EachAPIKey finds the keys whose secrets begin with one of the prefixes, with one statement, and
// tells of each with its secret's hash.
func (s *Store) EachAPIKey(ctx context.Context, prefixes []string, found func(k *models.APIKey, hash []byte)) error {
	const columns = "id, account_id, name, prefix, hash, created_at, last_used_at, revoked_at"
	q := s.query(columns, columns, 8) // of every request: not by GORM
	q.short = true
	if len(prefixes) == 1 {
		q.add("api_keys WHERE prefix = ?", prefixes[0])
	} else {
		q.add("api_keys WHERE prefix IN ?", rounded(prefixes))
	}
	err := s.run(ctx, q, func(v []value) {
		found(&models.APIKey{
			ID: v[0].text, AccountID: v[1].text, Name: v[2].text, Prefix: v[3].text, CreatedAt: v[5].time(),
			LastUsedAt: v[6].timeAt(new(models.Time)), RevokedAt: v[7].timeAt(new(models.Time)),
		}, []byte(v[4].text))
	})
	if err != nil {
		return fmt.Errorf("API keys: %w", err)
	}
	return nil
}

// AvatarServerKeyByPrefix finds the avatar-server key whose secret begins with prefix, and the
// secret's hash.
func (s *Store) AvatarServerKeyByPrefix(ctx context.Context, prefix string) (*models.AvatarServerKey, []byte, error) {
	row, err := gorm.G[*avatarServerKeyRow](s.reader).Where("prefix = ?", prefix).Take(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("avatar-server key: %w", translate(err))
	}
	return &row.AvatarServerKey, row.Hash, nil
}

// APIKey reads one of the account's keys.
func (s *Store) APIKey(ctx context.Context, accountID, id string) (*models.APIKey, error) {
	found, err := gorm.G[*models.APIKey](s.reader, ofAccount(accountID).and("id = ?", id).where()...).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("API key %s: %w", id, translate(err))
	}
	return found, nil
}

// APIKeys reads one page of the account's keys, newest first, revoked ones too.
func (s *Store) APIKeys(ctx context.Context, q models.APIKeyQuery) (*models.APIKeyConnection, error) {
	rows, err := gorm.G[*models.APIKey](s.reader, ofAccount(q.AccountID).between(q.Page, false).where()...).
		Order(order(q.Page, false)).Limit(q.Page.Size + 1).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", translate(err))
	}
	nodes, info := turn(rows, q.Page, func(k *models.APIKey) string { return k.ID })
	return &models.APIKeyConnection{Nodes: nodes, PageInfo: info, Query: q}, nil
}

// CountAPIKeys counts the account's keys.
func (s *Store) CountAPIKeys(ctx context.Context, accountID string) (int, error) {
	n, err := gorm.G[models.APIKey](s.reader, ofAccount(accountID).where()...).Count(ctx, "*")
	if err != nil {
		return 0, fmt.Errorf("count API keys: %w", translate(err))
	}
	return int(n), nil
}

// OperatorAPIKeys are all accounts' keys, oldest first.
func (s *Store) OperatorAPIKeys(ctx context.Context) ([]*models.APIKey, error) {
	all, err := gorm.G[*models.APIKey](s.reader).Order("id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", translate(err))
	}
	return all, nil
}

// OperatorAvatarServerKeys are all avatar-server keys, oldest first.
func (s *Store) OperatorAvatarServerKeys(ctx context.Context) ([]*models.AvatarServerKey, error) {
	all, err := gorm.G[*models.AvatarServerKey](s.reader).Order("id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list avatar-server keys: %w", translate(err))
	}
	return all, nil
}

// InsertAPIKey adds a key with the hash of its secret.
func (t *Tx) InsertAPIKey(k *models.APIKey, hash []byte) error {
	if err := gorm.G[apiKeyRow](t.db).Create(t.ctx, &apiKeyRow{APIKey: *k, Hash: hash}); err != nil {
		return fmt.Errorf("insert API key: %w", translate(err))
	}
	t.changes.account(k.AccountID)
	return nil
}

// InsertAvatarServerKey adds an avatar-server key with the hash of its secret.
func (t *Tx) InsertAvatarServerKey(k *models.AvatarServerKey, hash []byte) error {
	row := &avatarServerKeyRow{AvatarServerKey: *k, Hash: hash}
	if err := gorm.G[avatarServerKeyRow](t.db).Create(t.ctx, row); err != nil {
		return fmt.Errorf("insert avatar-server key: %w", translate(err))
	}
	return nil
}

// RevokeAPIKey revokes one of the account's keys; one that is revoked already keeps its time.
func (t *Tx) RevokeAPIKey(accountID, id string, at models.Time) error {
	_, err := gorm.G[models.APIKey](t.db, ofAccount(accountID).and("id = ? AND revoked_at IS NULL", id).where()...).
		Update(t.ctx, "revoked_at", at)
	if err != nil {
		return fmt.Errorf("revoke API key %s: %w", id, translate(err))
	}
	t.changes.account(accountID)
	return nil
}

// OperatorRevokeKey revokes a key of either kind, whoever's it is. It is idempotent; an unknown
// id is models.ErrNotFound.
func (t *Tx) OperatorRevokeKey(id string, at models.Time) error {
	const revoke = "UPDATE %s SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ?"
	for _, table := range []string{"api_keys", "avatar_server_keys"} {
		done := t.db.WithContext(t.ctx).Exec(fmt.Sprintf(revoke, table), at, id)
		if done.Error != nil {
			return fmt.Errorf("revoke key %s: %w", id, translate(done.Error))
		}
		if done.RowsAffected > 0 {
			return nil
		}
	}
	return fmt.Errorf("revoke key %s: %w", id, models.ErrNotFound)
}

// TouchAPIKey notes when a key was last used; never backwards.
func (t *Tx) TouchAPIKey(id string, at models.Time) error {
	_, err := gorm.G[models.APIKey](t.db).
		Where("id = ? AND (last_used_at IS NULL OR last_used_at < ?)", id, at).
		Update(t.ctx, "last_used_at", at)
	if err != nil {
		return fmt.Errorf("touch API key %s: %w", id, translate(err))
	}
	return nil
}
