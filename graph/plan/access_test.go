package plan

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"greenroom/auth"
	"greenroom/graph/generated"
)

// unplanned are the fields, of types that plans know, that they leave to the generated executor.
var unplanned = []string{
	"Avatar.sessions", // a list for each row of a list
	"Viewer.account",  // plans, places, usage, keys and endpoints have statements of their own
	// What is told there is seldom the same for two subscribers.
	"Subscription.sessionChanges", "Subscription.accountUpdated",
}

// planned are the fields that plans know.
var planned = map[string][]string{
	"Query":             keys(roots),
	"Subscription":      keys(liveRoots),
	"Viewer":            keys(viewerFields),
	"Session":           keys(sessionFields),
	"SessionEvent":      keys(eventFields),
	"DailyRoom":         keys(dailyRoomFields),
	"Avatar":            keys(avatarFields),
	"PageInfo":          keys(pageInfoFields),
	"SessionConnection": keys(listedSessions.fields()), "SessionEdge": keys(listedSessions.edgeFields()),
	"AvatarConnection": keys(listedAvatars.fields()), "AvatarEdge": keys(listedAvatars.edgeFields()),
}

func keys[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }

// A field that is new in the schema is answered by the generated executor until a plan knows it. It is
// seen here: it belongs into access and its type's table, or into the list of those that stay.
func TestSchema(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	for typ, fields := range planned {
		for _, field := range schema.Types[typ].Fields {
			name := typ + "." + field.Name
			_, listed := access[typ][field.Name]
			plans := listed && slices.Contains(fields, field.Name)
			if stays := slices.Contains(unplanned, name); plans == stays && !strings.HasPrefix(field.Name, "__") {
				t.Errorf("%s: planned %t, listed as unplanned %t", name, plans, stays)
			}
		}
		for _, field := range fields {
			if schema.Types[typ].Fields.ForName(field) == nil {
				t.Errorf("%s.%s is not in the schema", typ, field)
			}
		}
	}
	for typ := range access {
		if planned[typ] == nil {
			t.Errorf("access lists %s, of which no plan knows a field", typ)
		}
	}
}

func TestMaySee(t *testing.T) {
	t.Parallel()
	key, token := &auth.Caller{Kind: auth.APIKey}, &auth.Caller{Kind: auth.AccessToken}
	for _, c := range []struct {
		typ, field           string
		stranger, key, token bool
	}{
		{"Query", "serverTime", true, true, true},
		{"Query", "sessions", false, true, true},
		{"Query", "new", false, true, true}, // closed to strangers until somebody opens it
		{"Mutation", "createSession", false, true, true},
		{"Subscription", "sessionUpdated", false, true, true},
		{"Subscription", "accountUpdated", false, true, true},
		{"Viewer", "account", false, true, false},
		{"Viewer", "session", false, false, true},
	} {
		if MaySee(c.typ, c.field, nil) != c.stranger || MaySee(c.typ, c.field, key) != c.key || MaySee(c.typ, c.field, token) != c.token {
			t.Errorf("%+v", c)
		}
	}
}
