package plan

import (
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"greenroom/db"
	"greenroom/models"
)

// A sessionList is the field `sessions`.
type sessionList struct {
	arguments arguments
	// fixed is the query of a list whose arguments no variable stands in.
	fixed     *models.SessionQuery
	object    *object[*connectionOf[db.SessionRow]]
	selection *db.Selection[db.SessionRow]
	want      *want
}

func compileSessions(c *compiler, f graphql.CollectedField) root {
	l := &sessionList{arguments: c.arguments(f), want: c.want}
	l.object = listedSessions.connection(c, f.Selections)
	l.selection = db.SelectSessions(c.want.sessions, c.want.shown)
	if l.arguments.fixed != nil {
		if q, err := l.arguments.sessions(nil); err == nil {
			l.fixed = &q
		} else {
			c.give("Query.sessions is refused")
		}
	}
	return l
}

func (l *sessionList) bind(x *run) (task, error) {
	var q models.SessionQuery
	var err error
	if l.fixed != nil {
		q = *l.fixed
	} else if q, err = l.arguments.sessions(x); err != nil {
		return nil, err
	}
	if err := bindTimelines(x, l.want.timelines); err != nil {
		return nil, err
	}
	if q, err = x.cfg.Sessions.SessionsInScope(x.ctx, q); err != nil {
		return nil, err
	}
	return &sessionListTask{of: l, q: q}, nil
}

type sessionListTask struct {
	of   *sessionList
	q    models.SessionQuery
	list connectionOf[db.SessionRow]
}

func (t *sessionListTask) read(x *run) error {
	if t.of.want.rows {
		t.list.rows = takeRows[db.SessionRow](&sessionRows)
		if err := x.cfg.Store.ReadSessions(x.ctx, t.of.selection, t.q, x.now, t.list.rows); err != nil {
			return err
		}
		if err := readBeside(x, t.q.Scope, t.of.selection, t.of.want.timelines, t.list.rows.List); err != nil {
			return err
		}
	}
	if !t.of.want.count {
		return nil
	}
	return counted(&t.list.count)(x.cfg.Store.CountSessions(x.ctx, t.q, x.now))
}

func (t *sessionListTask) append(b []byte, x *run) []byte { return t.of.object.append(b, x, &t.list) }

func (t *sessionListTask) done() { giveRows(&sessionRows, &t.list.rows) }

// An avatarList is the field `avatars`.
type avatarList struct {
	arguments arguments
	object    *object[*connectionOf[db.AvatarRow]]
	selection *db.Selection[db.AvatarRow]
	want      *want
}

func compileAvatars(c *compiler, f graphql.CollectedField) root {
	l := &avatarList{arguments: c.arguments(f), want: c.want}
	l.object = listedAvatars.connection(c, f.Selections)
	l.selection = db.SelectAvatars(c.want.avatars)
	return l
}

func (l *avatarList) bind(x *run) (task, error) {
	q, err := l.arguments.avatars(x)
	if err != nil {
		return nil, err
	}
	if q, err = x.cfg.Accounts.AvatarsInScope(x.ctx, q); err != nil {
		return nil, err
	}
	return &avatarListTask{of: l, q: q}, nil
}

type avatarListTask struct {
	of   *avatarList
	q    models.AvatarQuery
	list connectionOf[db.AvatarRow]
}

func (t *avatarListTask) read(x *run) error {
	if t.of.want.rows {
		t.list.rows = takeRows[db.AvatarRow](&avatarRows)
		if err := x.cfg.Store.ReadAvatars(x.ctx, t.of.selection, t.q, t.list.rows); err != nil {
			return err
		}
	}
	if !t.of.want.count {
		return nil
	}
	return counted(&t.list.count)(x.cfg.Store.CountAvatars(x.ctx, t.q))
}

func (t *avatarListTask) append(b []byte, x *run) []byte { return t.of.object.append(b, x, &t.list) }

func (t *avatarListTask) done() { giveRows(&avatarRows, &t.list.rows) }

// counted takes a count. One that fails is a field's error, below the list's: not planned.
func counted(to *int) func(int, error) error {
	return func(n int, err error) error {
		*to = n
		if err != nil {
			return fmt.Errorf("%w: %w", errElsewhere, err)
		}
		return nil
	}
}
