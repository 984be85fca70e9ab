package dbtest

import "syscall"

// dieWithParent makes the kernel ask the server for an immediate shutdown when this process is
// gone, however it went.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
