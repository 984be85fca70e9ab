package db

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A Setting is one fact about the installation that outlives a restart.
type Setting string

// The settings.
const (
	// SettingMode is who made the database: `dev` for `serve --dev`, else `production`.
	SettingMode Setting = "mode"
	// SettingDailyDomainID is Daily's id of the domain, part of every meeting token.
	SettingDailyDomainID Setting = "daily_domain_id"
	// SettingOrphanSweep is until when nobody else looks for rooms without a session; see
	// [Tx.TakeTurn].
	SettingOrphanSweep Setting = "orphan_sweep"
)

type settingRow struct {
	Name  Setting `gorm:"primaryKey"`
	Value string
}

func (settingRow) TableName() string { return "settings" }

// Setting reads a setting, or models.ErrNotFound.
func (s *Store) Setting(ctx context.Context, name Setting) (string, error) {
	row, err := gorm.G[settingRow](s.reader).Where("name = ?", string(name)).Take(ctx)
	if err != nil {
		return "", fmt.Errorf("setting %s: %w", name, translate(err))
	}
	return row.Value, nil
}

// PutSetting writes a setting.
func (t *Tx) PutSetting(name Setting, value string) error {
	replace := clause.OnConflict{
		Columns:   []clause.Column{{Name: "name"}},
		DoUpdates: clause.AssignmentColumns([]string{"value"}),
	}
	if err := gorm.G[settingRow](t.db, replace).Create(t.ctx, &settingRow{name, value}); err != nil {
		return fmt.Errorf("write setting %s: %w", name, translate(err))
	}
	return nil
}
