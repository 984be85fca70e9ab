package db

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"greenroom/models"
)

// A webhookDeliveryRow is a delivery as stored: with what is sent.
type webhookDeliveryRow struct {
	models.WebhookDelivery
	Payload string
}

func (webhookDeliveryRow) TableName() string { return "webhook_deliveries" }

// A ClaimedWebhook is a delivery with all that sending it takes. Endpoint is nil when there is
// nowhere to send it any more: it has been deleted.
type ClaimedWebhook struct {
	Delivery *models.WebhookDelivery
	Endpoint *models.WebhookEndpoint
	Payload  string
}

// A WaitingWebhook is an endpoint for which deliveries wait.
type WaitingWebhook struct {
	AccountID, EndpointID string
	// Due is the earliest of them; it may have passed.
	Due models.Time
	// Failing: its last try failed. Idle: nothing is sent to it any more, or for now.
	Failing, Idle bool
}

// WebhookDelivery reads one of the account's deliveries; none of an endpoint that was deleted.
func (s *Store) WebhookDelivery(ctx context.Context, accountID, id string) (*models.WebhookDelivery, error) {
	found, err := gorm.G[*models.WebhookDelivery](s.reader, deliveriesOf(accountID).and("id = ?", id).where()...).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("webhook delivery %s: %w", id, translate(err))
	}
	return found, nil
}

// deliveriesOf are the deliveries of the account's endpoints that are not deleted.
func deliveriesOf(accountID string) conditions {
	return ofAccount(accountID).
		and("endpoint_id IN (SELECT e.id FROM webhook_endpoints AS e WHERE e.account_id = ? AND e.deleted_at IS NULL)", accountID)
}

// deliveryColumns are a delivery's without what is sent, which may be large.
const deliveryColumns = "account_id, endpoint_id, id, event_id, event_type, session_id, created_at, state, tries, attempts, due, finished_at, fence"

// WebhookDeliveries reads the same page of each endpoint's deliveries with one statement, however
// many endpoints there are; newest first. The query's own endpoint is not looked at.
func (s *Store) WebhookDeliveries(ctx context.Context, endpointIDs []string, q models.WebhookDeliveryQuery) (map[string]*models.WebhookDeliveryConnection, error) {
	parts, queries := make([]string, len(endpointIDs)), make([]any, len(endpointIDs))
	page := ofAccount(q.AccountID).between(q.Page, false)
	for i, id := range endpointIDs {
		parts[i] = "SELECT * FROM (?) AS page"
		queries[i] = s.reader.Model(&models.WebhookDelivery{}).Select(deliveryColumns).Clauses(page.and("endpoint_id = ?", id).where()...).
			Order(order(q.Page, false)).Limit(q.Page.Size + 1)
	}
	rows, err := gorm.G[*models.WebhookDelivery](s.reader).Raw(strings.Join(parts, " UNION ALL "), queries...).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list webhook deliveries: %w", translate(err))
	}
	byEndpoint := map[string][]*models.WebhookDelivery{}
	for _, row := range rows {
		byEndpoint[row.EndpointID] = append(byEndpoint[row.EndpointID], row)
	}
	pages := map[string]*models.WebhookDeliveryConnection{}
	for _, id := range endpointIDs {
		q.EndpointID = id
		nodes, info := turn(byEndpoint[id], q.Page, func(d *models.WebhookDelivery) string { return d.ID })
		pages[id] = &models.WebhookDeliveryConnection{Nodes: nodes, PageInfo: info, Query: q}
	}
	return pages, nil
}

// CountWebhookDeliveries counts the deliveries of many endpoints of an account.
func (s *Store) CountWebhookDeliveries(ctx context.Context, accountID string, endpointIDs []string) (map[string]int, error) {
	var rows []struct {
		EndpointID string
		N          int
	}
	err := gorm.G[models.WebhookDelivery](s.reader, ofAccount(accountID).and("endpoint_id IN ?", endpointIDs).where()...).
		Select("endpoint_id, count(*) AS n").Group("endpoint_id").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count webhook deliveries: %w", translate(err))
	}
	counts := map[string]int{}
	for _, row := range rows {
		counts[row.EndpointID] = row.N
	}
	return counts, nil
}

// WaitingWebhooks are the endpoints of all accounts for which deliveries wait, the longest waiting
// first. It steps from endpoint to endpoint along the index: a backlog of one costs the others
// nothing.
func (s *Store) WaitingWebhooks(ctx context.Context) ([]WaitingWebhook, error) {
	const query = "WITH RECURSIVE waiting (id) AS (" +
		"SELECT MIN(endpoint_id) FROM webhook_deliveries WHERE due IS NOT NULL" +
		" UNION ALL SELECT (SELECT MIN(d.endpoint_id) FROM webhook_deliveries AS d WHERE d.due IS NOT NULL AND d.endpoint_id > waiting.id)" +
		" FROM waiting WHERE waiting.id IS NOT NULL)" +
		" SELECT e.account_id, e.id AS endpoint_id, e.failing_since IS NOT NULL AS failing," +
		" (e.disabled_at IS NOT NULL OR e.deleted_at IS NOT NULL) AS idle," +
		" (SELECT MIN(d.due) FROM webhook_deliveries AS d WHERE d.endpoint_id = waiting.id AND d.due IS NOT NULL) AS due" +
		" FROM waiting JOIN webhook_endpoints AS e ON e.id = waiting.id ORDER BY due"
	var rows []WaitingWebhook
	if err := s.reader.WithContext(ctx).Raw(query).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("waiting webhooks: %w", translate(err))
	}
	return rows, nil
}

