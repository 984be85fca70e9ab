package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A reply is what a request was answered, decoded when it is JSON.
type reply struct {
	Data   map[string]any
	Errors []struct {
		Message    string
		Extensions map[string]any
	}
	status int
	header http.Header
	body   string
}

// code is the first error's code; empty without errors.
func (r *reply) code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	code, _ := r.Errors[0].Extensions["code"].(string)
	return code
}

// get asks for a path of the server, or a whole address.
func (p *program) get(url string, header ...string) *reply {
	p.t.Helper()
	return p.request(http.MethodGet, url, "", header...)
}

// request sends one request. Headers are names and values in turn; Host may be among them.
func (p *program) request(method, url, body string, header ...string) *reply {
	p.t.Helper()
	got, err := p.try(method, url, body, header...)
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

// try is request for calls that may go unanswered.
func (p *program) try(method, url, body string, header ...string) (*reply, error) {
	if strings.HasPrefix(url, "/") {
		url = p.first["url"] + url
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	answered, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(answered.Body)
	_ = answered.Body.Close()
	if err != nil {
		return nil, err
	}
	got := &reply{status: answered.StatusCode, header: answered.Header, body: string(content)}
	if bytes.HasPrefix(content, []byte("{")) {
		return got, json.Unmarshal(content, got)
	}
	return got, nil
}

type vars = map[string]any

// operation is the body of a request to /graphql.
func operation(query string, variables vars) string {
	body, err := json.Marshal(vars{"query": query, "variables": variables})
	if err != nil {
		panic(err) // variables are what a test wrote down
	}
	return string(body)
}

// ask runs one operation; an empty credential is none.
func (p *program) ask(credential, query string, variables vars) *reply {
	p.t.Helper()
	header := []string{"Content-Type", "application/json"}
	if credential != "" {
		header = append(header, "Authorization", "Bearer "+credential)
	}
	return p.request(http.MethodPost, "/graphql", operation(query, variables), header...)
}

// must is ask without errors and without a refusal.
func (p *program) must(credential, query string, variables vars) map[string]any {
	p.t.Helper()
	got := p.ask(credential, query, variables)
	if got.status != http.StatusOK || len(got.Errors) > 0 || strings.Contains(got.body, `"userErrors":[{`) {
		p.t.Fatalf("%s\nanswered %d %s", query, got.status, got.body)
	}
	return got.Data
}

// at walks into decoded JSON: `nodes.0.id`. Nil where the path ends early.
func at(v any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(inner) {
				return nil
			}
			v = inner[i]
		default:
			return nil
		}
	}
	return v
}

// text is a string of decoded JSON; empty where there is none.
func text(v any, path string) string {
	s, _ := at(v, path).(string)
	return s
}

// count is a number of decoded JSON; -1 where there is none.
func count(v any, path string) int {
	n, ok := at(v, path).(float64)
	if !ok {
		return -1
	}
	return int(n)
}

// instant is a time of decoded JSON.
func instant(t *testing.T, v any, path string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text(v, path))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return when
}
