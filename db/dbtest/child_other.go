//go:build unix && !linux

package dbtest

import "syscall"

// dieWithParent does nothing: only Linux can tie a child to its parent. A test binary that is
// killed leaves its server running.
func dieWithParent(*syscall.SysProcAttr) {}
