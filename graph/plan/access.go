package plan

import "greenroom/auth"

// An audience is a set of kinds of callers.
type audience uint8

const (
	strangers audience = 1 << iota // without a credential
	apiKeys
	accessTokens

	callers   = apiKeys | accessTokens
	everybody = strangers | callers
)

// access is who may see each field. Rows are another matter: a caller's scope is a part of every
// statement. A field that is not listed is never planned, and its resolver decides.
//
// What a caller may not see is null, or UNAUTHENTICATED where only a credential is missing.
var access = map[string]map[string]audience{
	"Query": {
		"serverTime": everybody,
		"node":       callers,
		"viewer":     callers,
		"session":    callers,
		"sessions":   callers,
		"avatar":     callers,
		"avatars":    callers,
	},
	"Subscription": {
		"sessionUpdated": callers,
	},
	"Viewer": {
		"kind":    callers,
		"account": apiKeys,
		"session": accessTokens,
	},
	"Session": {
		"id": callers, "revision": callers, "status": callers, "sessionType": callers,
		"avatar": callers, "dailyRoom": callers, "metadata": callers, "endUserId": callers,
		"createdAt": callers, "startBy": callers, "startedAt": callers, "endedAt": callers,
		"expiration": callers, "maxDuration": callers, "duration": callers, "endReason": callers,
		"avatarState": callers, "events": callers,
	},
	"SessionEvent": {
		"id": callers, "type": callers, "at": callers, "actor": callers, "detail": callers,
	},
	"DailyRoom": {
		"url": callers, "name": callers, "token": callers, "tokenExpiresAt": callers, "exp": callers,
	},
	"Avatar": {
		"id": callers, "name": callers, "url": callers, "createdAt": callers, "archivedAt": callers,
	},
	"SessionConnection": connection, "SessionEdge": edge,
	"AvatarConnection": connection, "AvatarEdge": edge,
	"PageInfo": {
		"hasNextPage": callers, "hasPreviousPage": callers, "startCursor": callers, "endCursor": callers,
	},
}

var (
	connection = map[string]audience{"edges": callers, "nodes": callers, "pageInfo": callers, "totalCount": callers}
	edge       = map[string]audience{"cursor": callers, "node": callers}
)

// MaySee tells whether a caller may see a field of a type; nil is a stranger. Of a field that is not
// listed it says what holds unless its resolver says otherwise: whoever has a credential.
func MaySee(typ, field string, caller *auth.Caller) bool {
	who, listed := access[typ][field]
	if !listed {
		who = callers
	}
	return who&audienceOf(caller) != 0
}

func audienceOf(caller *auth.Caller) audience {
	switch {
	case caller == nil:
		return strangers
	case caller.Kind == auth.AccessToken:
		return accessTokens
	default:
		return apiKeys
	}
}
