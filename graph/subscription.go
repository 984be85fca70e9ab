package graph

import (
	"context"

	"greenroom/graph/plan"
	"greenroom/models"
)

type subscription struct{ *resolver }

// SessionUpdated tells the present and then every change; the rules are session.Service.Watch's.
// When a plan could not make a message of a state, that state is all.
func (s subscription) SessionUpdated(ctx context.Context, id string) (<-chan *models.Session, error) {
	if state := plan.ToldIn(ctx); state != nil {
		one := make(chan *models.Session, 1)
		one <- state
		close(one)
		return one, nil
	}
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
