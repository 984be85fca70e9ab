//go:build unix

package transport

import (
	"errors"
	"net"
	"syscall"
)

// A nowWriter writes what the system takes at once.
type nowWriter struct{ raw syscall.RawConn }

func newNowWriter(c net.Conn) nowWriter {
	if system, ok := c.(syscall.Conn); ok {
		if raw, err := system.SyscallConn(); err == nil {
			return nowWriter{raw}
		}
	}
	return nowWriter{}
}

// write gives how many bytes were taken: none when the client has not read what it was sent before.
func (w nowWriter) write(b []byte) (n int, err error) {
	if w.raw == nil {
		return 0, nil
	}
	var failed error
	err = w.raw.Write(func(fd uintptr) bool {
		for {
			n, failed = syscall.Write(int(fd), b)
			if !errors.Is(failed, syscall.EINTR) {
				return true // whatever came of it: not to wait
			}
		}
	})
	if err == nil && failed != nil {
		n, err = 0, failed
	}
	if errors.Is(err, syscall.EAGAIN) {
		err = nil
	}
	return max(n, 0), err
}
