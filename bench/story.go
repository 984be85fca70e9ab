package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
)

// The requests of a session's life.
const (
	startQuery = `mutation Start($id: ID!) { startSession(input: {id: $id}) { session { id status avatarState } userErrors { code message } } }`
	endQuery   = `mutation End($id: ID!) { endSession(input: {id: $id}) { session { id status endReason } userErrors { code message } } }`
)

// compareLives measures sessions that are created, started and ended, one answer a life. An avatar
// that is ready at once is with Greenroom only: its peer has nothing to wait for.
func (y *yard) compareLives(ctx context.Context) (err error) {
	const avatarServers, capacity = 4, 10_000
	bank, err := dialAvatars(ctx, y.plant, avatarServers, capacity, func([]byte) {})
	if err != nil {
		return fmt.Errorf("dial avatar servers: %w", err)
	}
	defer func() { err = errors.Join(err, bank.close()) }()
	b := y.goals
	rivals := y.among(ours, naive)
	create := y.create()
	if err := agree(ctx, create, rivals); err != nil {
		return err
	}
	o := &operation{name: "create, start, end", makes: true, story: func(r *rival, c *caller) error {
		return live(r, c, r.questions[create][0])
	}}
	d, err := b.compare(ctx, o, rivals, b.Callers, b.WriteSpan)
	if err != nil {
		return err
	}
	return d.print(b.out, y.engine, rivals)
}

// live is the life of one session. Each answer has to be as it should.
func live(r *rival, c *caller, create *question) error {
	status, answer, err := c.ask(create.request)
	if err != nil {
		return err
	}
	id := newNames.Find(answer)
	if status != http.StatusOK || id == nil {
		return fmt.Errorf("create: status %d: %.300s", status, answer)
	}
	variables := map[string]any{"id": string(id)}
	for _, step := range []struct{ request, want string }{
		{body("Start", startQuery, variables), `{"data":{"startSession":{"session":{"id":%q,"status":"STARTED","avatarState":"READY"},"userErrors":[]}}}`},
		{body("End", endQuery, variables), `{"data":{"endSession":{"session":{"id":%q,"status":"ENDED","endReason":"CLIENT_ENDED"},"userErrors":[]}}}`},
	} {
		if _, answer, err = c.ask(post(r, step.request)); err != nil {
			return err
		}
		if want := fmt.Sprintf(step.want, variables["id"]); string(bytes.TrimSpace(answer)) != want {
			return fmt.Errorf("%.300s, not %s", answer, want)
		}
	}
	return nil
}
