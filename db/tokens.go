package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"greenroom/models"
)

// An accessToken is the hash of a session's one valid access token.
type accessToken struct {
	Hash      []byte `gorm:"primaryKey"`
	AccountID string
	SessionID string
}

// SessionByToken finds the session whose access token has the hash, as it is at now.
func (s *Store) SessionByToken(ctx context.Context, hash []byte, now models.Time) (*models.Session, error) {
	token, err := gorm.G[accessToken](s.reader).Where("hash = ?", hash).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("access token: %w", translate(err))
	}
	return s.Session(ctx, models.Scope{AccountID: token.AccountID}, token.SessionID, now)
}

// PutAccessToken makes the token with the hash the session's one valid access token.
func (t *Tx) PutAccessToken(s *models.Session, hash []byte) error {
	replace := clause.OnConflict{
		Columns:   []clause.Column{{Name: "session_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"hash"}),
	}
	err := gorm.G[accessToken](t.db, replace).
		Create(t.ctx, &accessToken{Hash: hash, AccountID: s.AccountID, SessionID: s.ID})
	if err != nil {
		return fmt.Errorf("write access token: %w", translate(err))
	}
	return nil
}
