package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"greenroom/config"
)

// healthWithin bounds one health check.
const healthWithin = 5 * time.Second

// A healthCommand asks a running server how it is: for a container, which has no other program. It
// finds the server by the setting that told the server where to be found.
type healthCommand struct {
	config.File
	config.Address
	URL string `arg:"" optional:"" help:"What to ask instead of /healthz there; /readyz of a server tells whether sessions can be created."`
}

// Run fails unless the answer is 200.
func (c *healthCommand) Run(t *terminal) error {
	asked := c.URL
	if asked == "" {
		server, err := c.LocalURL()
		if err != nil {
			return err
		}
		asked = server + "/healthz"
	}
	if !strings.Contains(asked, "://") {
		return fmt.Errorf("health: %q is no address: give it whole, such as http://127.0.0.1:8080/readyz", asked)
	}
	ctx, cancel := context.WithTimeout(t.ctx, healthWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, asked, http.NoBody)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	_ = reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s answered %s", asked, reply.Status)
	}
	return t.show(map[string]string{"url": asked}, "%s is well", asked)
}
