package graph

import (
	"context"

	"greenroom/graph/generated"
	"greenroom/models"
	"greenroom/webhooks"
)

// WebhookEndpoints lists the endpoints of the caller's account, the only one that it can see.
func (e accountEdges) WebhookEndpoints(ctx context.Context, _ *models.Account, first *int, after *string, last *int, before *string) (*models.WebhookEndpointConnection, error) {
	page, err := models.NewPage(models.WebhookPrefix, first, after, last, before)
	if err != nil {
		return nil, err
	}
	return e.cfg.Webhooks.Endpoints(ctx, page)
}

type webhookEdges struct{ *resolver }

func (webhookEdges) Deliveries(ctx context.Context, of *models.WebhookEndpoint, first *int, after *string, last *int, before *string) (*models.WebhookDeliveryConnection, error) {
	page, err := models.NewPage(models.DeliveryPrefix, first, after, last, before)
	if err != nil {
		return nil, err
	}
	return loadersOf(ctx).webhookDeliveries(ctx, models.WebhookDeliveryQuery{AccountID: of.AccountID, EndpointID: of.ID, Page: page})
}

type webhookCount struct{}

func (webhookCount) TotalCount(ctx context.Context, of *models.WebhookEndpointConnection) (int, error) {
	return loadersOf(ctx).countWebhookEndpoints(ctx, of.Query)
}

type webhookDeliveryCount struct{}

func (webhookDeliveryCount) TotalCount(ctx context.Context, of *models.WebhookDeliveryConnection) (int, error) {
	return loadersOf(ctx).countWebhookDeliveries(ctx, of.Query)
}

func (m mutation) CreateWebhookEndpoint(ctx context.Context, in generated.CreateWebhookEndpointInput) (*generated.CreateWebhookEndpointPayload, error) {
	made, secret, err := m.cfg.Webhooks.CreateEndpoint(ctx, in.URL, in.EventTypes, in.Description)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.CreateWebhookEndpointPayload{
		WebhookEndpoint: unless(refused, made), Secret: unless(refused, &secret), UserErrors: refused,
	}, nil
}

func (m mutation) UpdateWebhookEndpoint(ctx context.Context, in generated.UpdateWebhookEndpointInput) (*generated.UpdateWebhookEndpointPayload, error) {
	updated, err := m.cfg.Webhooks.UpdateEndpoint(ctx, in.ID, webhooks.Change{
		URL: in.URL, EventTypes: in.EventTypes, Description: in.Description,
	})
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.UpdateWebhookEndpointPayload{WebhookEndpoint: unless(refused, updated), UserErrors: refused}, nil
}

func (m mutation) RotateWebhookSecret(ctx context.Context, in generated.RotateWebhookSecretInput) (*generated.RotateWebhookSecretPayload, error) {
	rotated, secret, until, err := m.cfg.Webhooks.RotateSecret(ctx, in.ID)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.RotateWebhookSecretPayload{
		WebhookEndpoint: unless(refused, rotated), Secret: unless(refused, &secret),
		PreviousSecretExpiresAt: unless(refused, &until), UserErrors: refused,
	}, nil
}

func (m mutation) DisableWebhookEndpoint(ctx context.Context, in generated.DisableWebhookEndpointInput) (*generated.DisableWebhookEndpointPayload, error) {
	disabled, err := m.cfg.Webhooks.DisableEndpoint(ctx, in.ID)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.DisableWebhookEndpointPayload{WebhookEndpoint: unless(refused, disabled), UserErrors: refused}, nil
}

func (m mutation) EnableWebhookEndpoint(ctx context.Context, in generated.EnableWebhookEndpointInput) (*generated.EnableWebhookEndpointPayload, error) {
	enabled, err := m.cfg.Webhooks.EnableEndpoint(ctx, in.ID)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.EnableWebhookEndpointPayload{WebhookEndpoint: unless(refused, enabled), UserErrors: refused}, nil
}

func (m mutation) DeleteWebhookEndpoint(ctx context.Context, in generated.DeleteWebhookEndpointInput) (*generated.DeleteWebhookEndpointPayload, error) {
	refused, err := m.settle(ctx, m.cfg.Webhooks.DeleteEndpoint(ctx, in.ID))
	if err != nil {
		return nil, err
	}
	return &generated.DeleteWebhookEndpointPayload{DeletedWebhookEndpointID: unless(refused, &in.ID), UserErrors: refused}, nil
}

func (m mutation) SendTestWebhook(ctx context.Context, in generated.SendTestWebhookInput) (*generated.SendTestWebhookPayload, error) {
	sent, err := m.cfg.Webhooks.SendTest(ctx, in.ID)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.SendTestWebhookPayload{WebhookDelivery: unless(refused, sent), UserErrors: refused}, nil
}

func (m mutation) ReplayWebhookDelivery(ctx context.Context, in generated.ReplayWebhookDeliveryInput) (*generated.ReplayWebhookDeliveryPayload, error) {
	replayed, err := m.cfg.Webhooks.Replay(ctx, in.ID)
	refused, err := m.settle(ctx, err)
	if err != nil {
		return nil, err
	}
	return &generated.ReplayWebhookDeliveryPayload{WebhookDelivery: unless(refused, replayed), UserErrors: refused}, nil
}
