package graph

import (
	"context"

	"greenroom/models"
)

type subscription struct{ *resolver }

// SessionUpdated tells the present and then every change; the rules are session.Service.Watch's.
func (s subscription) SessionUpdated(ctx context.Context, id string) (<-chan *models.Session, error) {
	return s.cfg.Sessions.Watch(ctx, id)
}

func (s subscription) SessionChanges(ctx context.Context, filter *models.SessionFilter) (<-chan *models.SessionChanges, error) {
	if filter == nil {
		filter = &models.SessionFilter{}
	}
	return s.cfg.Sessions.Changes(ctx, *filter)
}

func (s subscription) AccountUpdated(ctx context.Context) (<-chan *models.Account, error) {
	return s.cfg.Accounts.Watch(ctx)
}
