package webhooks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/models"
)

const (
	// maxEndpoints is how many endpoints an account may have: each is a row more in the transaction
	// of every change.
	maxEndpoints = 16
	// maxDescription is the most characters of a description.
	maxDescription = 256
	// overlap is how long an old secret signs beside a new one.
	overlap = 24 * time.Hour
	// maxSecrets bounds the signatures of one request.
	maxSecrets = 5
)

// Endpoint reads one of the caller's account's endpoints. Unknown, foreign and malformed ids are
// models.ErrNotFound alike. API key only, as everything here.
func (s *Service) Endpoint(ctx context.Context, id string) (*models.WebhookEndpoint, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	if !models.ValidID(models.WebhookPrefix, id) {
		return nil, models.NotFound("webhook endpoint")
	}
	found, err := s.Store.WebhookEndpoint(ctx, caller.AccountID, id)
	return found, models.Named("webhook endpoint", err)
}

// Endpoints reads one page of the caller's account's endpoints, newest first.
func (s *Service) Endpoints(ctx context.Context, page models.Page) (*models.WebhookEndpointConnection, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	return s.Store.WebhookEndpoints(ctx, models.WebhookEndpointQuery{AccountID: caller.AccountID, Page: page})
}

// CreateEndpoint makes an endpoint. Its secret cannot be answered again.
func (s *Service) CreateEndpoint(ctx context.Context, url string, types []models.WebhookEventType, description *string) (made *models.WebhookEndpoint, secret string, err error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, "", err
	}
	now := s.Clock.Now(ctx)
	made = &models.WebhookEndpoint{
		AccountID: caller.AccountID, ID: models.NewID(models.WebhookPrefix, now), URL: url, CreatedAt: now,
	}
	made.EventTypes, err = cleanTypes(types)
	if err := errors.Join(s.border.check(url), err); err != nil {
		return nil, "", err
	}
	if made.Description, err = cleanDescription(description); err != nil {
		return nil, "", err
	}
	secret, raw := newSecret()
	sealed := s.sealer.seal(made.ID, raw)
	err = s.Store.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.LockAccount(caller.AccountID); err != nil {
			return err
		}
		n, err := tx.CountWebhookEndpoints(caller.AccountID)
		if err != nil {
			return err
		}
		if n >= maxEndpoints {
			return models.Invalid(fmt.Sprintf("the account has %d webhook endpoints, which is the most: delete one first", n))
		}
		if err := tx.InsertWebhookEndpoint(made); err != nil {
			return err
		}
		return tx.InsertWebhookSecret(secretRow(made, now, sealed), now)
	})
	if err != nil {
		return nil, "", err
	}
	return made, secret, nil
}

func secretRow(of *models.WebhookEndpoint, now models.Time, sealed []byte) *db.WebhookSecret {
	return &db.WebhookSecret{AccountID: of.AccountID, EndpointID: of.ID, ID: models.NewID("", now), Sealed: sealed}
}

// A Change is what is to be different about an endpoint; what is nil stays. An empty Description
// removes it.
type Change struct {
	URL         *string
	EventTypes  []models.WebhookEventType
	Description *string
}

// UpdateEndpoint changes an endpoint. What waits for it goes to the new address.
func (s *Service) UpdateEndpoint(ctx context.Context, id string, c Change) (*models.WebhookEndpoint, error) {
	if _, err := auth.RequireAPIKey(ctx); err != nil {
		return nil, err
	}
	if c.URL != nil {
		if err := s.border.check(*c.URL); err != nil {
			return nil, err
		}
	}
	if c.EventTypes != nil {
		var err error
		if c.EventTypes, err = cleanTypes(c.EventTypes); err != nil {
			return nil, err
		}
	}
	description, err := cleanDescription(c.Description)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, id, func(_ *db.Tx, e *models.WebhookEndpoint) error {
		if c.URL != nil {
			e.URL = *c.URL
		}
		if c.EventTypes != nil {
			e.EventTypes = c.EventTypes
		}
		if c.Description != nil {
			e.Description = description
		}
		return nil
	})
}

