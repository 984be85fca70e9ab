package graph_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"greenroom/auth"
	"greenroom/models"
)

// reads are how to ask each root field of Query, and writes of Mutation, for an object by its
// id; NAME stands for the id. A new root field without an entry here fails the walk.
var reads = map[string]string{
	"node":       `node(id: "SESSION") { id }`,
	"viewer":     `viewer { account { id concurrency { holders { id } } usageReport(from: "2026-09-01T00:00:00Z", to: "2026-10-01T00:00:00Z") { sessions seconds avatars { avatar { id } } } apiKeys { nodes { id } } webhookEndpoints { totalCount nodes { id deliveries { totalCount nodes { id } } } } } session { id } }`,
	"serverTime": `serverTime`,
	"session":    `session(id: "SESSION") { id }`,
	"sessions":   `sessions(first: 100, filter: {avatarId: ["AVATAR"]}) { totalCount nodes { id } }`,
	"avatar":     `avatar(id: "AVATAR") { id }`,
	"avatars":    `avatars(first: 100) { totalCount nodes { id sessions { totalCount nodes { id } } } }`,
}

var writes = map[string]string{
	"createSession":         `createSession(input: {avatarId: "AVATAR"}) { session { id } userErrors { code message field } }`,
	"startSession":          `startSession(input: {id: "SESSION"}) { session { id } userErrors { code message field } }`,
	"endSession":            `endSession(input: {id: "SESSION"}) { session { id } userErrors { code message field } }`,
	"updateSessionMetadata": `updateSessionMetadata(input: {id: "SESSION", metadata: {a: 1}}) { session { id } userErrors { code message field } }`,
	"rotateAccessToken":     `rotateAccessToken(input: {id: "SESSION"}) { accessToken userErrors { code message field } }`,
	"createAvatar":          `createAvatar(input: {name: "", url: ""}) { avatar { id } userErrors { code message field } }`,
	"updateAvatar":          `updateAvatar(input: {id: "AVATAR", name: "x"}) { avatar { id } userErrors { code message field } }`,
	"archiveAvatar":         `archiveAvatar(input: {id: "AVATAR"}) { avatar { id } userErrors { code message field } }`,
	"createApiKey":          `createApiKey(input: {name: ""}) { secret userErrors { code message field } }`,
	"revokeApiKey":          `revokeApiKey(input: {id: "KEY"}) { apiKey { id } userErrors { code message field } }`,

	"createWebhookEndpoint":  `createWebhookEndpoint(input: {url: "", eventTypes: []}) { secret userErrors { code message field } }`,
	"updateWebhookEndpoint":  `updateWebhookEndpoint(input: {id: "HOOK", url: "https://x.example"}) { webhookEndpoint { id } userErrors { code message field } }`,
	"rotateWebhookSecret":    `rotateWebhookSecret(input: {id: "HOOK"}) { secret previousSecretExpiresAt userErrors { code message field } }`,
	"disableWebhookEndpoint": `disableWebhookEndpoint(input: {id: "HOOK"}) { webhookEndpoint { id } userErrors { code message field } }`,
	"enableWebhookEndpoint":  `enableWebhookEndpoint(input: {id: "HOOK"}) { webhookEndpoint { id } userErrors { code message field } }`,
	"deleteWebhookEndpoint":  `deleteWebhookEndpoint(input: {id: "HOOK"}) { deletedWebhookEndpointId userErrors { code message field } }`,
	"sendTestWebhook":        `sendTestWebhook(input: {id: "HOOK"}) { webhookDelivery { id } userErrors { code message field } }`,
	"replayWebhookDelivery":  `replayWebhookDelivery(input: {id: "DELIVERY"}) { webhookDelivery { id } userErrors { code message field } }`,
}

// ids are what a document is filled in with.
type ids struct{ session, avatar, key, account, event, hook, delivery string }

func (i ids) fill(document string) string {
	return strings.NewReplacer("SESSION", i.session, "AVATAR", i.avatar, "KEY", i.key, "ACCOUNT", i.account, "EVENT", i.event,
		"HOOK", i.hook, "DELIVERY", i.delivery).Replace(document)
}

