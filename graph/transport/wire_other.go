//go:build !unix

package transport

import "net"

// A nowWriter writes nothing: only Unix tells what the system takes at once.
type nowWriter struct{}

func newNowWriter(net.Conn) nowWriter { return nowWriter{} }

func (nowWriter) write([]byte) (int, error) { return 0, nil }
