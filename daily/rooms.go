package daily

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"greenroom/models"
)

// A RoomSpec is a private room to be made.
type RoomSpec struct {
	// Name is 1 to 128 of A-Z, a-z, 0-9, - and _. It is all that keeps Daily from making two
	// rooms, so it must follow from what the room is for.
	Name string
	// Exp is when the room closes and everybody in it is put out; sent as a whole second,
	// rounded up. Must be in the future.
	Exp models.Time
	// MaxParticipants is how many may be in the room at once; 0 is Daily's 200.
	MaxParticipants int
}

// A Room is a room as Daily has it.
type Room struct {
	ID   string
	Name string
	// URL is where people join; without a token for a private room they cannot.
	URL       string
	Private   bool
	CreatedAt models.Time
	// Exp is 0 when the room never closes.
	Exp models.Time
}

type roomReply struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Privacy   string    `json:"privacy"`
	URL       string    `json:"url"`
	CreatedAt time.Time `json:"created_at"`
	Config    struct {
		Exp float64 `json:"exp"`
	} `json:"config"`
}

// room checks and translates a reply.
func (r *roomReply) room() (Room, error) {
	u, err := url.Parse(r.URL)
	exp, ok := fromSeconds(r.Config.Exp)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || r.ID == "" || checkName(r.Name) != nil || !ok {
		return Room{}, errUnreadable
	}
	return Room{
		ID: r.ID, Name: r.Name, URL: r.URL, Private: r.Privacy == "private",
		CreatedAt: models.TimeOf(r.CreatedAt), Exp: exp,
	}, nil
}

// named also checks that the reply is about the room that was asked for.
func (r *roomReply) named(name string) (Room, error) {
	room, err := r.room()
	if err == nil && room.Name != name {
		err = errUnreadable
	}
	return room, err
}

// CreateRoom makes a private room, or adopts the one of that name when an earlier create, this
// one's included, has made it: then Exp is the earlier one's. A room of the name that is not
// private is never adopted.
//
// An error leaves open whether a room was made or yet will be, unless it is Permanent.
func (c *Client) CreateRoom(ctx context.Context, spec RoomSpec) (Room, error) {
	if err := checkName(spec.Name); err != nil {
		return Room{}, err
	}
	for try := 0; ; try++ {
		room, err := c.postRoom(ctx, spec)
		failed, ok := errors.AsType[*Error](err)
		// A duplicate name is a 400 like any other (measured): only looking tells them apart.
		if err == nil || !ok || failed.refused() && failed.Status != http.StatusBadRequest {
			return room, err
		}
		room, found := c.Room(ctx, spec.Name)
		switch {
		case found == nil && !room.Private:
			return Room{}, c.failure(call{name: "create room"}, http.StatusOK, errPublic).wrap(0)
		case found == nil:
			return room, nil
		case !errors.Is(found, models.ErrNotFound):
			return Room{}, found
		case failed.Permanent() || try >= c.retries:
			return Room{}, err
		}
		if !sleep(ctx, jitter(try)) {
			return Room{}, err
		}
	}
}

// postRoom sends one create. What this server relies on is sent even where it is Daily's
// default, because a domain can have other defaults.
func (c *Client) postRoom(ctx context.Context, spec RoomSpec) (Room, error) {
	properties := map[string]any{
		"exp":               seconds(spec.Exp + 999),
		"eject_at_room_exp": true,
		"enable_knocking":   false,
		// Everybody in a session has the session's user id; unique ids would put out the first
		// when the second joins.
		"enforce_unique_user_ids": false,
	}
	if spec.MaxParticipants > 0 {
		properties["max_participants"] = spec.MaxParticipants
	}
	body := map[string]any{"name": spec.Name, "privacy": "private", "properties": properties}
	var room Room
	op := call{name: "create room", method: http.MethodPost, path: path("rooms"), once: true}
	err := c.do(ctx, op, body, into(func(r *roomReply) (err error) {
		room, err = r.named(spec.Name)
		if err == nil && !room.Private {
			err = errPublic
		}
		return err
	}))
	return room, err
}

// Room reads a room. One that is absent or has expired is models.ErrNotFound.
func (c *Client) Room(ctx context.Context, name string) (Room, error) {
	if err := checkName(name); err != nil {
		return Room{}, err
	}
	var room Room
	op := call{name: "read room", method: http.MethodGet, path: path("rooms", name)}
	err := c.do(ctx, op, nil, into(func(r *roomReply) (err error) {
		room, err = r.named(name)
		return err
	}))
	if e, isGone := absent(err); isGone {
		return Room{}, e.notFound()
	}
	return room, err
}

// DeleteRoom deletes a room and so puts out everybody in it. A room that is already gone, or
// has expired, is a success.
func (c *Client) DeleteRoom(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	type reply struct{ Deleted bool }
	op := call{name: "delete room", method: http.MethodDelete, path: path("rooms", name)}
	err := c.do(ctx, op, nil, into(func(r *reply) error {
		if !r.Deleted {
			return errUnreadable
		}
		return nil
	}))
	if _, isGone := absent(err); isGone {
		return nil
	}
	return err
}

// maxEject is how many user ids Daily takes in one eject.
const maxEject = 100

// Eject puts everybody with one of the user ids out of the call in a room; with ban they cannot
// come back while that call lasts. It gives the participants' session ids, without those of a
// try whose reply was lost. No room, or nobody in it, is a success.
func (c *Client) Eject(ctx context.Context, name string, userIDs []string, ban bool) (ejected []string, err error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	type reply struct {
		EjectedIDs []string `json:"ejectedIds"`
	}
	op := call{name: "eject", method: http.MethodPost, path: path("rooms", name, "eject")}
	for some := range slices.Chunk(userIDs, maxEject) {
		err := c.do(ctx, op, map[string]any{"user_ids": some, "ban": ban}, into(func(r *reply) error {
			if r.EjectedIDs == nil {
				return errUnreadable
			}
			ejected = append(ejected, r.EjectedIDs...)
			return nil
		}))
		if _, isGone := absent(err); isGone {
			return ejected, nil
		}
		if err != nil {
			return ejected, err
		}
	}
	return ejected, nil
}

// absent tells whether Daily said that there is no such room, or nobody in it. A 404 without
// Daily's body comes from somebody in between and says nothing about the room.
func absent(err error) (*Error, bool) {
	e, ok := errors.AsType[*Error](err)
	return e, ok && e.Status == http.StatusNotFound && e.Code != ""
}

// sleep waits, unless ctx ends before the wait would.
func sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
