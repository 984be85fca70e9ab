package graph

import (
	"context"
	"slices"

	"greenroom/auth"
	"greenroom/graph/generated"
	"greenroom/graph/plan"
	"greenroom/models"
)

type sessionEdges struct{ *resolver }

func (sessionEdges) Avatar(ctx context.Context, of *models.Session) (*models.Avatar, error) {
	return loadersOf(ctx).avatar(ctx, of.AvatarID)
}

func (e sessionEdges) DailyRoom(ctx context.Context, of *models.Session) (*models.DailyRoom, error) {
	return e.cfg.Sessions.DailyRoom(ctx, of), nil
}

func (sessionEdges) Events(ctx context.Context, of *models.Session, last *int) ([]*models.SessionEvent, error) {
	if err := checkLast(last); err != nil {
		return nil, err
	}
	stored, err := loadersOf(ctx).sessionEvents(ctx, of.ID, last)
	return of.Timeline(stored, last), err
}

type avatarEdges struct{ *resolver }

// Sessions lists the avatar's sessions. The avatar stands in the filter, so that the
// connection's count is of this avatar's too.
func (avatarEdges) Sessions(ctx context.Context, of *models.Avatar, first *int, after *string, last *int, before *string, filter *models.SessionFilter, orderBy *generated.SessionOrder) (*models.SessionConnection, error) {
	list, err := sessionQuery(first, after, last, before, filter, orderBy)
	if err != nil {
		return nil, err
	}
	caller, err := auth.Require(ctx)
	if err != nil {
		return nil, err
	}
	list.Scope = caller.Scope()
	if wanted := list.Filter.AvatarID; wanted != nil && !slices.Contains(wanted, of.ID) {
		list.Filter.AvatarID = []string{}
		return &models.SessionConnection{Query: list}, nil
	}
	list.Filter.AvatarID = nil
	return loadersOf(ctx).avatarSessions(ctx, of.ID, list)
}

type accountEdges struct{ *resolver }

func (e accountEdges) Plan(_ context.Context, of *models.Account) (*models.Plan, error) {
	plan := e.cfg.Accounts.Plan(of)
	return &plan, nil
}

func (e accountEdges) Concurrency(ctx context.Context, of *models.Account) (*models.Concurrency, error) {
	return e.cfg.Accounts.Concurrency(ctx, of.ID)
}

func (e accountEdges) Usage(ctx context.Context, of *models.Account) (*models.Usage, error) {
	return e.cfg.Accounts.Usage(ctx, of)
}

func (e accountEdges) UsageReport(ctx context.Context, of *models.Account, from, to models.Time) (*models.UsageReport, error) {
	return e.cfg.Accounts.UsageReport(ctx, of, from, to)
}

func (e accountEdges) APIKeys(ctx context.Context, _ *models.Account, first *int, after *string, last *int, before *string) (*models.APIKeyConnection, error) {
	page, err := models.NewPage(models.KeyPrefix, first, after, last, before)
	if err != nil {
		return nil, err
	}
	return e.cfg.Accounts.APIKeys(ctx, page)
}

type usageAvatarEdges struct{}

func (usageAvatarEdges) Avatar(ctx context.Context, of *models.UsageAvatar) (*models.Avatar, error) {
	return loadersOf(ctx).avatar(ctx, of.AvatarID)
}

type concurrencyEdges struct{ *resolver }

func (e concurrencyEdges) Holders(ctx context.Context, of *models.Concurrency) ([]*models.Session, error) {
	return e.cfg.Accounts.Holders(ctx, of.AccountID)
}

type viewerEdges struct{ *resolver }

func (e viewerEdges) Account(ctx context.Context, of *auth.Caller) (*models.Account, error) {
	if !plan.MaySee("Viewer", "account", of) {
		return nil, nil
	}
	return e.cfg.Accounts.Account(ctx)
}

func (e viewerEdges) Session(ctx context.Context, of *auth.Caller) (*models.Session, error) {
	if !plan.MaySee("Viewer", "session", of) {
		return nil, nil
	}
	return e.cfg.Sessions.Session(ctx, of.SessionID)
}

type createSessionEdges struct{ *resolver }

func (e createSessionEdges) Concurrency(ctx context.Context, _ *generated.CreateSessionPayload) (*models.Concurrency, error) {
	return e.cfg.Accounts.Concurrency(ctx, auth.From(ctx).AccountID)
}

func (e createSessionEdges) Account(ctx context.Context, _ *generated.CreateSessionPayload) (*models.Account, error) {
	return e.cfg.Accounts.Account(ctx)
}

type endSessionEdges struct{ *resolver }

func (e endSessionEdges) Account(ctx context.Context, _ *generated.EndSessionPayload) (*models.Account, error) {
	return viewerEdges(e).Account(ctx, auth.From(ctx))
}

type sessionCount struct{}

func (sessionCount) TotalCount(ctx context.Context, of *models.SessionConnection) (int, error) {
	return loadersOf(ctx).countSessions(ctx, of.Query)
}

type avatarCount struct{}

func (avatarCount) TotalCount(ctx context.Context, of *models.AvatarConnection) (int, error) {
	return loadersOf(ctx).countAvatars(ctx, of.Query)
}

type apiKeyCount struct{}

func (apiKeyCount) TotalCount(ctx context.Context, of *models.APIKeyConnection) (int, error) {
	return loadersOf(ctx).countAPIKeys(ctx, of.Query)
}
