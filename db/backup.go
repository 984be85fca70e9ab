package db

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Backup writes a consistent copy of a SQLite database to file while it is served. An existing
// file is refused. PostgreSQL has its own tools, and is refused too.
func (s *Store) Backup(ctx context.Context, file string) error {
	if _, ok := s.dialect.(sqliteDialect); !ok {
		return errors.New("back up PostgreSQL with pg_dump or your provider's snapshots")
	}
	if _, err := os.Stat(file); err == nil {
		return fmt.Errorf("back up to %s: the file exists", file)
	}
	// A part of a copy must not pass for one: it gets its name when it is whole.
	part := file + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("back up to %s: %w", file, err)
	}
	if err := s.reader.WithContext(ctx).Exec("VACUUM INTO ?", part).Error; err != nil {
		return fmt.Errorf("back up to %s: %w", file, err)
	}
	if err := os.Chmod(part, 0o600); err != nil {
		return fmt.Errorf("back up to %s: %w", file, err)
	}
	if err := os.Rename(part, file); err != nil {
		return fmt.Errorf("back up to %s: %w", file, err)
	}
	return nil
}
