package daily

import (
	"context"
	"net/http"
	"time"
)

// A Webhook is where Daily sends a domain's events. A domain has at most one.
type Webhook struct {
	ID         string    `json:"id"`
	URL        string    `json:"url"`
	EventTypes []string  `json:"eventTypes"`
	RetryType  string    `json:"retryType"`
	State      string    `json:"state"` // ACTIVE, or FAILED once Daily has given up on it
	Failures   int       `json:"failures"`
	CreatedAt  time.Time `json:"createdAt"`
	// LastSent is when the last event was taken; nil before.
	LastSent *time.Time `json:"lastSent"`
}

// webhookReply leaves the hmac where it is.
type webhookReply struct {
	UUID             string     `json:"uuid"`
	URL              string     `json:"url"`
	RetryType        string     `json:"retryType"`
	EventTypes       []string   `json:"eventTypes"`
	State            string     `json:"state"`
	FailedCount      float64    `json:"failedCount"`
	LastMomentPushed *time.Time `json:"lastMomentPushed"`
	CreatedAt        time.Time  `json:"createdAt"`
}

func (r *webhookReply) webhook() (Webhook, error) {
	if !isID(r.UUID) {
		return Webhook{}, errUnreadable
	}
	return Webhook{
		ID: r.UUID, URL: r.URL, EventTypes: r.EventTypes, RetryType: r.RetryType, State: r.State,
		Failures: int(r.FailedCount), CreatedAt: r.CreatedAt.UTC(), LastSent: r.LastMomentPushed,
	}, nil
}

// Webhooks lists the domain's webhooks: none or one.
func (c *Client) Webhooks(ctx context.Context) (hooks []Webhook, err error) {
	op := call{name: "list webhooks", method: http.MethodGet, path: path("webhooks")}
	err = c.do(ctx, op, nil, into(func(replies *[]webhookReply) error {
		if *replies == nil {
			return errUnreadable
		}
		hooks = nil
		for _, r := range *replies {
			hook, err := r.webhook()
			if err != nil {
				return err
			}
			hooks = append(hooks, hook)
		}
		return nil
	}))
	return hooks, err
}

// RegisterWebhook makes Daily send who joins and who leaves to url, signed with secret, which is
// base64. The domain's webhook is changed where it has one, whatever its url, and revived where
// Daily had given up on it. Daily asks url at once and refuses one that does not answer 200 within
// a few seconds.
func (c *Client) RegisterWebhook(ctx context.Context, url, secret string) (Webhook, error) {
	hooks, err := c.Webhooks(ctx)
	if err != nil {
		return Webhook{}, err
	}
	op := call{name: "create webhook", method: http.MethodPost, path: path("webhooks"), once: true}
	if len(hooks) > 0 {
		op = call{name: "update webhook", method: http.MethodPost, path: path("webhooks", hooks[0].ID)}
	}
	var hook Webhook
	body := map[string]any{
		"url": url, "hmac": secret, "eventTypes": []EventType{ParticipantJoined, ParticipantLeft},
		// The default gives up for good after three failures.
		"retryType": "exponential",
	}
	err = c.do(ctx, op, body, into(func(r *webhookReply) (err error) {
		hook, err = r.webhook()
		return err
	}))
	return hook, err
}

// DeleteWebhook deletes a webhook. One that is absent is a success.
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	op := call{name: "delete webhook", method: http.MethodDelete, path: path("webhooks", id)}
	// The reply has no body.
	err := c.do(ctx, op, nil, func([]byte) error { return nil })
	if _, isGone := absent(err); isGone {
		return nil
	}
	return err
}
