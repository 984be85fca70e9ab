package plan

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"greenroom/db"
	"greenroom/models"
)

// A connectionOf is one page of a list, and how long the whole list is when that was asked for.
type connectionOf[R any] struct {
	rows  *db.Rows[R]
	count int
}

// A listed is what a connection has to know of its nodes' type.
type listed[R any] struct {
	// name begins the names of the connection's types.
	name    string
	id      func(*R) string
	compile func(c *compiler, selected ast.SelectionSet) *object[*R]
}

var (
	listedSessions = listed[db.SessionRow]{"Session", func(r *db.SessionRow) string { return r.ID }, compileSession}
	listedAvatars  = listed[db.AvatarRow]{"Avatar", func(r *db.AvatarRow) string { return r.ID }, compileAvatar}
)

func (l listed[R]) connection(c *compiler, selected ast.SelectionSet) *object[*connectionOf[R]] {
	return compileObject(c, l.name+"Connection", selected, l.fields())
}

func (l listed[R]) fields() map[string]field[*connectionOf[R]] {
	return map[string]field[*connectionOf[R]]{
		"nodes":      l.nodes,
		"edges":      l.edges,
		"pageInfo":   pageInfo[R],
		"totalCount": totalCount[R],
	}
}

func (l listed[R]) nodes(c *compiler, f graphql.CollectedField) writer[*connectionOf[R]] {
	c.want.rows = true
	return eachRow(l.compile(c, f.Selections))
}

func (l listed[R]) edges(c *compiler, f graphql.CollectedField) writer[*connectionOf[R]] {
	c.want.rows = true
	return eachRow(compileObject(c, l.name+"Edge", f.Selections, l.edgeFields()))
}

func (l listed[R]) edgeFields() map[string]field[*R] {
	return map[string]field[*R]{
		"cursor": plain(func(b []byte, row *R) []byte { return appendPlain(b, l.id(row)) }),
		"node":   func(c *compiler, f graphql.CollectedField) writer[*R] { return l.compile(c, f.Selections).append },
	}
}

func eachRow[R any](o *object[*R]) writer[*connectionOf[R]] {
	return func(b []byte, x *run, list *connectionOf[R]) []byte {
		b = append(b, '[')
		for i, row := range list.rows.List {
			if i > 0 {
				b = append(b, ',')
			}
			b = o.append(b, x, row)
		}
		return append(b, ']')
	}
}

func totalCount[R any](c *compiler, _ graphql.CollectedField) writer[*connectionOf[R]] {
	c.want.count = true
	return func(b []byte, _ *run, list *connectionOf[R]) []byte { return appendInt(b, list.count) }
}

func pageInfo[R any](c *compiler, f graphql.CollectedField) writer[*connectionOf[R]] {
	c.want.rows = true
	info := compileObject(c, "PageInfo", f.Selections, pageInfoFields)
	return func(b []byte, x *run, list *connectionOf[R]) []byte { return info.append(b, x, &list.rows.Info) }
}

var pageInfoFields = map[string]field[*models.PageInfo]{
	"hasNextPage":     plain(func(b []byte, p *models.PageInfo) []byte { return appendBool(b, p.HasNextPage) }),
	"hasPreviousPage": plain(func(b []byte, p *models.PageInfo) []byte { return appendBool(b, p.HasPreviousPage) }),
	"startCursor":     plain(func(b []byte, p *models.PageInfo) []byte { return orNull(b, p.StartCursor, appendPlain) }),
	"endCursor":       plain(func(b []byte, p *models.PageInfo) []byte { return orNull(b, p.EndCursor, appendPlain) }),
}
