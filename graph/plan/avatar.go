package plan

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"greenroom/db"
)

type avatarRow = *db.AvatarRow

var avatarFields = map[string]field[avatarRow]{
	"id":         avatarColumn(0, func(b []byte, a avatarRow) []byte { return appendPlain(b, a.ID) }),
	"name":       avatarColumn(db.AvatarName, func(b []byte, a avatarRow) []byte { return appendString(b, a.Name) }),
	"url":        avatarColumn(db.AvatarURL, func(b []byte, a avatarRow) []byte { return appendString(b, a.URL) }),
	"createdAt":  avatarColumn(db.AvatarCreatedAt, func(b []byte, a avatarRow) []byte { return a.CreatedAt.AppendJSON(b) }),
	"archivedAt": avatarColumn(db.AvatarArchivedAt, func(b []byte, a avatarRow) []byte { return appendTime(b, a.ArchivedAt) }),
}

func compileAvatar(c *compiler, selected ast.SelectionSet) *object[avatarRow] {
	return compileObject(c, "Avatar", selected, avatarFields)
}

// avatarColumn is a field of an avatar that follows from its columns alone.
func avatarColumn(columns db.AvatarColumns, write func(b []byte, a avatarRow) []byte) field[avatarRow] {
	return func(c *compiler, _ graphql.CollectedField) writer[avatarRow] {
		c.want.avatars |= columns
		return func(b []byte, _ *run, a avatarRow) []byte { return write(b, a) }
	}
}
