package graph

import (
	"context"
	"errors"
	"strings"

	"greenroom/auth"
	"greenroom/graph/generated"
	"greenroom/graph/scalar"
	"greenroom/models"
)

type query struct{ *resolver }

// Node answers null for what does not exist, is somebody else's, or is not for this credential:
// nothing tells the three apart.
func (q query) Node(ctx context.Context, id string) (generated.Node, error) {
	kind, _, _ := strings.Cut(id, "_")
	switch kind + "_" {
	case models.SessionPrefix:
		return node(q.cfg.Sessions.Session(ctx, id))
	case models.AvatarPrefix:
		return node(q.cfg.Accounts.Avatar(ctx, id))
	case models.EventPrefix:
		return node(q.cfg.Sessions.Event(ctx, id))
	case models.KeyPrefix:
		return node(q.cfg.Accounts.APIKey(ctx, id))
	case models.WebhookPrefix:
		return node(q.cfg.Webhooks.Endpoint(ctx, id))
	case models.DeliveryPrefix:
		return node(q.cfg.Webhooks.Delivery(ctx, id))
	case models.AccountPrefix:
		if auth.From(ctx).AccountID == id {
			return node(q.cfg.Accounts.Account(ctx))
		}
	}
	return nil, nil
}

func (q query) Viewer(ctx context.Context) (*auth.Caller, error) {
	return auth.Require(ctx)
}

func (q query) ServerTime(ctx context.Context) (models.Time, error) { return q.cfg.Clock.Now(ctx), nil }

func (q query) Session(ctx context.Context, id string) (*models.Session, error) {
	return visible(q.cfg.Sessions.Session(ctx, id))
}

func (q query) Sessions(ctx context.Context, first *int, after *string, last *int, before *string, filter *models.SessionFilter, orderBy *generated.SessionOrder) (*models.SessionConnection, error) {
	list, err := sessionQuery(first, after, last, before, filter, orderBy)
	if err != nil {
		return nil, err
	}
	return q.cfg.Sessions.Sessions(ctx, list)
}

func (q query) Avatar(ctx context.Context, id string) (*models.Avatar, error) {
	return visible(q.cfg.Accounts.Avatar(ctx, id))
}

func (q query) Avatars(ctx context.Context, first *int, after *string, last *int, before *string, filter *models.AvatarFilter) (*models.AvatarConnection, error) {
	page, err := models.NewPage(models.AvatarPrefix, first, after, last, before)
	if err != nil {
		return nil, err
	}
	list := models.AvatarQuery{Page: page}
	if filter != nil {
		list.Filter = *filter
	}
	return q.cfg.Accounts.Avatars(ctx, list)
}

// visible turns "not found" and "not for you" into null.
func visible[T any](found *T, err error) (*T, error) {
	if errors.Is(err, models.ErrNotFound) || errors.Is(err, models.ErrForbidden) {
		return nil, nil
	}
	return found, err
}

// node is visible for the interface: a nil pointer in it would not be null.
func node[T any, P interface {
	*T
	generated.Node
}](found P, err error) (generated.Node, error) {
	seen, err := visible((*T)(found), err)
	if seen == nil || err != nil {
		return nil, err
	}
	return P(seen), nil
}

// ascending tells whether the oldest come first; there is one field to order by.
func ascending(order *generated.SessionOrder) bool {
	return order != nil && order.Direction == scalar.Ascending
}
