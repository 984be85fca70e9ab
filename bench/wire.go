package main

import (
	"context"
	"encoding/binary"
	"net"
	"net/http/httptrace"

	"github.com/coder/websocket"
)

// A wire is a WebSocket that can also be written past its library, which takes two system calls
// for a speech and one for each small frame: what the load saves, the server on the same machine
// has. The library still reads, and sends pongs, each in a single write, so that frames do not
// mix.
type wire struct {
	*websocket.Conn
	net net.Conn
}

func dial(ctx context.Context, address string, options *websocket.DialOptions) (*wire, error) {
	w := &wire{}
	trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { w.net = got.Conn }}
	var err error
	w.Conn, _, err = websocket.Dial(httptrace.WithClientTrace(ctx, trace), address, options) //nolint:bodyclose // Dial closes it
	return w, err
}

// appendText appends a text frame from a client. Its masking key is 0, with which masked text is
// the text itself; the server takes the mask off all the same.
func appendText(b, text []byte) []byte {
	const final, masked, long = 0x80, 0x80, 126
	b = append(b, final|byte(websocket.MessageText))
	if n := len(text); n < long {
		b = append(b, masked|byte(n))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, masked|long), uint16(n)) //nolint:gosec // G115: no frame here is 64 KiB
	}
	return append(append(b, 0, 0, 0, 0), text...)
}
