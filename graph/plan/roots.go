package plan

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"greenroom/auth"
	"greenroom/models"
)

// roots compile the fields of Query.
var roots = map[string]func(c *compiler, f graphql.CollectedField) root{
	"serverTime": func(*compiler, graphql.CollectedField) root { return serverTime{} },
	"viewer":     compileViewer,
	"node":       compileNode,
	"session": func(c *compiler, f graphql.CollectedField) root {
		return &sessionByID{c.arguments(f), compileSessionRead(c, f.Selections)}
	},
	"sessions": compileSessions,
	"avatar": func(c *compiler, f graphql.CollectedField) root {
		return &avatarByID{c.arguments(f), compileAvatarRead(c, f.Selections)}
	},
	"avatars": compileAvatars,
}

// serverTime is the instant that is pinned for the whole operation.
type serverTime struct{}

func (serverTime) bind(*run) (task, error)        { return serverTime{}, nil }
func (serverTime) read(*run) error                { return nil }
func (serverTime) append(b []byte, x *run) []byte { return x.now.AppendJSON(b) }
func (serverTime) done()                          {}

// null is what is not there, or not for this caller: nothing tells the two apart.
type null struct{}

func (null) read(*run) error                { return nil }
func (null) append(b []byte, _ *run) []byte { return appendNull(b) }
func (null) done()                          {}

// A nodeByID finds what its id's prefix says.
type nodeByID struct {
	id      arguments
	session *sessionByID
	avatar  *avatarByID
}

// elsewhere are prefixes of what only the generated executor finds.
var elsewhere = []string{models.EventPrefix, models.KeyPrefix, models.WebhookPrefix, models.DeliveryPrefix, models.AccountPrefix}

func compileNode(c *compiler, f graphql.CollectedField) root {
	n := &nodeByID{id: c.arguments(f)}
	if c.try(func() { n.session = &sessionByID{n.id, compileSessionRead(c, f.Selections)} }) != "" {
		n.session = nil
	}
	if c.try(func() { n.avatar = &avatarByID{n.id, compileAvatarRead(c, f.Selections)} }) != "" {
		n.avatar = nil
	}
	if n.session == nil && n.avatar == nil {
		c.give("nothing of Query.node is planned")
	}
	return n
}

// try compiles one of several ways to answer a field. It says why that is not planned.
func (c *compiler) try(compile func()) (why string) {
	outer, before := c.want, c.unplanned
	c.want, c.unplanned = &want{}, ""
	compile()
	why = c.unplanned
	c.want, c.unplanned = outer, before
	return why
}

func (n *nodeByID) bind(x *run) (task, error) {
	id, err := n.id.id(x)
	if err != nil {
		return nil, err
	}
	for _, prefix := range elsewhere {
		if strings.HasPrefix(id, prefix) {
			return nil, errElsewhere
		}
	}
	switch {
	case strings.HasPrefix(id, models.SessionPrefix) && n.session != nil:
		return n.session.bind(x)
	case strings.HasPrefix(id, models.AvatarPrefix) && n.avatar != nil:
		return n.avatar.bind(x)
	case strings.HasPrefix(id, models.SessionPrefix), strings.HasPrefix(id, models.AvatarPrefix):
		return nil, errElsewhere
	default:
		return null{}, nil
	}
}

// A viewerRoot is the caller, with the session of an access token.
type viewerRoot struct {
	object  *object[*viewerTask]
	session *sessionRead // nil when not selected
}

type viewerTask struct {
	of      *viewerRoot
	session *sessionTask
}

var viewerFields = map[string]field[*viewerTask]{
	"kind": func(*compiler, graphql.CollectedField) writer[*viewerTask] {
		return func(b []byte, x *run, _ *viewerTask) []byte { return appendPlain(b, x.caller.Kind) }
	},
	"session": func(c *compiler, f graphql.CollectedField) writer[*viewerTask] {
		session := compileSession(c, f.Selections)
		c.want.session = true
		return func(b []byte, x *run, v *viewerTask) []byte { return session.append(b, x, v.session.rows.List[0]) }
	},
}

func compileViewer(c *compiler, f graphql.CollectedField) root {
	v := &viewerRoot{object: compileObject(c, "Viewer", f.Selections, viewerFields)}
	if c.want.session {
		v.session = newSessionRead(c, nil)
	}
	return v
}

func (v *viewerRoot) bind(x *run) (task, error) {
	t := &viewerTask{of: v}
	if v.session == nil {
		return t, nil
	}
	if x.caller.Kind != auth.AccessToken {
		return nil, errElsewhere
	}
	var err error
	if t.session, err = v.session.bind(x, x.caller.SessionID); err != nil || t.session == nil {
		return nil, errElsewhere
	}
	return t, nil
}

func (t *viewerTask) read(x *run) error {
	if t.session == nil {
		return nil
	}
	err := t.session.read(x)
	if err == nil && len(t.session.rows.List) == 0 {
		err = errElsewhere // an error, and not null as elsewhere
	}
	return err
}

func (t *viewerTask) append(b []byte, x *run) []byte { return t.of.object.append(b, x, t) }

func (t *viewerTask) done() {
	if t.session != nil {
		t.session.done()
	}
}