// Its parts run in order: the last one looks at what the others must not have changed.
func TestIsolation(t *testing.T) {
	w := setup(t)
	schema := readSchema(t)
	mine := w.newSession(w.mine, w.avatar.ID)
	key, _, err := w.accounts.CreateAPIKey(as(w.mine), "mine")
	if err != nil {
		t.Fatal(err)
	}
	events, err := w.store.SessionEvents(t.Context(), w.mine.Scope(), []string{mine.ID}, nil)
	if err != nil || len(events[mine.ID]) == 0 {
		t.Fatalf("events %v, %v", events, err)
	}
	hook, _, err := w.webhooks.CreateEndpoint(as(w.mine), "https://hooks.example", []models.WebhookEventType{models.WebhookSessionEnded}, nil)
	if err != nil {
		t.Fatal(err)
	}
	delivery, err := w.webhooks.SendTest(as(w.mine), hook.ID)
	if err != nil {
		t.Fatal(err)
	}
	foreign := ids{mine.ID, w.avatar.ID, key.ID, w.mine.AccountID, events[mine.ID][0].ID, hook.ID, delivery.ID}
	absent := ids{
		models.NewID(models.SessionPrefix, epoch), models.NewID(models.AvatarPrefix, epoch),
		models.NewID(models.KeyPrefix, epoch), models.NewID(models.AccountPrefix, epoch), models.NewID(models.EventPrefix, epoch),
		models.NewID(models.WebhookPrefix, epoch), models.NewID(models.DeliveryPrefix, epoch),
	}
	// The token of another session of the same account sees as little as another account.
	sibling := tokenOf(w.newSession(w.mine, w.newAvatar(w.mine, "Bea").ID))
	callers := map[string]*auth.Caller{"AnotherAccount": w.other, "AnotherSessionsToken": sibling}

	roots := map[string]string{}
	for _, f := range schema.Query.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			roots[f.Name] = reads[f.Name]
		}
	}
	for _, f := range schema.Mutation.Fields {
		roots[f.Name] = "mutation"
		if writes[f.Name] != "" {
			roots[f.Name] = writes[f.Name]
		}
	}
	for field, document := range roots {
		if document == "" || document == "mutation" {
			t.Errorf("%s is not tried for isolation", field)
			continue
		}
		operation := "query { " + document + " }"
		if writes[field] != "" {
			operation = "mutation { " + document + " }"
		}
		t.Run(field+"RefusesStrangers", func(t *testing.T) {
			got := w.ask(nil, foreign.fill(operation), nil)
			if field == "serverTime" {
				if got.code() != "" {
					t.Fatalf("answered %s", got.body)
				}
				return
			}
			if got.code() != "UNAUTHENTICATED" || len(got.Errors) != 1 {
				t.Fatalf("answered %s", got.body)
			}
		})
		for name, caller := range callers {
			t.Run(field+"TellsNothingTo"+name, func(t *testing.T) {
				theirs := w.ask(caller, foreign.fill(operation), nil)
				nothing := w.ask(caller, absent.fill(operation), nil)
				if theirs.body != nothing.body {
					t.Errorf("told apart:\nforeign %s\nabsent  %s", theirs.body, nothing.body)
				}
				for _, id := range []string{foreign.session, foreign.avatar, foreign.key, foreign.account, foreign.hook, foreign.delivery} {
					if strings.Contains(theirs.body, id) {
						t.Errorf("shows %s: %s", id, theirs.body)
					}
				}
			})
		}
	}

	t.Run("NodeHidesEveryKindOfObject", func(t *testing.T) {
		for i, id := range []string{foreign.session, foreign.avatar, foreign.key, foreign.account, foreign.event, foreign.hook, foreign.delivery} {
			other := []string{absent.session, absent.avatar, absent.key, absent.account, absent.event, absent.hook, absent.delivery}[i]
			for name, caller := range callers {
				theirs := w.ask(caller, `query($id: ID!) { node(id: $id) { __typename id } }`, vars{"id": id})
				nothing := w.ask(caller, `query($id: ID!) { node(id: $id) { __typename id } }`, vars{"id": other})
				if theirs.body != `{"data":{"node":null}}` || nothing.body != theirs.body {
					t.Errorf("%s: foreign %s, absent %s", name, theirs.body, nothing.body)
				}
			}
			own := w.must(w.mine, `query($id: ID!) { node(id: $id) { __typename id } }`, vars{"id": id})
			if at(own, "node", "id") != id {
				t.Errorf("the owner finds %v for %s", own, id)
			}
		}
	})
	t.Run("MalformedIdsFindNothing", func(t *testing.T) {
		for _, id := range []string{
			"", "_", "sess_", "sess", foreign.session + "x", strings.ToLower(foreign.session), "sess_' OR '1'='1",
			"\x00", "avat_\x00", strings.Repeat("A", 100_000), "whk_01J00000000000000000000000", foreign.session + "\n", "5",
		} {
			for _, document := range []string{
				`query($id: ID!) { found: node(id: $id) { id } }`, `query($id: ID!) { found: session(id: $id) { id } }`,
				`query($id: ID!) { found: avatar(id: $id) { id } }`,
			} {
				if got := w.ask(w.mine, document, vars{"id": id}); got.body != `{"data":{"found":null}}` {
					t.Errorf("%.40q: %s answered %s", id, document, got.body)
				}
			}
		}
		if got := w.ask(w.mine, `query { session(id: 5) { id } }`, nil); got.body != `{"data":{"session":null}}` {
			t.Errorf("a number answered %s", got.body)
		}
	})
	t.Run("StrangersDoNotSeeTheSchema", func(t *testing.T) {
		for _, document := range []string{`{ __schema { types { name } } }`, `{ __type(name: "Session") { name } }`} {
			if got := w.ask(nil, document, nil); got.code() != "UNAUTHENTICATED" || strings.Contains(got.body, "Session") {
				t.Errorf("%s answered %s", document, got.body)
			}
			w.must(w.mine, document, nil)
			w.must(sibling, document, nil)
		}
		if got := w.ask(nil, `{ __typename serverTime }`, nil); got.body != `{"data":{"__typename":"Query","serverTime":"`+epoch.String()+`"}}` {
			t.Errorf("answered %s", got.body)
		}
	})
	t.Run("NothingWasChanged", func(t *testing.T) {
		got := w.must(w.mine, `query($id: ID!) { session(id: $id) { status revision metadata avatar { name archivedAt } } viewer { account { apiKeys { nodes { revokedAt } } webhookEndpoints { nodes { id url disabledAt deliveries { totalCount } } } } } }`, vars{"id": mine.ID})
		if at(got, "session", "status") != "CREATED" || !cmp.Equal(at(got, "session", "metadata"), any(vars{})) ||
			at(got, "session", "avatar", "name") != "Ada" || at(got, "session", "avatar", "archivedAt") != nil ||
			at(got, "viewer", "account", "apiKeys", "nodes", 0, "revokedAt") != nil ||
			!cmp.Equal(at(got, "viewer", "account", "webhookEndpoints", "nodes", 0), any(vars{
				"id": hook.ID, "url": hook.URL, "disabledAt": nil, "deliveries": vars{"totalCount": 1.0},
			})) {
			t.Errorf("got %v", got)
		}
	})
}
