package db

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"greenroom/models"
)

// An avatarRow is an avatar as stored: with its name folded by this program, because the
// engines do not agree on what is the same but for case.
type avatarRow struct {
	models.Avatar
	NameFolded string
}

func (avatarRow) TableName() string { return "avatars" }

// Avatar reads one avatar. Nothing outside the scope is found.
func (s *Store) Avatar(ctx context.Context, scope models.Scope, id string) (*models.Avatar, error) {
	found, err := gorm.G[*models.Avatar](s.reader, avatarsInScope(scope).and("id = ?", id).where()...).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("avatar %s: %w", id, translate(err))
	}
	return found, nil
}

// Avatar reads one avatar and keeps others from changing it until the transaction ends.
func (t *Tx) Avatar(scope models.Scope, id string) (*models.Avatar, error) {
	found, err := avatars.find(t, avatarsInScope(scope).and("id = ?", id), t.dialect.lock()...)
	if err != nil {
		return nil, fmt.Errorf("avatar %s: %w", id, err)
	}
	return found, nil
}

// AvatarInUse reads one avatar and keeps others from changing it until the transaction ends, but not
// from using it, too: many sessions of an account have the same, and would begin one after the other.
func (t *Tx) AvatarInUse(scope models.Scope, id string) (*models.Avatar, error) {
	found, err := avatars.find(t, avatarsInScope(scope).and("id = ?", id), t.dialect.share()...)
	if err != nil {
		return nil, fmt.Errorf("avatar %s: %w", id, err)
	}
	return found, nil
}

// AvatarsByID reads many avatars with one statement, in no order; missing ones are left out.
func (s *Store) AvatarsByID(ctx context.Context, scope models.Scope, ids []string) ([]*models.Avatar, error) {
	read := s.query(wholeAvatar.columns, wholeAvatar.names, len(wholeAvatar.put)) // of nearly every mutation: not by GORM
	read.short = true
	read.add("avatars")
	read.where(avatarsInScope(scope).and("id IN ?", ids))
	var rows Rows[AvatarRow]
	if err := s.readAvatars(ctx, read, wholeAvatar, &rows); err != nil {
		return nil, fmt.Errorf("avatars: %w", err)
	}
	found := make([]*models.Avatar, len(rows.List))
	for i, row := range rows.List {
		row.AccountID = scope.AccountID
		found[i] = &row.Avatar
	}
	return found, nil
}

var wholeAvatar = SelectAvatars(AvatarID | AvatarName | AvatarURL | AvatarCreatedAt | AvatarArchivedAt)

// Avatars reads one page of avatars, newest first.
func (s *Store) Avatars(ctx context.Context, q models.AvatarQuery) (*models.AvatarConnection, error) {
	filtered, err := filterAvatars(q)
	if err != nil {
		return nil, err
	}
	rows, err := gorm.G[*models.Avatar](s.reader, filtered.between(q.Page, false).where()...).
		Order(order(q.Page, false)).Limit(q.Page.Size + 1).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list avatars: %w", translate(err))
	}
	nodes, info := turn(rows, q.Page, func(a *models.Avatar) string { return a.ID })
	return &models.AvatarConnection{Nodes: nodes, PageInfo: info, Query: q}, nil
}

// CountAvatars counts the whole list.
func (s *Store) CountAvatars(ctx context.Context, q models.AvatarQuery) (int, error) {
	filtered, err := filterAvatars(q)
	if err != nil {
		return 0, err
	}
	n, err := s.count(ctx, "avatars", filtered)
	if err != nil {
		return 0, fmt.Errorf("count avatars: %w", err)
	}
	return n, nil
}

// InsertAvatar adds an avatar; one that exists already is left as it is.
func (t *Tx) InsertAvatar(a *models.Avatar) error {
	row := &avatarRow{Avatar: *a, NameFolded: fold(a.Name)}
	if err := gorm.G[avatarRow](t.db, clause.OnConflict{DoNothing: true}).Create(t.ctx, row); err != nil {
		return fmt.Errorf("insert avatar: %w", translate(err))
	}
	return nil
}

// UpdateAvatar writes an avatar's name, picture and archiving.
func (t *Tx) UpdateAvatar(a *models.Avatar) error {
	n, err := gorm.G[avatarRow](t.db).
		Where("account_id = ? AND id = ?", a.AccountID, a.ID).
		Select("name", "name_folded", "url", "archived_at").
		Updates(t.ctx, avatarRow{Avatar: *a, NameFolded: fold(a.Name)})
	if err == nil && n == 0 {
		err = models.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("write avatar %s: %w", a.ID, translate(err))
	}
	return nil
}

func filterAvatars(q models.AvatarQuery) (conditions, error) {
	c := avatarsInScope(q.Scope)
	if archived := q.Filter.Archived; archived != nil {
		if *archived {
			c = c.and("archived_at IS NOT NULL")
		} else {
			c = c.and("archived_at IS NULL")
		}
	}
	if part := q.Filter.NameContains; part != nil && *part != "" {
		if !models.Storable(*part) {
			return nil, models.Invalid("a filter holds NUL or text that is not UTF-8", "filter", "nameContains")
		}
		c = c.and("name_folded LIKE ? ESCAPE '!'", "%"+escapeLike(fold(*part))+"%")
	}
	return c, nil
}

// fold makes names that differ in case alone the same; upper case first, so that letters with
// several lower-case forms meet.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

func escapeLike(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}
