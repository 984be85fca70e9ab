package webhooks

import (
	"context"
	"errors"
	"fmt"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/models"
)

// Delivery reads one of the caller's account's deliveries. Unknown, foreign and malformed ids are
// models.ErrNotFound alike.
func (s *Service) Delivery(ctx context.Context, id string) (*models.WebhookDelivery, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	if !models.ValidID(models.DeliveryPrefix, id) {
		return nil, models.NotFound("webhook delivery")
	}
	found, err := s.Store.WebhookDelivery(ctx, caller.AccountID, id)
	return found, models.Named("webhook delivery", err)
}

// SendTest delivers a `webhook.test` to one of the caller's account's endpoints, in the way of all
// events. It answers before that has been tried.
func (s *Service) SendTest(ctx context.Context, endpointID string) (*models.WebhookDelivery, error) {
	now := s.Clock.Now(ctx)
	eventID := models.NewID(models.EventPrefix, now)
	var made *models.WebhookDelivery
	_, err := s.changeWith(ctx, endpointID, func(tx *db.Tx, e *models.WebhookEndpoint) error {
		if e.DisabledAt != nil {
			return errDisabled
		}
		payload, err := models.TestWebhook(now, e.ID)
		if err != nil {
			return err
		}
		made = models.NewWebhookDelivery(e, models.WebhookTest, eventID, nil, now)
		return tx.InsertWebhookDelivery(made, payload)
	})
	if err != nil {
		return nil, err
	}
	s.Wake()
	return made, nil
}

var errDisabled = models.Invalid("the webhook endpoint is disabled: enable it first", "id")

// Replay delivers once more what one of the caller's account's deliveries delivered or failed to,
// under the same event id. One that waits for its next try is tried now, and one that is being
// tried stays as it is.
func (s *Service) Replay(ctx context.Context, id string) (*models.WebhookDelivery, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	if !models.ValidID(models.DeliveryPrefix, id) {
		return nil, models.NotFound("webhook delivery")
	}
	now := s.Clock.Now(ctx)
	var d *models.WebhookDelivery
	err = s.Store.Write(ctx, func(tx *db.Tx) (err error) {
		if d, err = tx.WebhookDelivery(caller.AccountID, id); err != nil {
			return err
		}
		e, err := tx.WebhookEndpoint(caller.AccountID, d.EndpointID)
		switch {
		case err != nil:
			return err
		case e.DisabledAt != nil:
			return errDisabled
		case d.State == models.DeliverySending:
			return nil
		case d.State != models.DeliveryPending:
			d.State, d.Tries, d.FinishedAt = models.DeliveryPending, 0, nil
		}
		d.Due = &now
		return tx.SwapWebhookDelivery(d, d.Fence)
	})
	if err != nil {
		if _, refused := errors.AsType[*models.Error](err); !refused {
			err = fmt.Errorf("replay webhook delivery %s: %w", id, err)
		}
		return nil, models.Named("webhook delivery", err)
	}
	s.Wake()
	return d, nil
}
