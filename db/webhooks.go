package db

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"greenroom/models"
)

// A WebhookSecret is one of an endpoint's signing secrets, as it is kept: encrypted.
type WebhookSecret struct {
	AccountID  string `gorm:"primaryKey"`
	EndpointID string `gorm:"primaryKey"`
	ID         string `gorm:"primaryKey"`
	Sealed     []byte
	// ExpiresAt is when it signs no more; nil for the newest.
	ExpiresAt *models.Time
}

// webhooksOf are the account's endpoints that are not deleted.
func webhooksOf(accountID string) conditions {
	return ofAccount(accountID).and("deleted_at IS NULL")
}

// WebhookEndpoint reads one of the account's endpoints.
func (s *Store) WebhookEndpoint(ctx context.Context, accountID, id string) (*models.WebhookEndpoint, error) {
	found, err := gorm.G[*models.WebhookEndpoint](s.reader, webhooksOf(accountID).and("id = ?", id).where()...).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("webhook endpoint %s: %w", id, translate(err))
	}
	return found, nil
}

// WebhookEndpoints reads one page of the account's endpoints, newest first, disabled ones too.
func (s *Store) WebhookEndpoints(ctx context.Context, q models.WebhookEndpointQuery) (*models.WebhookEndpointConnection, error) {
	rows, err := gorm.G[*models.WebhookEndpoint](s.reader, webhooksOf(q.AccountID).between(q.Page, false).where()...).
		Order(order(q.Page, false)).Limit(q.Page.Size + 1).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list webhook endpoints: %w", translate(err))
	}
	nodes, info := turn(rows, q.Page, func(e *models.WebhookEndpoint) string { return e.ID })
	return &models.WebhookEndpointConnection{Nodes: nodes, PageInfo: info, Query: q}, nil
}

// CountWebhookEndpoints counts the account's endpoints.
func (s *Store) CountWebhookEndpoints(ctx context.Context, accountID string) (int, error) {
	return countWebhookEndpoints(ctx, s.reader, accountID)
}

// CountWebhookEndpoints counts the account's endpoints. Who adds one holds the account's lock.
func (t *Tx) CountWebhookEndpoints(accountID string) (int, error) {
	return countWebhookEndpoints(t.ctx, t.db, accountID)
}

func countWebhookEndpoints(ctx context.Context, g *gorm.DB, accountID string) (int, error) {
	n, err := gorm.G[models.WebhookEndpoint](g, webhooksOf(accountID).where()...).Count(ctx, "*")
	if err != nil {
		return 0, fmt.Errorf("count webhook endpoints: %w", translate(err))
	}
	return int(n), nil
}

// WebhookEndpoint reads one of the account's endpoints and keeps others from changing it until the
// transaction ends.
func (t *Tx) WebhookEndpoint(accountID, id string) (*models.WebhookEndpoint, error) {
	mine := webhooksOf(accountID).and("id = ?", id).where(t.dialect.lock()...)
	found, err := gorm.G[*models.WebhookEndpoint](t.db, mine...).Take(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("webhook endpoint %s: %w", id, translate(err))
	}
	return found, nil
}

// WebhookEndpointsFor are the account's endpoints that want to be told of an event of the type now.
func (t *Tx) WebhookEndpointsFor(accountID string, what models.WebhookEventType) ([]*models.WebhookEndpoint, error) {
	enabled := webhooksOf(accountID).and("disabled_at IS NULL")
	// Most accounts have none, and this is asked for every session several times.
	n, err := t.count("webhook_endpoints", enabled)
	if err != nil {
		return nil, fmt.Errorf("webhook endpoints: %w", err)
	} else if n == 0 {
		return nil, nil
	}
	rows, err := gorm.G[*models.WebhookEndpoint](t.db, enabled.where()...).Find(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("webhook endpoints: %w", translate(err))
	}
	return slices.DeleteFunc(rows, func(e *models.WebhookEndpoint) bool { return !slices.Contains(e.EventTypes, what) }), nil
}

// InsertWebhookEndpoint adds an endpoint.
func (t *Tx) InsertWebhookEndpoint(e *models.WebhookEndpoint) error {
	if err := gorm.G[models.WebhookEndpoint](t.db).Create(t.ctx, e); err != nil {
		return fmt.Errorf("insert webhook endpoint: %w", translate(err))
	}
	t.changes.account(e.AccountID)
	return nil
}

// PutWebhookEndpoint writes an endpoint that this transaction has read and changed.
func (t *Tx) PutWebhookEndpoint(e *models.WebhookEndpoint) error {
	_, err := gorm.G[models.WebhookEndpoint](t.db, webhooksOf(e.AccountID).and("id = ?", e.ID).where()...).
		Select("*").Omit("account_id", "id", "created_at").Updates(t.ctx, *e)
	if err != nil {
		return fmt.Errorf("write webhook endpoint %s: %w", e.ID, translate(err))
	}
	t.changes.account(e.AccountID)
	return nil
}

