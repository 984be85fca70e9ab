package plan

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"greenroom/db"
	"greenroom/models"
)

type sessionRow = *db.SessionRow

// ended are the columns that a session's status follows from.
const ended = db.SessionStartedAt | db.SessionEndedAt | db.SessionDeadline

var sessionFields = map[string]field[sessionRow]{
	"id":          column(0, func(b []byte, s sessionRow) []byte { return appendPlain(b, s.ID) }),
	"revision":    column(db.SessionRevision, func(b []byte, s sessionRow) []byte { return appendInt(b, s.Revision) }),
	"status":      column(ended, func(b []byte, s sessionRow) []byte { return appendPlain(b, s.Status()) }),
	"sessionType": column(db.SessionType, func(b []byte, s sessionRow) []byte { return appendPlain(b, s.SessionType) }),
	"metadata":    column(db.SessionMetadata, func(b []byte, s sessionRow) []byte { return append(b, s.Metadata...) }),
	"endUserId":   column(db.SessionEndUserID, func(b []byte, s sessionRow) []byte { return orNull(b, s.EndUserID, appendString) }),
	"createdAt":   column(db.SessionCreatedAt, func(b []byte, s sessionRow) []byte { return s.CreatedAt.AppendJSON(b) }),
	"startBy":     column(ended, func(b []byte, s sessionRow) []byte { return appendTime(b, s.StartBy()) }),
	"startedAt":   column(db.SessionStartedAt, func(b []byte, s sessionRow) []byte { return appendTime(b, s.StartedAt) }),
	"endedAt":     column(db.SessionEndedAt, func(b []byte, s sessionRow) []byte { return appendTime(b, s.EndedAt) }),
	"expiration":  column(db.SessionExpiration, func(b []byte, s sessionRow) []byte { return appendTime(b, s.Expiration) }),
	"maxDuration": column(db.SessionMaxDuration, func(b []byte, s sessionRow) []byte { return orNull(b, s.MaxDuration, appendInt) }),
	"duration":    column(ended, func(b []byte, s sessionRow) []byte { return orNull(b, s.Duration(), appendInt) }),
	"endReason":   column(db.SessionEndReason, func(b []byte, s sessionRow) []byte { return orNull(b, s.EndReason, appendPlain) }),
	"avatarState": column(db.SessionAvatarState, func(b []byte, s sessionRow) []byte { return appendPlain(b, s.AvatarState) }),
	"avatar":      shownAvatar,
	"dailyRoom":   dailyRoom,
	"events":      events,
}

func compileSession(c *compiler, selected ast.SelectionSet) *object[sessionRow] {
	return compileObject(c, "Session", selected, sessionFields)
}

// column is a field of a session that follows from its columns alone.
func column(columns db.SessionColumns, write func(b []byte, s sessionRow) []byte) field[sessionRow] {
	return func(c *compiler, _ graphql.CollectedField) writer[sessionRow] {
		c.want.sessions |= columns
		return func(b []byte, _ *run, s sessionRow) []byte { return write(b, s) }
	}
}

func shownAvatar(c *compiler, f graphql.CollectedField) writer[sessionRow] {
	c.want.sessions |= db.SessionAvatarID
	c.want.shown |= db.AvatarID
	outer := c.want.avatars
	c.want.avatars = 0
	avatar := compileAvatar(c, f.Selections)
	c.want.shown |= c.want.avatars
	c.want.avatars = outer
	return func(b []byte, x *run, s sessionRow) []byte { return avatar.append(b, x, &s.Avatar) }
}

// dailyRoomFields are of a session whose room is shown.
var dailyRoomFields = map[string]field[sessionRow]{
	"url":            plain(func(b []byte, s sessionRow) []byte { return appendString(b, s.Room.URL) }),
	"name":           plain(func(b []byte, s sessionRow) []byte { return appendString(b, s.Room.Name) }),
	"token":          roomToken,
	"tokenExpiresAt": tokenExpiresAt,
	"exp":            plain(func(b []byte, s sessionRow) []byte { return s.Room.Exp.AppendJSON(b) }),
}

func dailyRoom(c *compiler, f graphql.CollectedField) writer[sessionRow] {
	c.want.sessions |= db.SessionRoomName | db.SessionRoomURL | db.SessionRoomExp | db.SessionEndedAt
	room := compileObject(c, "DailyRoom", f.Selections, dailyRoomFields)
	return func(b []byte, x *run, s sessionRow) []byte {
		if !s.Room.Shown() {
			return appendNull(b)
		}
		return room.append(b, x, s)
	}
}

// roomToken is signed into the answer.
func roomToken(*compiler, graphql.CollectedField) writer[sessionRow] {
	return func(b []byte, x *run, s sessionRow) []byte {
		token, ok := x.cfg.Sessions.RoomToken(&s.Session, x.now)
		if !ok {
			return appendNull(b)
		}
		return append(token.AppendTo(append(b, '"')), '"')
	}
}

func tokenExpiresAt(*compiler, graphql.CollectedField) writer[sessionRow] {
	return func(b []byte, x *run, s sessionRow) []byte {
		token, ok := x.cfg.Sessions.RoomToken(&s.Session, x.now)
		if !ok {
			return appendNull(b)
		}
		return token.Expires().AppendJSON(b)
	}
}

func appendTime(b []byte, t *models.Time) []byte {
	return orNull(b, t, func(b []byte, t models.Time) []byte { return t.AppendJSON(b) })
}