// InsertWebhookDelivery adds a delivery. One of the same event to the same endpoint stands already
// when somebody else has told of it; it is left as it is.
func (t *Tx) InsertWebhookDelivery(d *models.WebhookDelivery, payload string) error {
	row := &webhookDeliveryRow{*d, payload}
	if err := gorm.G[webhookDeliveryRow](t.db, clause.OnConflict{DoNothing: true}).Create(t.ctx, row); err != nil {
		return fmt.Errorf("insert webhook delivery: %w", translate(err))
	}
	return nil
}

// WebhookDelivery reads one of the account's deliveries and keeps others from changing it until the
// transaction ends.
func (t *Tx) WebhookDelivery(accountID, id string) (*models.WebhookDelivery, error) {
	mine := deliveriesOf(accountID).and("id = ?", id).where(t.dialect.lock()...)
	found, err := gorm.G[*models.WebhookDelivery](t.db, mine...).Take(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("webhook delivery %s: %w", id, translate(err))
	}
	return found, nil
}

// DueWebhooks are an endpoint's deliveries that want attention at now, the longest waiting first;
// kept from others until the transaction ends. Those that another transaction holds are passed over.
func (t *Tx) DueWebhooks(of WaitingWebhook, now models.Time, limit int) ([]*ClaimedWebhook, error) {
	// Not locked: whoever changes it meanwhile changes what is claimed next.
	endpoint, err := gorm.G[*models.WebhookEndpoint](t.db, webhooksOf(of.AccountID).and("id = ?", of.EndpointID).where()...).Take(t.ctx)
	if err = translate(err); errors.Is(err, models.ErrNotFound) {
		endpoint = nil
	} else if err != nil {
		return nil, fmt.Errorf("webhook endpoint %s: %w", of.EndpointID, err)
	}
	due := ofAccount(of.AccountID).and("endpoint_id = ? AND due <= ?", of.EndpointID, now).where(t.dialect.claim()...)
	rows, err := gorm.G[*webhookDeliveryRow](t.db, due...).Order("due, id").Limit(limit).Find(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("due webhooks: %w", translate(err))
	}
	claimed := make([]*ClaimedWebhook, len(rows))
	for i, row := range rows {
		claimed[i] = &ClaimedWebhook{Delivery: &row.WebhookDelivery, Endpoint: endpoint, Payload: row.Payload}
	}
	return claimed, nil
}

// SwapWebhookDelivery writes a delivery that has been read and changed, while its fence is still
// the one given; else models.ErrConflict, and nothing is changed.
func (t *Tx) SwapWebhookDelivery(d *models.WebhookDelivery, fence int) error {
	n, err := gorm.G[models.WebhookDelivery](t.db,
		ofAccount(d.AccountID).and("endpoint_id = ? AND id = ? AND fence = ?", d.EndpointID, d.ID, fence).where()...).
		Select("state", "tries", "attempts", "due", "finished_at", "fence").Updates(t.ctx, *d)
	if err != nil {
		return fmt.Errorf("write webhook delivery %s: %w", d.ID, translate(err))
	}
	if n == 0 {
		return fmt.Errorf("write webhook delivery %s: %w", d.ID, models.ErrConflict)
	}
	return nil
}

// DropWebhookDeliveries forgets deliveries that were finished before then, and tells how many; at
// most limit.
func (t *Tx) DropWebhookDeliveries(before models.Time, limit int) (int, error) {
	const drop = "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE finished_at < ? ORDER BY finished_at LIMIT ?)"
	return t.drop(drop, before, limit)
}

// DropDeliveriesOfDeletedWebhooks forgets deliveries to endpoints that were deleted before then,
// and tells how many; at most limit.
func (t *Tx) DropDeliveriesOfDeletedWebhooks(before models.Time, limit int) (int, error) {
	const drop = "DELETE FROM webhook_deliveries WHERE id IN (SELECT d.id FROM webhook_endpoints AS e" +
		" JOIN webhook_deliveries AS d ON d.account_id = e.account_id AND d.endpoint_id = e.id WHERE e.deleted_at < ? LIMIT ?)"
	return t.drop(drop, before, limit)
}

func (t *Tx) drop(statement string, before models.Time, limit int) (int, error) {
	done := t.db.WithContext(t.ctx).Exec(statement, before, limit)
	if done.Error != nil {
		return 0, fmt.Errorf("drop webhook deliveries: %w", translate(done.Error))
	}
	return int(done.RowsAffected), nil
}
