package local

import (
	"os/exec"
	"runtime"
)

// nest is the thread that starts every process. The kernel kills a child when
// the thread that made it ends (Pdeathsig), not the process, and Go's threads
// come and go; so one is kept for this alone.
type nest struct {
	work chan func()
	done chan struct{}
}

func newNest() *nest {
	n := &nest{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(n.done)
		runtime.LockOSThread() // and never unlocked: the thread ends with this function
		for f := range n.work {
			f()
		}
	}()
	return n
}

func (n *nest) start(cmd *exec.Cmd) error {
	err := make(chan error)
	n.work <- func() { err <- cmd.Start() } // err is read at once
	return <-err
}

func (n *nest) close() {
	close(n.work)
	<-n.done
}
