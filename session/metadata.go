package session

import (
	"context"
	"fmt"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/models"
)

// UpdateMetadata merges patch into the session's metadata: keys given are set, keys given as
// null are removed. A merge that changes nothing leaves the revision alone. An ended session's
// metadata may still change.
func (s *Service) UpdateMetadata(ctx context.Context, id string, patch models.JSONObject) (*models.Session, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	return s.move(ctx, caller.Scope(), id, updateMetadata, func(tx *db.Tx, row *models.Session, now models.Time) error {
		merged, err := row.Metadata.Merge(patch)
		if err != nil || merged == row.Metadata {
			return err
		}
		row.Metadata = merged
		row.Revision++
		return record(tx, row, models.EventMetadataUpdated, now, caller.Actor())
	})
}

// Rotated is a session with its new access token.
type Rotated struct {
	Session     *models.Session
	AccessToken *string
}

// RotateAccessToken replaces the session's access token; the old one dies with the commit.
func (s *Service) RotateAccessToken(ctx context.Context, id string) (*Rotated, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	after, err := s.move(ctx, caller.Scope(), id, rotateToken, func(tx *db.Tx, row *models.Session, now models.Time) error {
		row.TokenGeneration++
		row.Revision++
		token := s.Signer.AccessToken(row.ID, row.TokenGeneration)
		if err := tx.PutAccessToken(row, auth.Hash(token)); err != nil {
			return fmt.Errorf("rotate access token: %w", err)
		}
		return record(tx, row, models.EventAccessTokenRotated, now, caller.Actor())
	})
	if err != nil {
		return nil, err
	}
	token := s.Signer.AccessToken(after.ID, after.TokenGeneration)
	return &Rotated{Session: after, AccessToken: &token}, nil
}
