package daily

import (
	"context"
	"net"
	"net/http"
)

// DialWith replaces how the client reaches its server, for bubbles in which only an in-memory
// network lets time pass.
func (c *Client) DialWith(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	c.RoundTripWith(&http.Transport{DialContext: dial})
}

// RoundTripWith replaces the network altogether.
func (c *Client) RoundTripWith(rt http.RoundTripper) {
	if t, ok := c.http.Transport.(*transport); ok {
		t.base = rt
	}
}

// Path is path, for the test of its escaping.
var Path = path
