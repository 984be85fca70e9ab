package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"
)

// An operation is what every server is asked in a comparison.
type operation struct {
	name string
	// bodies are requests that are sent in turns.
	bodies []string
	// makes says that each answer is about something new: ids are not compared.
	makes bool
	// story, where there is one, is asked instead: several requests that follow from each other.
	story func(r *rival, c *caller) error
}

// The operations' documents.
const (
	fields = `id revision status sessionType metadata endUserId createdAt startBy startedAt endedAt expiration maxDuration duration
		endReason avatarState avatar { id name url } dailyRoom { url name token }`
	pageQuery   = `query Page($first: Int!) { sessions(first: $first) { nodes { ` + fields + ` } } }`
	oneQuery    = `query One($id: ID!) { session(id: $id) { ` + fields + ` } }`
	mobileQuery = `query Mobile($id: ID!) { session(id: $id) { id status avatar { id name url } dailyRoom { url name token } } }`
	createQuery = `mutation Create($avatar: ID!) { createSession(input: {avatarId: $avatar}) {
		session { id status avatarState metadata avatar { id name url } dailyRoom { url name } } userErrors { code message } } }`
)

// pageSize is the sessions of a page.
const pageSize = 50

// body is a request's. Its operation has the name that is before the document's first parenthesis.
func body(name, query string, variables map[string]any) string {
	text, err := json.Marshal(map[string]any{"operationName": name, "query": query, "variables": variables})
	if err != nil {
		panic(err) // text and numbers
	}
	return string(text)
}

// reads are the operations that change nothing.
func (y *yard) reads() []*operation {
	page := &operation{name: "page", bodies: []string{body("Page", pageQuery, map[string]any{"first": pageSize})}}
	one, mobile := &operation{name: "one session"}, &operation{name: "mobile"}
	for _, id := range y.ids {
		one.bodies = append(one.bodies, body("One", oneQuery, map[string]any{"id": id}))
		mobile.bodies = append(mobile.bodies, body("Mobile", mobileQuery, map[string]any{"id": id}))
	}
	if y.engine == onPostgres {
		return []*operation{page, one}
	}
	return []*operation{page, one, mobile}
}

// create makes a session with its room.
func (y *yard) create() *operation {
	return &operation{name: "create", makes: true, bodies: []string{body("Create", createQuery, map[string]any{"avatar": y.avatar})}}
}

// A question is a request to one server, and the answer that it has to give.
type question struct {
	request []byte
	answer  []byte
	// quarter is when the answer was given: tokens change every quarter of an hour.
	quarter time.Time
	asked   atomic.Int64
}

func quarter() time.Time { return time.Now().Truncate(15 * time.Minute) }

// check compares an answer under load. Those of what is made anew are only looked at now and
// then: that takes longer than their server had.
func (q *question) check(o *operation, status int, body []byte) error {
	const sampled = 16
	switch {
	case status != http.StatusOK:
		return fmt.Errorf("status %d: %.200s", status, body)
	case !q.quarter.Equal(quarter()):
		return nil
	case !o.makes && !bytes.Equal(body, q.answer):
		return fmt.Errorf("another answer under load: %.300s, not %.300s", body, q.answer)
	case o.makes && q.asked.Add(1)%sampled == 1:
		if got := plain(o, body); !bytes.Equal(got, plain(o, q.answer)) {
			return fmt.Errorf("another answer under load: %.300s, not %.300s", got, q.answer)
		}
	}
	return nil
}

// newNames are those that differ between two answers of an operation that makes something.
var newNames = regexp.MustCompile(`sess_[0-9A-Z]{26}|[a-z]+-s-[0-9a-z]{26}`)

// plain is an answer without white space and new names. The order of keys stays.
func plain(o *operation, answer []byte) []byte {
	var text bytes.Buffer
	if err := json.Compact(&text, answer); err != nil {
		return answer
	}
	if o.makes {
		return newNames.ReplaceAll(text.Bytes(), []byte("new"))
	}
	return text.Bytes()
}

// agree asks all servers all that they will be asked under load, and fails unless they answer
// alike: the same keys in the same order with the same values.
func agree(ctx context.Context, o *operation, rivals []*rival) error {
	for _, r := range rivals {
		c, err := call(ctx, r.address)
		if err != nil {
			return err
		}
		var asked []*question
		for i, body := range o.bodies {
			q := &question{request: post(r, body), quarter: quarter()}
			status, answer, err := c.ask(q.request)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", o.name, r.name, err)
			}
			q.answer = bytes.Clone(answer)
			asked = append(asked, q)
			if status != http.StatusOK || bytes.Contains(answer, []byte(`"errors":`)) {
				return fmt.Errorf("%s, %s: status %d: %.300s", o.name, r.name, status, answer)
			}
			if r != rivals[0] {
				first := rivals[0].questions[o][i]
				want, got := plain(o, first.answer), plain(o, answer)
				if first.quarter.Equal(q.quarter) && !bytes.Equal(got, want) {
					return fmt.Errorf("%s: %s answers\n%s\nand %s\n%s", o.name, r.name, got, rivals[0].name, want)
				}
			}
		}
		r.questions[o] = asked
		if err := c.net.Close(); err != nil {
			return err
		}
	}
	return nil
}
