package emulator

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"

	"greenroom/models"
)

// States of a webhook and how it repeats deliveries.
const (
	stateActive = "ACTIVE"
	stateFailed = "FAILED"

	circuitBreaker = "circuit-breaker"
	exponential    = "exponential"
)

// A webhook is where the domain's events go. A domain has at most one.
type webhook struct {
	uuid, url, hmac, retryType string
	basicAuth                  *string
	types                      []string
	state                      string
	failed                     int
	pushed                     *models.Time
	created, updated           models.Time
}

func (h *webhook) show(domainID string) object {
	return object{
		{"uuid", h.uuid}, {"url", h.url}, {"hmac", h.hmac}, {"basicAuth", h.basicAuth},
		{"retryType", h.retryType}, {"eventTypes", h.types}, {"state", h.state},
		{"failedCount", h.failed}, {"lastMomentPushed", h.pushed}, {"domainId", domainID},
		{"createdAt", h.created}, {"updatedAt", h.updated},
	}
}

// change applies a create's or update's body.
func (h *webhook) change(body map[string]any) error {
	for key, into := range map[string]*string{"url": &h.url, "hmac": &h.hmac, "retryType": &h.retryType} {
		switch value := body[key].(type) {
		case nil:
		case string:
			*into = value
		default:
			return &refusal{invalid("%s should be a string", key)}
		}
	}
	switch auth := body["basicAuth"].(type) {
	case nil:
	case string:
		h.basicAuth = &auth
	default:
		return &refusal{invalid("basicAuth should be a string")}
	}
	if body["eventTypes"] != nil {
		types, isList := stringList(body["eventTypes"])
		if !isList || slices.ContainsFunc(types, func(t string) bool { return !slices.Contains(eventTypes, t) }) {
			return &refusal{invalid("eventTypes should be a list of event types")}
		}
		h.types = types
	}
	return h.check()
}

func (h *webhook) check() error {
	if u, err := url.Parse(h.url); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return &refusal{invalid("missing required field")}
	}
	if _, err := base64.StdEncoding.DecodeString(h.hmac); err != nil {
		return &refusal{invalid("hmac should be base64")}
	}
	if h.retryType != circuitBreaker && h.retryType != exponential {
		return &refusal{invalid("retryType should be '%s' or '%s'", circuitBreaker, exponential)}
	}
	return nil
}

var webhookKeys = []string{"url", "eventTypes", "hmac", "retryType", "basicAuth"}

// createWebhook stores a webhook if its receiver answers the ping. It runs without mu, because
// the receiver may well call the emulator.
func (e *Emulator) createWebhook(c *call) reply {
	body, err := c.fields(webhookKeys...)
	if err != nil {
		return answer(err)
	}
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	h := &webhook{
		uuid: newUUID(), hmac: base64.StdEncoding.EncodeToString(secret[:]), retryType: circuitBreaker,
		types: eventTypes, state: stateActive, created: c.now, updated: c.now,
	}
	if err := h.change(body); err != nil {
		return answer(err)
	}
	if rep, allowed := e.mayHaveWebhook(); !allowed {
		return rep
	}
	if rep, answered := e.ping(c, h); !answered {
		return rep
	}
	rep, allowed := e.mayHaveWebhook()
	e.do(func(now models.Time) {
		if allowed = allowed && e.hook == nil; allowed {
			h.created, h.updated = now, now
			e.hook = h
			e.note(now, "webhook created", "", h.uuid)
			rep = ok(h.show(e.cfg.DomainID))
		}
	})
	return rep
}

// mayHaveWebhook refuses a second webhook, and any on an account without a card.
func (e *Emulator) mayHaveWebhook() (rep reply, allowed bool) {
	if e.cfg.Knobs.NoCard {
		return noCard(), false
	}
	e.do(func(models.Time) { allowed = e.hook == nil })
	return refuse(e.cfg.Knobs.SecondWebhook, invalidRequest, "this domain has a webhook already"), allowed
}

func noCard() reply {
	return refuse(http.StatusBadRequest, "invalid-plan-type", "This feature is only available to paid accounts")
}

// ping asks the receiver whether it is there.
func (e *Emulator) ping(c *call, h *webhook) (reply, bool) {
	if err := e.post(c.r.Context(), *h, []byte(`{"test":"test"}`), e.timestamp(c.now)); err != nil {
		return invalid("the webhook's url did not answer the test with 200"), false
	}
	return reply{}, true
}

func (e *Emulator) listWebhooks(*call) reply {
	if e.cfg.Knobs.NoCard {
		return noCard()
	}
	hooks := []object{}
	if e.hook != nil {
		hooks = append(hooks, e.hook.show(e.cfg.DomainID))
	}
	return ok(hooks)
}

// webhookOf is the webhook that a path names. mu is held.
func (e *Emulator) webhookOf(c *call) (*webhook, bool) {
	if e.hook == nil || e.hook.uuid != c.r.PathValue("id") {
		return nil, false
	}
	return e.hook, true
}

func noWebhook() reply { return refuse(http.StatusNotFound, notFound, "webhook not found") }

func (e *Emulator) readWebhook(c *call) reply {
	h, found := e.webhookOf(c)
	if !found {
		return noWebhook()
	}
	if e.cfg.Knobs.WebhookAsArray {
		return ok([]object{h.show(e.cfg.DomainID)})
	}
	return ok(h.show(e.cfg.DomainID))
}

// updateWebhook changes the webhook, pings again, and brings a failed one back to life.
func (e *Emulator) updateWebhook(c *call) reply {
	body, err := c.fields(webhookKeys...)
	if err != nil {
		return answer(err)
	}
	var changed webhook
	found := false
	e.do(func(models.Time) {
		if h, isHere := e.webhookOf(c); isHere {
			changed, found = *h, true
		}
	})
	if !found {
		return noWebhook()
	}
	if err := changed.change(body); err != nil {
		return answer(err)
	}
	if rep, answered := e.ping(c, &changed); !answered {
		return rep
	}
	rep := noWebhook()
	e.do(func(now models.Time) {
		if h, isHere := e.webhookOf(c); isHere {
			changed.state, changed.failed, changed.updated = stateActive, 0, now
			*h = changed
			rep = ok(h.show(e.cfg.DomainID))
		}
	})
	return rep
}

// deleteWebhook answers 200 without a body.
func (e *Emulator) deleteWebhook(c *call) reply {
	if _, found := e.webhookOf(c); !found {
		return noWebhook()
	}
	e.hook = nil
	return reply{status: http.StatusOK}
}