// RotateSecret makes a new secret, which cannot be answered again. The one before it signs beside
// it until then.
func (s *Service) RotateSecret(ctx context.Context, id string) (e *models.WebhookEndpoint, secret string, until models.Time, err error) {
	now := s.Clock.Now(ctx)
	until = now.Add(overlap)
	secret, raw := newSecret()
	sealed := s.sealer.seal(id, raw)
	e, err = s.change(ctx, id, func(tx *db.Tx, e *models.WebhookEndpoint) error {
		active, err := tx.WebhookSecrets(e.AccountID, e.ID, now)
		if err != nil {
			return err
		}
		if len(active) >= maxSecrets {
			oldest := active[len(active)-1]
			return &models.Error{
				Kind: models.KindInvalidInput, Field: []string{"id"}, RetryAfter: oldest.ExpiresAt.Sub(now),
				Message: fmt.Sprintf("%d secrets are active, which is the most: wait for the oldest to expire", len(active)),
			}
		}
		return tx.InsertWebhookSecret(secretRow(e, now, sealed), until)
	})
	return e, secret, until, err
}

// DisableEndpoint sends nothing from now on, and keeps nothing for later. Idempotent.
func (s *Service) DisableEndpoint(ctx context.Context, id string) (*models.WebhookEndpoint, error) {
	now := s.Clock.Now(ctx)
	return s.change(ctx, id, func(_ *db.Tx, e *models.WebhookEndpoint) error {
		e.Disable(now, models.DisabledByRequest)
		return nil
	})
}

// EnableEndpoint sends again what happens from now on. Idempotent.
func (s *Service) EnableEndpoint(ctx context.Context, id string) (*models.WebhookEndpoint, error) {
	return s.change(ctx, id, func(_ *db.Tx, e *models.WebhookEndpoint) error {
		if e.DisabledAt != nil {
			e.Enable()
		}
		return nil
	})
}

// DeleteEndpoint deletes an endpoint with its secrets and deliveries.
func (s *Service) DeleteEndpoint(ctx context.Context, id string) error {
	now := s.Clock.Now(ctx)
	_, err := s.changeWith(ctx, id, func(tx *db.Tx, e *models.WebhookEndpoint) error { return tx.DeleteWebhookEndpoint(e, now) })
	return err
}

// change writes what change does to one of the caller's account's endpoints. change may run again.
func (s *Service) change(ctx context.Context, id string, change func(*db.Tx, *models.WebhookEndpoint) error) (*models.WebhookEndpoint, error) {
	return s.changeWith(ctx, id, func(tx *db.Tx, e *models.WebhookEndpoint) error {
		if err := change(tx, e); err != nil {
			return err
		}
		return tx.PutWebhookEndpoint(e)
	})
}

// changeWith is change with its own writing.
func (s *Service) changeWith(ctx context.Context, id string, change func(*db.Tx, *models.WebhookEndpoint) error) (*models.WebhookEndpoint, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	if !models.ValidID(models.WebhookPrefix, id) {
		return nil, models.NotFound("webhook endpoint")
	}
	var changed *models.WebhookEndpoint
	err = s.Store.Write(ctx, func(tx *db.Tx) (err error) {
		if changed, err = tx.WebhookEndpoint(caller.AccountID, id); err != nil {
			return err
		}
		return change(tx, changed)
	})
	if err != nil {
		return nil, models.Named("webhook endpoint", err)
	}
	return changed, nil
}

// cleanTypes drops repetitions, and refuses a list that asks for nothing.
func cleanTypes(types []models.WebhookEventType) ([]models.WebhookEventType, error) {
	var clean []models.WebhookEventType
	for _, t := range types {
		if t == models.WebhookTest {
			return nil, models.Invalid("WEBHOOK_TEST is sent to every endpoint and cannot be asked for", "eventTypes")
		}
		if !slices.Contains(clean, t) {
			clean = append(clean, t)
		}
	}
	if len(clean) == 0 {
		return nil, models.Invalid("eventTypes must name at least one", "eventTypes")
	}
	return clean, nil
}

// cleanDescription trims; nil stands for none.
func cleanDescription(text *string) (*string, error) {
	if text == nil {
		return nil, nil
	}
	clean := strings.TrimSpace(*text)
	if utf8.RuneCountInString(clean) > maxDescription || !utf8.ValidString(clean) || strings.ContainsFunc(clean, unicode.IsControl) {
		return nil, models.Invalid(fmt.Sprintf("description is at most %d characters, without control characters", maxDescription), "description")
	}
	if clean == "" {
		return nil, nil
	}
	return &clean, nil
}
