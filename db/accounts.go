package db

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"greenroom/models"
)

// Account reads an account.
func (s *Store) Account(ctx context.Context, id string) (*models.Account, error) {
	found, err := gorm.G[*models.Account](s.reader).Where("id = ?", id).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", id, translate(err))
	}
	return found, nil
}

// OperatorAccounts are all accounts, oldest first.
func (s *Store) OperatorAccounts(ctx context.Context) ([]*models.Account, error) {
	all, err := gorm.G[*models.Account](s.reader).Order("id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", translate(err))
	}
	return all, nil
}

// Account reads an account.
func (t *Tx) Account(id string) (*models.Account, error) {
	found, err := gorm.G[*models.Account](t.db).Where("id = ?", id).Take(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", id, translate(err))
	}
	return found, nil
}

// LockAccount reads an account and keeps other transactions that lock it waiting: whoever
// holds the lock may count places and take one.
func (t *Tx) LockAccount(id string) (*models.Account, error) {
	found, err := gorm.G[*models.Account](t.db, t.dialect.lock()...).Where("id = ?", id).Take(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", id, translate(err))
	}
	return found, nil
}

// InsertAccount adds an account; one that exists already is left as it is.
func (t *Tx) InsertAccount(a *models.Account) error {
	err := gorm.G[models.Account](t.db, clause.OnConflict{DoNothing: true}).Create(t.ctx, a)
	if err != nil {
		return fmt.Errorf("insert account: %w", translate(err))
	}
	return nil
}

// UsedSeconds is what the account's sessions used between from and to, each cut to whole
// seconds; running ones count up to now.
func (s *Store) UsedSeconds(ctx context.Context, accountID string, from, to, now models.Time) (int, error) {
	return usedSeconds(ctx, s.reader, accountID, from, to, now)
}

// UsedSeconds is what the account's sessions used between from and to, each cut to whole
// seconds; running ones count up to now.
func (t *Tx) UsedSeconds(accountID string, from, to, now models.Time) (int, error) {
	return usedSeconds(t.ctx, t.db, accountID, from, to, now)
}

func usedSeconds(ctx context.Context, g *gorm.DB, accountID string, from, to, now models.Time) (int, error) {
	const (
		until = "COALESCE(" + endedAt + ", @now)"
		cutTo = "(CASE WHEN " + until + " > @to THEN @to ELSE " + until + " END)"
		since = "(CASE WHEN started_at < @from THEN @from ELSE started_at END)"
		some  = "SELECT started_at, ended_at, deadline FROM sessions WHERE account_id = @account AND ended_at "
		// Not OR: each half has its index.
		query = "SELECT COALESCE(SUM((" + cutTo + " - " + since + ") / 1000), 0)" +
			" FROM (" + some + "IS NULL UNION ALL " + some + "> @from) AS used" +
			" WHERE started_at IS NOT NULL AND started_at < @to AND " + cutTo + " > " + since
	)
	var seconds int
	err := g.WithContext(ctx).Raw(query,
		sql.Named("account", accountID), sql.Named("from", int64(from)),
		sql.Named("to", int64(to)), sql.Named("now", int64(now))).Scan(&seconds).Error
	if err != nil {
		return 0, fmt.Errorf("used seconds: %w", translate(err))
	}
	return seconds, nil
}
