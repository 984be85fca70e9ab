package dbtest

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// A child is a process that lives no longer than this one.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it is gone and its output is complete
}

// startChild starts cmd from a thread that lives as long as cmd does: Linux sends the signal of
// dieWithParent when the *thread* that started the child ends (prctl(2), PR_SET_PDEATHSIG).
func startChild(cmd *exec.Cmd) (*child, error) {
	dieWithParent(cmd.SysProcAttr)
	c := &child{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(c.exited)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // a server that is told to stop has no exit status worth reading
		}
	}()
	return c, <-started
}

// stop asks for PostgreSQL's fast shutdown, which ends open connections.
func (c *child) stop() error {
	select {
	case <-c.exited:
		return nil
	default:
	}
	if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.exited:
		return nil
	case <-timer.C:
		return errors.Join(errors.New("the server did not stop when asked and was killed"), c.cmd.Process.Kill())
	}
}
