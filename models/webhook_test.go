package models_test

import (
	"encoding/json"
	"strings"
	"testing"

	"greenroom/models"
)

func TestSessionWebhook(t *testing.T) {
	t.Parallel()
	// Six bytes of JSON where HTML's signs are escaped, and for what JavaScript takes for a line's end.
	for _, sign := range []string{"<", "\u2028", "\"", "é"} {
		metadata, err := models.NewMetadata(map[string]any{"k": strings.Repeat(sign, 2500)})
		if err != nil {
			t.Fatal(err)
		}
		who := strings.Repeat("\u2028", 128)
		payload, err := models.SessionWebhook(models.WebhookSessionEnded, now, &models.Session{
			ID: models.NewID(models.SessionPrefix, now), Metadata: metadata, EndUserID: &who, CreatedAt: now,
		})
		if err != nil {
			t.Errorf("%q: %v", sign, err)
			continue
		}
		var read struct {
			Type      string
			Timestamp models.Time
			Data      struct {
				Session struct{ Metadata map[string]string }
			}
		}
		if err := json.Unmarshal([]byte(payload), &read); err != nil || len(payload) > models.MaxWebhookPayload ||
			read.Type != "session.ended" || read.Timestamp != now || read.Data.Session.Metadata["k"] != strings.Repeat(sign, 2500) {
			t.Errorf("%q: %d bytes, %v", sign, len(payload), err)
		}
	}
}

func TestWebhookDelivery(t *testing.T) {
	t.Parallel()
	d := models.NewWebhookDelivery(&models.WebhookEndpoint{AccountID: "acct_x", ID: "whk_x"}, models.WebhookTest, "evt_x", nil, now)
	before := *d
	for i := range models.MaxAttempts + 3 {
		d.Tried(&models.WebhookAttempt{At: now + models.Time(i)})
	}
	if len(d.Attempts) != models.MaxAttempts || d.Attempts[0].At != now+3 || len(before.Attempts) != 0 {
		t.Errorf("%d tries from %v on", len(d.Attempts), d.Attempts[0])
	}
	if next := d.NextAttemptAt(); next == nil || *next != now {
		t.Errorf("next at %v", next)
	}
	d.Finish(models.DeliveryDelivered, now+9)
	if d.NextAttemptAt() != nil || d.Due != nil || *d.FinishedAt != now+9 {
		t.Errorf("finished %+v", d)
	}
}
