package db

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"greenroom/models"
)

// An accessToken is the hash of a session's one valid access token.
type accessToken struct {
	Hash      []byte `gorm:"primaryKey"`
	AccountID string
	SessionID string
}

// ofToken is what a token's check asks of its session.
var ofToken = SelectSessions(SessionAvatarID|SessionEndedAt|SessionEndReason, 0)

// SessionByToken finds the session whose access token has the hash, as it is at now: its account,
// its avatar and its end, nothing else.
func (s *Store) SessionByToken(ctx context.Context, hash []byte, now models.Time) (*models.Session, error) {
	q := s.query("account_id, "+ofToken.columns, "account_id, "+ofToken.names, 1+len(ofToken.put))
	q.short = true
	q.add("sessions JOIN (SELECT account_id AS token_account, session_id AS token_session FROM access_tokens WHERE hash = ?) AS token"+
		" ON account_id = token_account AND id = token_session", hash)
	var found *SessionRow
	err := s.run(ctx, q, func(values []value) {
		found = &SessionRow{}
		found.AccountID = values[0].text
		ofToken.fill(found, values[1:])
		found.Settle(now)
	})
	if err == nil && found == nil {
		err = models.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("access token: %w", err)
	}
	return &found.Session, nil
}

// SessionsByToken is SessionByToken of many, by their hashes, with one statement. What is not found is
// left out.
func (s *Store) SessionsByToken(ctx context.Context, hashes [][]byte, now models.Time) (map[string]*models.Session, error) {
	q := s.query("account_id, token_hash, "+ofToken.columns, "account_id, token_hash, "+ofToken.names, 2+len(ofToken.put))
	q.short = true
	q.add("sessions JOIN (SELECT account_id AS token_account, session_id AS token_session, hash AS token_hash FROM access_tokens WHERE hash IN ?) AS token"+
		" ON account_id = token_account AND id = token_session", rounded(hashes))
	found := make(map[string]*models.Session, len(hashes))
	err := s.run(ctx, q, func(values []value) {
		row := &SessionRow{}
		row.AccountID = values[0].text
		ofToken.fill(row, values[2:])
		row.Settle(now)
		found[strings.Clone(values[1].text)] = &row.Session
	})
	if err != nil {
		return nil, fmt.Errorf("access tokens: %w", err)
	}
	return found, nil
}

// rounded repeats the last of a list until there are a power of two: lists of any length are then few
// statements to prepare.
func rounded[T any](list []T) []T {
	if len(list) == 0 {
		return list
	}
	more := 1<<bits.Len(uint(len(list)-1)) - len(list)
	return append(slices.Clone(list), slices.Repeat(list[len(list)-1:], more)...)
}

// PutAccessToken makes the token with the hash the session's one valid access token.
func (t *Tx) PutAccessToken(s *models.Session, hash []byte) error {
	row := &accessToken{Hash: hash, AccountID: s.AccountID, SessionID: s.ID}
	err := accessTokens.insert(t, row, " ON CONFLICT (session_id) DO UPDATE SET hash = excluded.hash")
	if err != nil {
		return fmt.Errorf("write access token: %w", err)
	}
	return nil
}
