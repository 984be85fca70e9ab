package db

import (
	"context"
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
	found, err := accounts.find(t, conditions{}.and("id = ?", id))
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", id, err)
	}
	return found, nil
}

// LockAccount reads an account and keeps other transactions that lock it waiting: whoever
// holds the lock may count places and take one.
func (t *Tx) LockAccount(id string) (*models.Account, error) {
	found, err := accounts.find(t, conditions{}.and("id = ?", id), t.dialect.lock()...)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", id, err)
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
