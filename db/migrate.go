package db

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"gorm.io/gorm"
)

//go:embed migrations
var migrations embed.FS

const (
	dialectSQLite   = goose.DialectSQLite3
	dialectPostgres = goose.DialectPostgres
	versionTable    = "greenroom_migrations"
)

var (
	errNotOurs = errors.New("this database belongs to something else: give Greenroom one of its own")
	errEmpty   = errors.New("this database is empty: `greenroom migrate` or `greenroom serve` makes its tables")
	errNewer   = errors.New("this database was migrated by a newer version of Greenroom: run that one")
	errOlder   = errors.New("this database is older than this version of Greenroom: run `greenroom migrate` first")
)

// migrate brings the schema up to this binary's version, or with SkipMigrations checks that it
// is there. Replicas that start together wait for each other on PostgreSQL's session lock.
func migrate(ctx context.Context, g *gorm.DB, d goose.Dialect, opts Options) error {
	pool, err := g.DB()
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	folder := "migrations/sqlite"
	options := []goose.ProviderOption{goose.WithSlog(opts.Log), goose.WithTableName(versionTable)}
	if d == dialectPostgres {
		folder = "migrations/postgres"
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, folder)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	p, err := goose.NewProvider(d, pool, files, options...)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for try := 1; ; try++ {
		err := up(ctx, p, opts.SkipMigrations)
		if err == nil || try == migrateTries || errors.Is(err, errNewer) || errors.Is(err, errOlder) {
			return err
		}
		// SQLite has no such lock: another process may have migrated between our look and our try.
		select {
		case <-time.After(time.Duration(try) * 50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// migrateTries bounds how often a migration that another process may have won is looked at again.
const migrateTries = 8

func up(ctx context.Context, p *goose.Provider, lookOnly bool) error {
	has, want, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("migrate: %w", err)
	case has > want:
		return errNewer
	case has == want:
		return nil
	case lookOnly:
		return errOlder
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
