package graph_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	createHook = `mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) {
		webhookEndpoint { id url description eventTypes createdAt disabledAt disabledReason failingSince deliveries { totalCount } }
		secret userErrors { code message field } } }`
	testHook = `mutation($id: ID!) { sendTestWebhook(input: {id: $id}) {
		webhookDelivery { id eventId eventType sessionId endpointId state attempts { at } nextAttemptAt finishedAt } userErrors { code field } } }`
	readDelivery = `query($id: ID!) { node(id: $id) { ... on WebhookDelivery { state eventId attempts { at httpStatus latency error } nextAttemptAt } } }`
)

func TestWebhooks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Webhook-Signature") == "" {
			t.Error("unsigned")
		}
		out.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(receiver.Close)
	w.webhooks.Run()

	created := at(w.must(w.mine, createHook, vars{"input": vars{
		"url": receiver.URL, "eventTypes": []any{"SESSION_ENDED", "SESSION_CREATED", "SESSION_ENDED"}, "description": "the back end",
	}}), "createWebhookEndpoint")
	id := text(at(created, "webhookEndpoint", "id"))
	want := vars{
		"id": id, "url": receiver.URL, "description": "the back end", "eventTypes": []any{"SESSION_ENDED", "SESSION_CREATED"},
		"createdAt": epoch.String(), "disabledAt": nil, "disabledReason": nil, "failingSince": nil, "deliveries": vars{"totalCount": 0.0},
	}
	if diff := cmp.Diff(any(want), at(created, "webhookEndpoint")); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(text(at(created, "secret")), "whsec_") || !strings.HasPrefix(id, "whk_") {
		t.Fatalf("created %v", created)
	}

	sent := at(w.must(w.mine, testHook, vars{"id": id}), "sendTestWebhook", "webhookDelivery")
	delivery := text(at(sent, "id"))
	want = vars{
		"id": delivery, "eventId": at(sent, "eventId"), "eventType": "WEBHOOK_TEST", "sessionId": nil, "endpointId": id, "state": "PENDING",
		"attempts": []any{}, "nextAttemptAt": epoch.String(), "finishedAt": nil,
	}
	if diff := cmp.Diff(any(want), sent); diff != "" || !strings.HasPrefix(text(at(sent, "eventId")), "evt_") {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	var tried any
	for deadline := time.After(patience); len(list(at(tried, "attempts"))) == 0; {
		select {
		case <-time.After(5 * time.Millisecond):
			tried = at(w.must(w.mine, readDelivery, vars{"id": delivery}), "node")
		case <-deadline:
			t.Fatal("it was never tried")
		}
	}
	if a := at(tried, "attempts", 0); at(a, "httpStatus") != 418.0 || at(a, "at") != epoch.String() || at(a, "error") != "answered with the status 418" ||
		at(tried, "state") != "PENDING" || at(tried, "nextAttemptAt") == nil || at(tried, "eventId") != at(sent, "eventId") {
		t.Errorf("tried %v", tried)
	}
	listed := w.must(w.mine, `{ viewer { account { webhookEndpoints(first: 5) { totalCount edges { cursor node {
		id failingSince deliveries(first: 1) { totalCount nodes { id eventType } pageInfo { hasNextPage } } } } } } } }`, nil)
	node := at(listed, "viewer", "account", "webhookEndpoints", "edges", 0, "node")
	if at(node, "id") != id || at(node, "failingSince") != epoch.String() || at(node, "deliveries", "nodes", 0, "id") != delivery || at(node, "deliveries", "totalCount") != 1.0 {
		t.Errorf("listed %v", listed)
	}

	for _, step := range []struct{ mutation, of, want string }{
		{`rotateWebhookSecret(input: {id: "ID"}) { previousSecretExpiresAt userErrors { code } }`, id, `{"previousSecretExpiresAt":"` + epoch.Add(86400e9).String() + `","userErrors":[]}`},
		{`disableWebhookEndpoint(input: {id: "ID"}) { webhookEndpoint { disabledReason } userErrors { code } }`, id, `{"webhookEndpoint":{"disabledReason":"REQUESTED"},"userErrors":[]}`},
		{`sendTestWebhook(input: {id: "ID"}) { webhookDelivery { id } userErrors { code field } }`, id, `{"webhookDelivery":null,"userErrors":[{"code":"INVALID_INPUT","field":["id"]}]}`},
		{`replayWebhookDelivery(input: {id: "ID"}) { webhookDelivery { id } userErrors { code field } }`, delivery, `{"webhookDelivery":null,"userErrors":[{"code":"INVALID_INPUT","field":["id"]}]}`},
		{`enableWebhookEndpoint(input: {id: "ID"}) { webhookEndpoint { disabledAt failingSince } userErrors { code } }`, id, `{"webhookEndpoint":{"disabledAt":null,"failingSince":null},"userErrors":[]}`},
		{`updateWebhookEndpoint(input: {id: "ID", description: ""}) { webhookEndpoint { description url } userErrors { code } }`, id, `{"webhookEndpoint":{"description":null,"url":"` + receiver.URL + `"},"userErrors":[]}`},
		{`updateWebhookEndpoint(input: {id: "ID", url: "http://8.8.8.8"}) { webhookEndpoint { id } userErrors { code field } }`, id, `{"webhookEndpoint":null,"userErrors":[{"code":"INVALID_INPUT","field":["url"]}]}`},
		{`replayWebhookDelivery(input: {id: "ID"}) { webhookDelivery { eventId } userErrors { code } }`, delivery, `{"webhookDelivery":{"eventId":"` + text(at(sent, "eventId")) + `"},"userErrors":[]}`},
		{`deleteWebhookEndpoint(input: {id: "ID"}) { deletedWebhookEndpointId userErrors { code } }`, id, `{"deletedWebhookEndpointId":"` + id + `","userErrors":[]}`},
		{`deleteWebhookEndpoint(input: {id: "ID"}) { deletedWebhookEndpointId userErrors { code } }`, id, `{"deletedWebhookEndpointId":null,"userErrors":[{"code":"NOT_FOUND"}]}`},
	} {
		name, _, _ := strings.Cut(step.mutation, "(")
		got := w.ask(w.mine, "mutation { "+strings.Replace(step.mutation, "ID", step.of, 1)+" }", nil)
		if want := `{"data":{"` + name + `":` + step.want + `}}`; got.body != want {
			t.Errorf("%s answered\n%s, want\n%s", name, got.body, want)
		}
	}
	gone := w.must(w.mine, `query($a: ID!, $b: ID!) { a: node(id: $a) { id } b: node(id: $b) { id } }`, vars{"a": id, "b": delivery})
	if at(gone, "a") != nil || at(gone, "b") != nil {
		t.Errorf("after it was deleted: %v", gone)
	}
}
