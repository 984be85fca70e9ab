package models

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// MaxWebhookPayload is the most bytes of what is sent. The largest session stays below half of it.
const MaxWebhookPayload = 64 << 10

// sessionPayload is a session as receivers read it: the words of the session object that clients
// know from REST and from the stream, without anything that opens a room or a stream.
type sessionPayload struct {
	ID          string          `json:"id"`
	Revision    int             `json:"revision"`
	Status      SessionStatus   `json:"status"`
	SessionType SessionType     `json:"session_type"`
	AvatarID    string          `json:"avatar_id"`
	Metadata    json.RawMessage `json:"metadata"`
	EndUserID   *string         `json:"end_user_id"`
	CreatedAt   Time            `json:"created_at"`
	StartedAt   *Time           `json:"started_at"`
	EndedAt     *Time           `json:"ended_at"`
	Expiration  *Time           `json:"expiration"`
	MaxDuration *int            `json:"max_duration"`
	Duration    *int            `json:"duration"`
	EndReason   *EndReason      `json:"end_reason"`
}

// SessionWebhook is what is sent of an event of a session: the session as it is right then.
func SessionWebhook(what WebhookEventType, at Time, s *Session) (string, error) {
	return webhookPayload(what, at, map[string]any{"session": sessionPayload{
		ID: s.ID, Revision: s.Revision, Status: s.Status(), SessionType: s.SessionType, AvatarID: s.AvatarID,
		Metadata: json.RawMessage(s.Metadata), EndUserID: s.EndUserID,
		CreatedAt: s.CreatedAt, StartedAt: s.StartedAt, EndedAt: s.EndedAt, Expiration: s.Expiration,
		MaxDuration: s.MaxDuration, Duration: s.Duration(), EndReason: s.EndReason,
	}})
}

// TestWebhook is what is sent to try an endpoint out.
func TestWebhook(at Time, endpointID string) (string, error) {
	return webhookPayload(WebhookTest, at, map[string]any{"endpoint_id": endpointID})
}

// webhookPayload has the shape that the Standard Webhooks specification recommends.
func webhookPayload(what WebhookEventType, at Time, data any) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // it would make six bytes of one
	err := encoder.Encode(struct {
		Type      string `json:"type"`
		Timestamp Time   `json:"timestamp"`
		Data      any    `json:"data"`
	}{what.Name(), at, data})
	if err != nil {
		return "", fmt.Errorf("payload of %s: %w", what.Name(), err)
	}
	payload := bytes.TrimSuffix(text.Bytes(), []byte("\n"))
	if len(payload) > MaxWebhookPayload {
		return "", fmt.Errorf("payload of %s is %d bytes", what.Name(), len(payload))
	}
	return string(payload), nil
}
