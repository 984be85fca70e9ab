package plan

import (
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"greenroom/db"
	"greenroom/models"
)

type event = *models.SessionEvent

var eventFields = map[string]field[event]{
	"id":     plain(func(b []byte, e event) []byte { return appendPlain(b, e.ID) }),
	"type":   plain(func(b []byte, e event) []byte { return appendPlain(b, e.Type) }),
	"at":     plain(func(b []byte, e event) []byte { return e.At.AppendJSON(b) }),
	"actor":  plain(func(b []byte, e event) []byte { return appendPlain(b, e.Actor) }),
	"detail": plain(func(b []byte, e event) []byte { return orNull(b, e.Detail, appendString) }),
}

// A timeline is one field `events` of the sessions of one root field.
type timeline struct {
	// place is where in run.timelines its events are.
	place int
	last  arguments
}

// A stored is what has been read of a timeline: of each session the newest last, or all.
type stored struct {
	last   *int
	events map[string][]*models.SessionEvent
}

func events(c *compiler, f graphql.CollectedField) writer[sessionRow] {
	c.want.sessions |= ended | db.SessionRevision | db.SessionEndReason // which models.Session.Timeline asks for
	t := timeline{c.timelines, c.arguments(f)}
	c.timelines++
	c.want.timelines = append(c.want.timelines, t)
	line := compileObject(c, "SessionEvent", f.Selections, eventFields)
	return func(b []byte, x *run, s sessionRow) []byte {
		read := &x.timelines[t.place]
		b = append(b, '[')
		for i, e := range s.Timeline(read.events[s.ID], read.last) {
			if i > 0 {
				b = append(b, ',')
			}
			b = line.append(b, x, e)
		}
		return append(b, ']')
	}
}

// bindTimelines reads how many events are asked for.
func bindTimelines(x *run, timelines []timeline) error {
	for _, t := range timelines {
		last, err := t.last.integer(x, "last")
		if err == nil && last != nil && (*last < 1 || *last > models.MaxPageSize) {
			err = errRefused
		}
		if err != nil {
			return err
		}
		x.timelines[t.place].last = last
	}
	return nil
}

// readTimelines reads the events of all sessions of a root field: one statement for each length that
// is asked for.
func readTimelines(x *run, scope models.Scope, timelines []timeline, sessions []sessionRow) error {
	if len(timelines) == 0 || len(sessions) == 0 {
		return nil
	}
	ids := make([]string, len(sessions))
	for i, s := range sessions {
		ids[i] = s.ID
	}
	known := map[int]map[string][]*models.SessionEvent{}
	for _, t := range timelines {
		into, length := &x.timelines[t.place], 0
		if into.last != nil {
			length = *into.last
		}
		if into.events = known[length]; into.events != nil {
			continue
		}
		read, err := x.cfg.Store.SessionEvents(x.ctx, scope, ids, into.last)
		if err != nil {
			return fmt.Errorf("%w: %w", errElsewhere, err)
		}
		into.events, known[length] = read, read
	}
	return nil
}
