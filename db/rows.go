package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"greenroom/models"
)

// Rows are one page of rows. They can be read into again and again; what was read before is then
// gone.
type Rows[R any] struct {
	// List is the page in the list's own order.
	List []*R
	Info models.PageInfo
	// made are all rows that there is memory for.
	made []*R
}

// begin forgets what was read.
func (r *Rows[R]) begin() { r.List, r.Info = r.List[:0], models.PageInfo{} }

// next is an empty row at the end of the list.
func (r *Rows[R]) next() *R {
	if len(r.List) == len(r.made) {
		r.made = append(r.made, new(R))
	}
	row := r.made[len(r.List)]
	*row = *new(R)
	r.List = append(r.List, row)
	return row
}

// turn makes a page of what was read from its near end, see turn. A database keeps the order of a
// query within a query, but does not promise to.
func (r *Rows[R]) turn(page models.Page, ascending bool, id func(*R) string) {
	near := func(a, b *R) int { return cmp.Compare(id(b), id(a)) }
	if ascending != page.Backward {
		near = func(a, b *R) int { return cmp.Compare(id(a), id(b)) }
	}
	if !slices.IsSortedFunc(r.List, near) {
		slices.SortFunc(r.List, near)
	}
	r.List, r.Info = turn(r.List, page, id)
}

// ReadSessions reads the selected columns of one page of sessions, as they are at now.
func (s *Store) ReadSessions(ctx context.Context, selection *Selection[SessionRow], q models.SessionQuery, now models.Time, into *Rows[SessionRow]) error {
	filtered, err := s.filterSessions(q, now)
	if err != nil {
		return err
	}
	read := s.query(selection.columns, selection.names, len(selection.put))
	read.short = byIDAlone(q.Filter)
	read.sessions(selection, q.Scope)
	read.where(filtered.between(q.Page, q.Ascending))
	read.page(q.Page, q.Ascending)
	if err := s.readSessions(ctx, read, selection, q.Scope, now, into); err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	into.turn(q.Page, q.Ascending, func(r *SessionRow) string { return r.ID })
	return nil
}

// ReadSession reads the selected columns of one session as it is at now. Nothing outside the scope
// is found: the list is empty then.
func (s *Store) ReadSession(ctx context.Context, selection *Selection[SessionRow], scope models.Scope, id string, now models.Time, into *Rows[SessionRow]) error {
	read := s.query(selection.columns, selection.names, len(selection.put))
	read.short = true
	read.sessions(selection, scope)
	read.where(inScope(scope).and("id = ?", id))
	if err := s.readSessions(ctx, read, selection, scope, now, into); err != nil {
		return fmt.Errorf("session %s: %w", id, err)
	}
	return nil
}

func (s *Store) readSessions(ctx context.Context, q *query, selection *Selection[SessionRow], scope models.Scope, now models.Time, into *Rows[SessionRow]) error {
	into.begin()
	return s.run(ctx, q, func(values []value) {
		row := into.next()
		selection.fill(row, values)
		row.AccountID = scope.AccountID
		if selection.settles {
			row.Settle(now)
		}
	})
}

// ReadAvatars reads the selected columns of one page of avatars, newest first.
func (s *Store) ReadAvatars(ctx context.Context, selection *Selection[AvatarRow], q models.AvatarQuery, into *Rows[AvatarRow]) error {
	filtered, err := filterAvatars(q)
	if err != nil {
		return err
	}
	read := s.query(selection.columns, selection.names, len(selection.put))
	read.short = q.Filter == models.AvatarFilter{}
	read.add("avatars")
	read.where(filtered.between(q.Page, false))
	read.page(q.Page, false)
	if err := s.readAvatars(ctx, read, selection, into); err != nil {
		return fmt.Errorf("list avatars: %w", err)
	}
	into.turn(q.Page, false, func(r *AvatarRow) string { return r.ID })
	return nil
}

// ReadAvatar reads the selected columns of one avatar. Nothing outside the scope is found: the list
// is empty then.
func (s *Store) ReadAvatar(ctx context.Context, selection *Selection[AvatarRow], scope models.Scope, id string, into *Rows[AvatarRow]) error {
	read := s.query(selection.columns, selection.names, len(selection.put))
	read.short = true
	read.add("avatars")
	read.where(avatarsInScope(scope).and("id = ?", id))
	if err := s.readAvatars(ctx, read, selection, into); err != nil {
		return fmt.Errorf("avatar %s: %w", id, err)
	}
	return nil
}

func (s *Store) readAvatars(ctx context.Context, q *query, selection *Selection[AvatarRow], into *Rows[AvatarRow]) error {
	into.begin()
	return s.run(ctx, q, func(values []value) { selection.fill(into.next(), values) })
}

// sessions reads from sessions, with the avatars that the scope may see.
func (q *query) sessions(selection *Selection[SessionRow], scope models.Scope) {
	q.add("sessions")
	q.add(selection.join)
	if selection.join != "" && scope.AvatarID != "" {
		q.add(" AND shown_id = ?", scope.AvatarID)
	}
}

// page reads a page and one row more, from the near end. SQLite plans a statement anew, each time,
// whose limit is a parameter and nothing else: it would plan by the number.
func (q *query) page(page models.Page, ascending bool) {
	q.add(" ORDER BY ")
	q.add(order(page, ascending))
	q.add(" LIMIT CAST(? AS BIGINT)", page.Size+1)
}

// byIDAlone tells a filter that a page in the order of ids does not have to search for.
func byIDAlone(f models.SessionFilter) bool {
	return f.Status == nil && f.AvatarID == nil && f.EndUserID == nil && f.EndReason == nil && f.Metadata == nil
}

// count counts the rows of a table that conditions keep.
func (s *Store) count(ctx context.Context, table string, kept conditions) (int, error) {
	n := 0
	read := s.query("count(*) AS n", "n", 1)
	read.add(table)
	read.where(kept)
	err := s.run(ctx, read, func(values []value) { n = int(values[0].n) })
	return n, err
}
