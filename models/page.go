package models

import "fmt"

// Sizes of a page.
const (
	DefaultPageSize = 20
	MaxPageSize     = 100
)

// A Page says which part of a list to read. Cursors are ids; lists are ordered by id, which is
// by creation.
type Page struct {
	Size int
	// Backward reads the last Size of the list instead of the first.
	Backward bool
	// After and Before are exclusive bounds in the list's own order; empty is none.
	After, Before string
}

// NewPage checks a connection's arguments: `first` or `last`, 1..100, not both; neither is the
// first 20. A cursor must be an id of the listed kind. Nil is "not given".
func NewPage(prefix string, first *int, after *string, last *int, before *string) (Page, error) {
	page := Page{Size: DefaultPageSize}
	if first != nil && last != nil {
		return Page{}, Invalid("give first or last, not both", "first")
	}
	var err error
	if page.Size, err = pageSize("first", first, page.Size); err != nil {
		return Page{}, err
	}
	if page.Size, err = pageSize("last", last, page.Size); err != nil {
		return Page{}, err
	}
	page.Backward = last != nil
	if page.After, err = cursor(prefix, "after", after); err != nil {
		return Page{}, err
	}
	if page.Before, err = cursor(prefix, "before", before); err != nil {
		return Page{}, err
	}
	return page, nil
}

func pageSize(name string, size *int, otherwise int) (int, error) {
	if size == nil {
		return otherwise, nil
	}
	if *size < 1 || *size > MaxPageSize {
		return 0, Invalid(fmt.Sprintf("%s must be 1 to %d", name, MaxPageSize), name)
	}
	return *size, nil
}

func cursor(prefix, name string, id *string) (string, error) {
	if id == nil {
		return "", nil
	}
	if !ValidID(prefix, *id) {
		return "", Invalid(name+" is not a cursor of this list", name)
	}
	return *id, nil
}

// PageInfo is where a page stands in its list.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// A Scope is what a caller may see: an account's rows and, for an access token, only its own
// session and that session's avatar.
type Scope struct {
	AccountID string
	// SessionID and AvatarID are empty for an API key.
	SessionID, AvatarID string
}

// SessionQuery is one list of sessions.
type SessionQuery struct {
	Scope  Scope
	Filter SessionFilter
	// Ascending lists the oldest first; the usual order is newest first.
	Ascending bool
	Page      Page
}

// NewSessionQuery checks the arguments of a list of sessions; a nil filter is none. Whoever reads the
// list fills in the scope.
func NewSessionQuery(page Page, filter *SessionFilter, ascending bool) (SessionQuery, error) {
	list := SessionQuery{Page: page, Ascending: ascending}
	if filter != nil {
		list.Filter = *filter
	}
	return list, list.Filter.Check()
}

// AvatarFilter narrows a list of avatars. All conditions must hold; nil is none.
type AvatarFilter struct {
	Archived     *bool
	NameContains *string
}

// AvatarQuery is one list of avatars, newest first.
type AvatarQuery struct {
	Scope  Scope
	Filter AvatarFilter
	Page   Page
}

// APIKeyQuery is one list of an account's keys, newest first.
type APIKeyQuery struct {
	AccountID string
	Page      Page
}

// A SessionConnection is one page of sessions and the query that counts the whole list.
type SessionConnection struct {
	Nodes    []*Session
	PageInfo PageInfo
	Query    SessionQuery
}

// A SessionEdge is a session's place in a list.
type SessionEdge struct{ Node *Session }

// Cursor is the session's id.
func (e SessionEdge) Cursor() string { return e.Node.ID }

// Edges are the nodes with their cursors.
func (c *SessionConnection) Edges() []SessionEdge {
	edges := make([]SessionEdge, len(c.Nodes))
	for i, n := range c.Nodes {
		edges[i] = SessionEdge{n}
	}
	return edges
}

// An AvatarConnection is one page of avatars and the query that counts the whole list.
type AvatarConnection struct {
	Nodes    []*Avatar
	PageInfo PageInfo
	Query    AvatarQuery
}

// An AvatarEdge is an avatar's place in a list.
type AvatarEdge struct{ Node *Avatar }

// Cursor is the avatar's id.
func (e AvatarEdge) Cursor() string { return e.Node.ID }

// Edges are the nodes with their cursors.
func (c *AvatarConnection) Edges() []AvatarEdge {
	edges := make([]AvatarEdge, len(c.Nodes))
	for i, n := range c.Nodes {
		edges[i] = AvatarEdge{n}
	}
	return edges
}

// An APIKeyConnection is one page of API keys and the query that counts the whole list.
type APIKeyConnection struct {
	Nodes    []*APIKey
	PageInfo PageInfo
	Query    APIKeyQuery
}

// An APIKeyEdge is a key's place in a list.
type APIKeyEdge struct{ Node *APIKey }

// Cursor is the key's id.
func (e APIKeyEdge) Cursor() string { return e.Node.ID }

// Edges are the nodes with their cursors.
func (c *APIKeyConnection) Edges() []APIKeyEdge {
	edges := make([]APIKeyEdge, len(c.Nodes))
	for i, n := range c.Nodes {
		edges[i] = APIKeyEdge{n}
	}
	return edges
}

// SessionChanges are what came into a list, changed in it and left it. After a reset they are
// empty: changes were missed, and the list is read again.
type SessionChanges struct {
	Reset   bool
	Changed []*Session
	Entered []SessionEdge
	LeftIDs []string
}
