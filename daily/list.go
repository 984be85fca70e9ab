package daily

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

const (
	pageSize = 100
	// maxPages is ten times the rooms that a domain can have, and the end of a list that goes
	// in circles.
	maxPages = 1000
)

// Rooms lists all unexpired rooms of the domain, newest first, also those that are not ours.
// After an error there is nothing more.
func (c *Client) Rooms(ctx context.Context) iter.Seq2[Room, error] {
	return func(yield func(Room, error) bool) {
		op := call{name: "list rooms", method: http.MethodGet, path: path("rooms")}
		for reply, err := range pages(ctx, c, op, nil, func(r *roomReply) string { return r.ID }) {
			if err != nil {
				yield(Room{}, err)
				return
			}
			// A room that we cannot read is not one of ours.
			if room, err := reply.room(); err == nil && !yield(room, nil) {
				return
			}
		}
	}
}

// pages yields the elements of a paged list until a page is empty.
func pages[T any](ctx context.Context, c *Client, op call, query url.Values, id func(*T) string) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		after := ""
		for range maxPages {
			op.query = url.Values{"limit": {strconv.Itoa(pageSize)}}
			maps.Copy(op.query, query)
			if after != "" {
				op.query.Set("starting_after", after)
			}
			page, err := readPage(ctx, c, op, id)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) == 0 {
				return
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
			after = id(page[len(page)-1])
		}
		yield(nil, c.failure(op, http.StatusOK, errNoProgress).wrap(0))
	}
}

// readPage reads one page. Every element must have its id, by which the next page is asked for.
func readPage[T any](ctx context.Context, c *Client, op call, id func(*T) string) (page []*T, err error) {
	type reply struct{ Data []*T }
	err = c.do(ctx, op, nil, into(func(r *reply) error {
		for _, v := range r.Data {
			if v == nil || id(v) == "" {
				return errUnreadable
			}
		}
		if r.Data == nil {
			return errUnreadable
		}
		page = r.Data
		return nil
	}))
	return page, err
}
