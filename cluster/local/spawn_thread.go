package local

import (
	"os/exec"
	"runtime"
)

// spawnThread is the thread that starts every process. The kernel kills a child
// when the thread that made it ends (Pdeathsig), not the process, and Go's
// threads come and go; so one is kept for this alone.
type spawnThread struct {
	calls chan func()
	ended chan struct{}
}

func newSpawnThread() *spawnThread {
	t := &spawnThread{calls: make(chan func()), ended: make(chan struct{})}
	go func() {
		defer close(t.ended)
		runtime.LockOSThread() // and never unlocked: the thread ends with this function
		for f := range t.calls {
			f()
		}
	}()
	return t
}

func (t *spawnThread) start(cmd *exec.Cmd) error {
	err := make(chan error)
	t.calls <- func() { err <- cmd.Start() } // err is read at once
	return <-err
}

// close ends the thread, and with it whatever it has started.
func (t *spawnThread) close() {
	close(t.calls)
	<-t.ended
}
