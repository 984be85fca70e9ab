package db

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"greenroom/models"
)

// Sessions reads one page of sessions as they are at now.
func (s *Store) Sessions(ctx context.Context, q models.SessionQuery, now models.Time) (*models.SessionConnection, error) {
	filtered, err := s.filterSessions(q, now)
	if err != nil {
		return nil, err
	}
	rows, err := gorm.G[*models.Session](s.reader, filtered.between(q.Page, q.Ascending).where()...).
		Order(order(q.Page, q.Ascending)).Limit(q.Page.Size + 1).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", translate(err))
	}
	nodes, info := turn(settled(rows, now), q.Page, func(s *models.Session) string { return s.ID })
	return &models.SessionConnection{Nodes: nodes, PageInfo: info, Query: q}, nil
}

// CountSessions counts the whole list.
func (s *Store) CountSessions(ctx context.Context, q models.SessionQuery, now models.Time) (int, error) {
	filtered, err := s.filterSessions(q, now)
	if err != nil {
		return 0, err
	}
	n, err := s.count(ctx, "sessions", filtered)
	if err != nil {
		return 0, fmt.Errorf("count sessions: %w", err)
	}
	return n, nil
}

// SessionsByAvatar reads the same page of each avatar's sessions with one statement, however
// many avatars there are.
func (s *Store) SessionsByAvatar(ctx context.Context, avatarIDs []string, q models.SessionQuery, now models.Time) (map[string]*models.SessionConnection, error) {
	filtered, err := s.filterSessions(q, now)
	if err != nil {
		return nil, err
	}
	// A limited query for each avatar, in one statement: numbering all of an avatar's sessions
	// would read them all.
	parts, queries := make([]string, len(avatarIDs)), make([]any, len(avatarIDs))
	page := filtered.between(q.Page, q.Ascending)
	for i, id := range avatarIDs {
		parts[i] = "SELECT * FROM (?) AS page"
		queries[i] = s.reader.Model(&models.Session{}).Clauses(page.and("avatar_id = ?", id).where()...).
			Order(order(q.Page, q.Ascending)).Limit(q.Page.Size + 1)
	}
	rows, err := gorm.G[*models.Session](s.reader).Raw(strings.Join(parts, " UNION ALL "), queries...).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list sessions by avatar: %w", translate(err))
	}
	byAvatar := map[string][]*models.Session{}
	for _, row := range settled(rows, now) {
		byAvatar[row.AvatarID] = append(byAvatar[row.AvatarID], row)
	}
	pages := map[string]*models.SessionConnection{}
	for _, id := range avatarIDs {
		nodes, info := turn(byAvatar[id], q.Page, func(s *models.Session) string { return s.ID })
		pages[id] = &models.SessionConnection{Nodes: nodes, PageInfo: info, Query: q}
	}
	return pages, nil
}

// CountSessionsByAvatar counts each avatar's whole list with one statement.
func (s *Store) CountSessionsByAvatar(ctx context.Context, avatarIDs []string, q models.SessionQuery, now models.Time) (map[string]int, error) {
	filtered, err := s.filterSessions(q, now)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		AvatarID string
		N        int
	}
	err = gorm.G[models.Session](s.reader, filtered.and("avatar_id IN ?", avatarIDs).where()...).
		Select("avatar_id, count(*) AS n").Group("avatar_id").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count sessions by avatar: %w", translate(err))
	}
	counts := map[string]int{}
	for _, row := range rows {
		counts[row.AvatarID] = row.N
	}
	return counts, nil
}

func (s *Store) filterSessions(q models.SessionQuery, now models.Time) (conditions, error) {
	c, f := inScope(q.Scope), q.Filter
	if err := f.Check(); err != nil {
		return nil, err
	}
	if f.Status != nil {
		c = c.statusIn(f.Status, now)
	}
	if f.AvatarID != nil {
		c = c.and("avatar_id IN ?", f.AvatarID)
	}
	if f.EndUserID != nil {
		c = c.and("end_user_id IN ?", f.EndUserID)
	}
	if f.EndReason != nil {
		c = c.endReasonIn(f.EndReason, now)
	}
	if f.CreatedAfter != nil {
		c = c.and("id >= ?", models.FirstID(models.SessionPrefix, *f.CreatedAfter))
	}
	if f.CreatedBefore != nil {
		c = c.and("id < ?", models.FirstID(models.SessionPrefix, *f.CreatedBefore))
	}
	return s.filterMetadata(c, f.Metadata), nil
}

// filterMetadata compares top-level keys; the filter has been checked.
func (s *Store) filterMetadata(c conditions, want models.JSONObject) conditions {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if want[key] == nil {
			continue
		}
		has, values := s.dialect.metadataHas(key, models.JSONScalar(want[key]))
		c = c.and(has, values...)
	}
	return c
}

// order reads a page from its near end, so that a limit cuts the right rows off.
func order(page models.Page, ascending bool) string {
	if ascending != page.Backward {
		return "id ASC"
	}
	return "id DESC"
}

// between keeps what lies between the page's cursors.
func (c conditions) between(page models.Page, ascending bool) conditions {
	above, below := page.Before, page.After
	if ascending {
		above, below = page.After, page.Before
	}
	if above != "" {
		c = c.and("id > ?", above)
	}
	if below != "" {
		c = c.and("id < ?", below)
	}
	return c
}

// turn puts a page that was read from its near end into the list's own order, and drops the
// row that only told of more.
func turn[T any](rows []*T, page models.Page, id func(*T) string) ([]*T, models.PageInfo) {
	more := len(rows) > page.Size
	if more {
		rows = rows[:page.Size]
	}
	info := models.PageInfo{HasNextPage: more, HasPreviousPage: page.After != ""}
	if page.Backward {
		slices.Reverse(rows)
		info = models.PageInfo{HasNextPage: page.Before != "", HasPreviousPage: more}
	}
	if len(rows) > 0 {
		first, last := id(rows[0]), id(rows[len(rows)-1])
		info.StartCursor, info.EndCursor = &first, &last
	}
	return rows, info
}
