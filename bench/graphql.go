package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
)

// ask runs an operation as the account and decodes its data into answer. A payload's userErrors
// are for the caller to look at.
func (p *plant) ask(query string, variables map[string]any, answer any) error {
	return p.askAt(p.url, query, variables, answer)
}

// askAt asks another server than the plant's own.
func (p *plant) askAt(url, query string, variables map[string]any, answer any) error {
	return p.askAs(p.key, url, query, variables, answer)
}

// askAs asks with another key than the account's.
func (p *plant) askAs(key, url, query string, variables map[string]any, answer any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(p.ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	reply, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = reply.Body.Close() }()
	var envelope struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(reply.Body).Decode(&envelope); err != nil {
		return fmt.Errorf("%s: %w", reply.Status, err)
	}
	if len(envelope.Errors) > 0 {
		return fmt.Errorf("%s: %s", reply.Status, envelope.Errors[0].Message)
	}
	return json.Unmarshal(envelope.Data, answer)
}

// refusals are a payload's userErrors.
type refusals []struct{ Code, Message string }

func (r refusals) err() error {
	if len(r) == 0 {
		return nil
	}
	return errors.New(r[0].Code + ": " + r[0].Message)
}

// create makes a session, and gives its id and its access token.
func (p *plant) create() (id, token string, err error) {
	var made struct {
		CreateSession struct {
			Session     struct{ ID string }
			AccessToken string
			UserErrors  refusals
		}
	}
	err = p.ask(`mutation ($avatar: ID!) {
		createSession(input: {avatarId: $avatar}) { session { id } accessToken userErrors { code message } }
	}`, map[string]any{"avatar": p.avatar}, &made)
	got := made.CreateSession
	return got.Session.ID, got.AccessToken, errors.Join(err, got.UserErrors.err())
}

// start has the session's avatar brought into its room, and gives the stream's address.
func (p *plant) start(id string) (wsURI string, err error) {
	var made struct {
		StartSession struct {
			WSURI      string
			UserErrors refusals
		}
	}
	err = p.ask(`mutation ($id: ID!) { startSession(input: {id: $id}) { wsUri userErrors { code message } } }`,
		map[string]any{"id": id}, &made)
	return made.StartSession.WSURI, errors.Join(err, made.StartSession.UserErrors.err())
}

// each calls do for 0 to n-1, several at once, and gives the first error.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
