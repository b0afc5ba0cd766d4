// Package cputime reads from /proc how much processor time a process and its children have used, and how long
// they waited for it.
package cputime

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// Usage is what processes did since they were started.
type Usage struct {
	Used   time.Duration // on a processor
	Waited time.Duration // ready to run and without one: all threads that live now, taken together
}

// OfTree adds up a process and all that descend from it. A process that ends meanwhile is left out; that the first
// is not there is an error.
func OfTree(pid int) (Usage, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return Usage{}, err
	}
	u, err := of(fs, pid)
	if err != nil {
		return Usage{}, err
	}
	for _, child := range children(pid) {
		if c, err := OfTree(child); err == nil {
			u.Used += c.Used
			u.Waited += c.Waited
		}
	}
	return u, nil
}

// of is one process.
func of(fs procfs.FS, pid int) (u Usage, err error) {
	p, err := fs.Proc(pid)
	if err != nil {
		return u, err
	}
	stat, err := p.Stat()
	if err != nil {
		return u, err
	}
	threads, err := fs.AllThreads(pid)
	if err != nil {
		return u, err
	}
	for _, t := range threads {
		if s, err := t.Schedstat(); err == nil {
			u.Waited += time.Duration(s.WaitingNanoseconds)
			u.Used += time.Duration(s.RunningNanoseconds)
		}
	}
	// The process's own figure has the threads that have ended too, in steps of 10 ms.
	u.Used = max(u.Used, time.Duration(stat.CPUTime()*float64(time.Second)))
	return u, nil
}

// children lists the processes that any thread of a process has started and that live.
func children(pid int) []int {
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	threads, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []int
	for _, t := range threads {
		line, err := os.ReadFile(dir + "/" + t.Name() + "/children")
		if err != nil {
			continue
		}
		for _, word := range strings.Fields(string(line)) {
			if child, err := strconv.Atoi(word); err == nil {
				out = append(out, child)
			}
		}
	}
	return out
}