// PutWebhookFailure writes since when an endpoint has been failing, which nobody waits to be told.
func (t *Tx) PutWebhookFailure(e *models.WebhookEndpoint) error {
	_, err := gorm.G[models.WebhookEndpoint](t.db, webhooksOf(e.AccountID).and("id = ?", e.ID).where()...).
		Select("failing_since", "last_failure_at").Updates(t.ctx, *e)
	if err != nil {
		return fmt.Errorf("write webhook endpoint %s: %w", e.ID, translate(err))
	}
	return nil
}

// WebhookWorked forgets an endpoint's failures.
func (t *Tx) WebhookWorked(accountID, id string) error {
	const forget = "UPDATE webhook_endpoints SET failing_since = NULL, last_failure_at = NULL" +
		" WHERE account_id = ? AND id = ? AND failing_since IS NOT NULL"
	if err := t.db.WithContext(t.ctx).Exec(forget, accountID, id).Error; err != nil {
		return fmt.Errorf("write webhook endpoint %s: %w", id, translate(err))
	}
	return nil
}

// WebhookSecrets are an endpoint's secrets that sign at now, the newest first.
func (s *Store) WebhookSecrets(ctx context.Context, accountID, endpointID string, now models.Time) ([]*WebhookSecret, error) {
	return webhookSecrets(ctx, s.reader, accountID, endpointID, now)
}

// WebhookSecrets are an endpoint's secrets that sign at now, the newest first.
func (t *Tx) WebhookSecrets(accountID, endpointID string, now models.Time) ([]*WebhookSecret, error) {
	return webhookSecrets(t.ctx, t.db, accountID, endpointID, now)
}

func webhookSecrets(ctx context.Context, g *gorm.DB, accountID, endpointID string, now models.Time) ([]*WebhookSecret, error) {
	active := ofAccount(accountID).and("endpoint_id = ? AND (expires_at IS NULL OR expires_at > ?)", endpointID, now)
	// The newest is the one that does not expire, whatever the clock said when it was made.
	rows, err := gorm.G[*WebhookSecret](g, active.where()...).Order("expires_at IS NULL DESC, id DESC").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("secrets of webhook endpoint %s: %w", endpointID, translate(err))
	}
	return rows, nil
}

// InsertWebhookSecret makes a secret the endpoint's newest. The one before it signs until then.
func (t *Tx) InsertWebhookSecret(s *WebhookSecret, until models.Time) error {
	_, err := gorm.G[WebhookSecret](t.db, ofAccount(s.AccountID).and("endpoint_id = ? AND expires_at IS NULL", s.EndpointID).where()...).
		Update(t.ctx, "expires_at", until)
	if err := errors.Join(err, gorm.G[WebhookSecret](t.db).Create(t.ctx, s)); err != nil {
		return fmt.Errorf("insert webhook secret: %w", translate(err))
	}
	return nil
}

// DeleteWebhookEndpoint hides an endpoint and forgets its secrets at once; what is left of it is
// dropped by DropWebhookEndpoints.
func (t *Tx) DeleteWebhookEndpoint(e *models.WebhookEndpoint, at models.Time) error {
	_, err := gorm.G[WebhookSecret](t.db, ofAccount(e.AccountID).and("endpoint_id = ?", e.ID).where()...).Delete(t.ctx)
	if err != nil {
		return fmt.Errorf("delete webhook secrets: %w", translate(err))
	}
	e.DeletedAt = &at
	return t.PutWebhookEndpoint(e)
}

// DropWebhookSecrets forgets secrets that sign no more.
func (t *Tx) DropWebhookSecrets(now models.Time) error {
	_, err := gorm.G[WebhookSecret](t.db).Where("expires_at <= ?", now).Delete(t.ctx)
	if err != nil {
		return fmt.Errorf("drop webhook secrets: %w", translate(err))
	}
	return nil
}

// DropWebhookEndpoints drops endpoints that were deleted before then, once they have no deliveries.
func (t *Tx) DropWebhookEndpoints(before models.Time) error {
	const drop = "DELETE FROM webhook_endpoints WHERE deleted_at < ? AND NOT EXISTS (SELECT 1 FROM webhook_deliveries AS d" +
		" WHERE d.account_id = webhook_endpoints.account_id AND d.endpoint_id = webhook_endpoints.id)"
	if err := t.db.WithContext(t.ctx).Exec(drop, before).Error; err != nil {
		return fmt.Errorf("drop webhook endpoints: %w", translate(err))
	}
	return nil
}
