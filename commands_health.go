package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// healthWithin bounds one health check.
const healthWithin = 5 * time.Second

// A healthCommand asks a running server how it is: for a container, which has no other program.
type healthCommand struct {
	URL string `arg:"" default:"http://127.0.0.1:8080/healthz" help:"What to ask; /readyz tells whether sessions can be created."`
}

// Run fails unless the answer is 200.
func (c *healthCommand) Run(t *terminal) error {
	ctx, cancel := context.WithTimeout(t.ctx, healthWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, http.NoBody)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	_ = reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s answered %s", c.URL, reply.Status)
	}
	return t.show(map[string]string{"url": c.URL}, "%s is well", c.URL)
}
