package emulator

import (
	"slices"

	"greenroom/models"
)

// maxEject is how many ids of each sort one eject takes.
const maxEject = 100

// An ejection is the body of an eject.
type ejection struct {
	ids, userIDs []string
	ban          bool
}

func (c *call) ejection() (ej ejection, err error) {
	body, err := c.fields("ids", "user_ids", "ban")
	if err != nil {
		return ej, err
	}
	var ok1, ok2, ok3 bool
	ej.ids, ok1 = stringList(body["ids"])
	ej.userIDs, ok2 = stringList(body["user_ids"])
	ej.ban, ok3 = body["ban"].(bool)
	if !ok1 || !ok2 || (!ok3 && body["ban"] != nil) || len(ej.ids) > maxEject || len(ej.userIDs) > maxEject {
		return ej, &refusal{invalid("ids and user_ids should be lists of at most %d strings, ban true or false", maxEject)}
	}
	if len(ej.ids)+len(ej.userIDs) == 0 {
		return ej, &refusal{invalid("missing required field")}
	}
	return ej, nil
}

// eject puts people out by session id or user id and answers their session ids. Ids of nobody
// are no error.
func (e *Emulator) eject(c *call) reply {
	ej, err := c.ejection()
	if err != nil {
		return answer(err)
	}
	m, rep, isHosting := e.hosting(c.name, c.now, e.cfg.Knobs.EjectLag)
	if !isHosting {
		return rep
	}
	if ej.ban {
		for _, id := range ej.userIDs {
			m.banned[id] = true
		}
	}
	sessions := []string{}
	var people []*Participant
	for _, p := range m.inside() {
		if slices.Contains(ej.ids, p.SessionID) || p.UserID != nil && slices.Contains(ej.userIDs, *p.UserID) {
			people = append(people, p)
			sessions = append(sessions, p.SessionID)
		}
	}
	e.soon(c.now, e.cfg.Knobs.EjectDelay, func(at models.Time) {
		for _, p := range people {
			e.leave(m, p, at, "ejected", "by call")
		}
	})
	return ok(object{{"ejectedIds", sessions}})
}

// stringList reads a list of strings; nothing is the empty list.
func stringList(v any) ([]string, bool) {
	values, isList := v.([]any)
	if v == nil {
		return nil, true
	}
	texts := make([]string, len(values))
	for i, value := range values {
		s, isString := value.(string)
		if !isString {
			return nil, false
		}
		texts[i] = s
	}
	return texts, isList
}
