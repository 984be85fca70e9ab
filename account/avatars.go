package account

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode/utf8"

	"greenroom/auth"
	"greenroom/db"
	"greenroom/models"
)

// MaxURL is the most bytes of an avatar's picture's address: what every browser takes.
const MaxURL = 2048

// Avatar reads one of the caller's avatars; an access token finds its session's alone. Unknown,
// foreign and malformed ids are models.ErrNotFound alike.
func (s *Service) Avatar(ctx context.Context, id string) (*models.Avatar, error) {
	scope, err := s.AvatarScope(ctx, id)
	if err != nil {
		return nil, err
	}
	found, err := s.store.Avatar(ctx, scope, id)
	return found, models.Named("avatar", err)
}

// AvatarScope is where an avatar is to be looked for that the caller asks for by its id. An id that
// no avatar can have is models.ErrNotFound.
func (s *Service) AvatarScope(ctx context.Context, id string) (models.Scope, error) {
	caller, err := auth.Require(ctx)
	if err != nil {
		return models.Scope{}, err
	}
	if !models.ValidID(models.AvatarPrefix, id) {
		return models.Scope{}, models.NotFound("avatar")
	}
	return caller.Scope(), nil
}

// Avatars reads one page of the caller's avatars, newest first. The query's scope is filled in
// here; an access token sees its session's avatar alone.
func (s *Service) Avatars(ctx context.Context, q models.AvatarQuery) (*models.AvatarConnection, error) {
	q, err := s.AvatarsInScope(ctx, q)
	if err != nil {
		return nil, err
	}
	return s.store.Avatars(ctx, q)
}

// AvatarsInScope checks a list's filter and narrows it to the avatars that the caller may see.
func (s *Service) AvatarsInScope(ctx context.Context, q models.AvatarQuery) (models.AvatarQuery, error) {
	caller, err := auth.Require(ctx)
	if err != nil {
		return models.AvatarQuery{}, err
	}
	if part := q.Filter.NameContains; part != nil {
		if utf8.RuneCountInString(*part) > MaxName || strings.ContainsRune(*part, 0) || !utf8.ValidString(*part) {
			return models.AvatarQuery{}, models.Invalid(fmt.Sprintf("nameContains is at most %d characters, without NUL", MaxName), "filter", "nameContains")
		}
	}
	q.Scope = caller.Scope()
	return q, nil
}

// CreateAvatar makes an avatar. API key only.
func (s *Service) CreateAvatar(ctx context.Context, name, picture string) (*models.Avatar, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	if name, err = cleanName(name); err != nil {
		return nil, err
	}
	if err := checkURL(picture); err != nil {
		return nil, err
	}
	now := s.clock.Now(ctx)
	made := &models.Avatar{
		AccountID: caller.AccountID, ID: models.NewID(models.AvatarPrefix, now),
		Name: name, URL: picture, CreatedAt: now,
	}
	if err := s.store.Write(ctx, func(tx *db.Tx) error { return tx.InsertAvatar(made) }); err != nil {
		return nil, fmt.Errorf("create avatar: %w", err)
	}
	return made, nil
}

// UpdateAvatar changes name and picture; nil leaves one as it is. API key only.
func (s *Service) UpdateAvatar(ctx context.Context, id string, name, picture *string) (*models.Avatar, error) {
	if _, err := auth.RequireAPIKey(ctx); err != nil {
		return nil, err
	}
	if name != nil {
		clean, err := cleanName(*name)
		if err != nil {
			return nil, err
		}
		name = &clean
	}
	if picture != nil {
		if err := checkURL(*picture); err != nil {
			return nil, err
		}
	}
	return s.changeAvatar(ctx, id, func(a *models.Avatar) {
		if name != nil {
			a.Name = *name
		}
		if picture != nil {
			a.URL = *picture
		}
	})
}

// ArchiveAvatar takes an avatar out of use for new sessions, for ever. One that is archived
// already keeps its time. API key only.
func (s *Service) ArchiveAvatar(ctx context.Context, id string) (*models.Avatar, error) {
	now := s.clock.Now(ctx)
	return s.changeAvatar(ctx, id, func(a *models.Avatar) {
		if a.ArchivedAt == nil {
			a.ArchivedAt = &now
		}
	})
}

func (s *Service) changeAvatar(ctx context.Context, id string, change func(*models.Avatar)) (*models.Avatar, error) {
	caller, err := auth.RequireAPIKey(ctx)
	if err != nil {
		return nil, err
	}
	if !models.ValidID(models.AvatarPrefix, id) {
		return nil, models.NotFound("avatar")
	}
	var changed *models.Avatar
	err = s.store.Write(ctx, func(tx *db.Tx) error {
		var err error
		if changed, err = tx.Avatar(caller.Scope(), id); err != nil {
			return err
		}
		change(changed)
		return tx.UpdateAvatar(changed)
	})
	if err != nil {
		return nil, models.Named("avatar", err)
	}
	return changed, nil
}

// checkURL takes https addresses without credentials. Plain http is taken for this machine's
// own addresses, from which `serve --dev` serves its sample pictures.
func checkURL(text string) error {
	if len(text) > MaxURL {
		return models.Invalid(fmt.Sprintf("url is longer than %d bytes", MaxURL), "url")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || !utf8.ValidString(text) || strings.ContainsAny(text, " \\") || u.Hostname() == "":
		return models.Invalid("url must be an absolute https address", "url")
	case u.User != nil:
		return models.Invalid("url must not contain credentials", "url")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	default:
		return models.Invalid("url must be an absolute https address", "url")
	}
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
