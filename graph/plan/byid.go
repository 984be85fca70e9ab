package plan

import (
	"errors"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"

	"greenroom/db"
	"greenroom/models"
)

// A sessionRead reads one session, and writes what was selected of it.
type sessionRead struct {
	object    *object[sessionRow]
	selection *db.Selection[db.SessionRow]
	timelines []timeline
}

func compileSessionRead(c *compiler, selected ast.SelectionSet) *sessionRead {
	return newSessionRead(c, compileSession(c, selected))
}

func newSessionRead(c *compiler, o *object[sessionRow]) *sessionRead {
	return &sessionRead{o, db.SelectSessions(c.want.sessions, c.want.shown), c.want.timelines}
}

// bind finds where the session is to be looked for; nil when there can be none.
func (r *sessionRead) bind(x *run, id string) (*sessionTask, error) {
	if err := bindTimelines(x, r.timelines); err != nil {
		return nil, err
	}
	scope, err := x.cfg.Sessions.SessionScope(x.ctx, id)
	if errors.Is(err, models.ErrNotFound) {
		return nil, nil
	}
	return &sessionTask{of: r, scope: scope, id: id}, err
}

type sessionTask struct {
	of    *sessionRead
	scope models.Scope
	id    string
	rows  *db.Rows[db.SessionRow]
}

func (t *sessionTask) read(x *run) error {
	t.rows = takeRows[db.SessionRow](&sessionRows)
	if err := x.cfg.Store.ReadSession(x.ctx, t.of.selection, t.scope, t.id, x.now, t.rows); err != nil {
		return err
	}
	return readBeside(x, t.scope, t.of.selection, t.of.timelines, t.rows.List)
}

func (t *sessionTask) append(b []byte, x *run) []byte {
	if len(t.rows.List) == 0 {
		return appendNull(b)
	}
	return t.of.object.append(b, x, t.rows.List[0])
}

func (t *sessionTask) done() { giveRows(&sessionRows, &t.rows) }

// readBeside reads what belongs to sessions and has rows of its own.
func readBeside(x *run, scope models.Scope, selection *db.Selection[db.SessionRow], timelines []timeline, sessions []sessionRow) error {
	for _, s := range sessions {
		if selection.Joins() && s.Avatar.ID == "" {
			return errElsewhere // no foreign key lets an avatar be missing, and no scope hides it
		}
	}
	return readTimelines(x, scope, timelines, sessions)
}

// A sessionByID is the field `session`.
type sessionByID struct {
	id arguments
	*sessionRead
}

func (s *sessionByID) bind(x *run) (task, error) {
	id, err := s.id.id(x)
	if err != nil {
		return nil, err
	}
	t, err := s.sessionRead.bind(x, id)
	if t == nil || err != nil {
		return null{}, err
	}
	return t, nil
}

// An avatarRead reads one avatar, and writes what was selected of it.
type avatarRead struct {
	object    *object[avatarRow]
	selection *db.Selection[db.AvatarRow]
}

func compileAvatarRead(c *compiler, selected ast.SelectionSet) *avatarRead {
	o := compileAvatar(c, selected)
	return &avatarRead{o, db.SelectAvatars(c.want.avatars)}
}

// An avatarByID is the field `avatar`.
type avatarByID struct {
	id arguments
	*avatarRead
}

func (a *avatarByID) bind(x *run) (task, error) {
	id, err := a.id.id(x)
	if err != nil {
		return nil, err
	}
	scope, err := x.cfg.Accounts.AvatarScope(x.ctx, id)
	if errors.Is(err, models.ErrNotFound) {
		return null{}, nil
	}
	return &avatarTask{of: a.avatarRead, scope: scope, id: id}, err
}

type avatarTask struct {
	of    *avatarRead
	scope models.Scope
	id    string
	rows  *db.Rows[db.AvatarRow]
}

func (t *avatarTask) read(x *run) error {
	t.rows = takeRows[db.AvatarRow](&avatarRows)
	return x.cfg.Store.ReadAvatar(x.ctx, t.of.selection, t.scope, t.id, t.rows)
}

func (t *avatarTask) append(b []byte, x *run) []byte {
	if len(t.rows.List) == 0 {
		return appendNull(b)
	}
	return t.of.object.append(b, x, t.rows.List[0])
}

func (t *avatarTask) done() { giveRows(&avatarRows, &t.rows) }

// Rows are kept for the memory that they hold.
var sessionRows, avatarRows sync.Pool

func takeRows[R any](from *sync.Pool) *db.Rows[R] {
	if kept, ok := from.Get().(*db.Rows[R]); ok {
		return kept
	}
	return &db.Rows[R]{}
}

func giveRows[R any](to *sync.Pool, rows **db.Rows[R]) {
	if *rows != nil {
		to.Put(*rows)
		*rows = nil
	}
}
