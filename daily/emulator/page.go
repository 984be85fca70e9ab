package emulator

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"greenroom/models"
)

// A page is what the arguments of a list ask for.
type page struct {
	limit         int
	after, before string
}

const maxPage = 100

func parsePage(q url.Values) (page, error) {
	p := page{limit: maxPage, after: q.Get("starting_after"), before: q.Get("ending_before")}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPage {
			return p, &refusal{invalid("limit should be a number between 1 and %d", maxPage)}
		}
		p.limit = n
	}
	return p, nil
}

// cut gives the page of a list that is in order. A cursor may have left the list since it was
// given out: position says where it would stand, false when it never existed.
func cut[T any](p page, all []T, position func(id string) (at int, in, known bool)) ([]T, error) {
	from, to := 0, len(all)
	if p.after != "" {
		at, in, known := position(p.after)
		if !known {
			return nil, &refusal{invalid("starting_after is not the id of anything")}
		}
		from = at
		if in {
			from++
		}
	}
	if p.before != "" && p.before != "OLDEST" {
		at, _, known := position(p.before)
		if !known {
			return nil, &refusal{invalid("ending_before is not the id of anything")}
		}
		to = at
	}
	from = min(from, to)
	if p.before != "" {
		return all[max(from, to-p.limit):to], nil
	}
	return all[from:min(to, from+p.limit)], nil
}

// newestFirst is the order of rooms: by the second of their creation, then by id.
func newestFirst(a, b *room) int {
	return cmp.Or(cmp.Compare(b.createdAt/1000, a.createdAt/1000), strings.Compare(b.id, a.id))
}

// listRooms lists what has not expired. total_count is of all pages.
func (e *Emulator) listRooms(c *call) reply {
	p, err := parsePage(c.r.URL.Query())
	if err != nil {
		return answer(err)
	}
	var rooms []*room
	for name := range e.rooms {
		if r, found := e.live(name, c.now); found {
			rooms = append(rooms, r)
		}
	}
	slices.SortFunc(rooms, newestFirst)
	part, err := cut(p, rooms, func(id string) (int, bool, bool) {
		i := slices.IndexFunc(e.all, func(r *room) bool { return r.id == id })
		if i < 0 {
			return 0, false, false
		}
		at, in := slices.BinarySearchFunc(rooms, e.all[i], newestFirst)
		return at, in, true
	})
	if err != nil {
		return answer(err)
	}
	data := make([]object, len(part))
	for i, r := range part {
		data[i] = r.show()
	}
	return ok(object{{"total_count", len(rooms)}, {"data", data}})
}

// parseSeconds reads Unix seconds from a query; false when there are none.
func parseSeconds(text string) (models.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return models.Time(n * 1000), err == nil
}
