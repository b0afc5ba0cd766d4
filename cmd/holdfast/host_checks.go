package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"
)

// checkPorts tries to open what every run needs: a free port on 127.0.0.1.
func checkPorts() checkResult {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return checkResult{"ports", statusBad, err.Error(), "list what holds the ports: ss -ltnp"}
	}
	defer l.Close()
	return checkResult{"ports", statusOK, "127.0.0.1 has free ports (" + l.Addr().String() + ")", ""}
}

// checkLoopback tries one of the loopback addresses that the local runtime gives its nodes.
func checkLoopback() checkResult {
	l, err := net.Listen("tcp", "127.0.1.2:0")
	if err != nil {
		do := ""
		if runtime.GOOS == "darwin" {
			do = "macOS configures 127.0.0.1 alone: run sudo ifconfig lo0 alias 127.0.1.2, or use containers"
		}
		return checkResult{"loopback", statusWarn, err.Error(), do}
	}
	defer l.Close()
	return checkResult{"loopback", statusOK, "addresses in 127.0.0.0/8 can be bound", ""}
}

// checkClocks measures the smallest step of the clocks. The times of a run are on the
// monotonic clock; events of the system under test come with wall-clock time.
func checkClocks() checkResult {
	const within = 20 * time.Millisecond
	begun := time.Now()
	mono, wall := time.Hour, time.Hour
	for last := begun; ; {
		now := time.Now()
		if d := now.Sub(last); d > 0 {
			mono = min(mono, d)
		}
		if d := now.Round(0).Sub(last.Round(0)); d > 0 {
			wall = min(wall, d)
		}
		last = now
		if now.Sub(begun) > within {
			break
		}
	}
	s := checkResult{"clock", statusOK, fmt.Sprintf("monotonic steps of %v, wall steps of %v", mono, wall), ""}
	if mono > time.Millisecond {
		s.Status, s.Remedy = statusWarn, "figures are no finer than this step; the resolution of an RTO is 100 ms"
	}
	return s
}

// checkMemory looks at how much memory is free, where the system says so.
func checkMemory() checkResult {
	const need = 2 << 20 // kB: three nodes, three linkds, a million operations in the checker
	free, err := availableKB()
	switch {
	case err != nil:
		return checkResult{"memory", statusWarn, "not known: " + err.Error(), ""}
	case free < need:
		return checkResult{"memory", statusWarn, fmt.Sprintf("%d MB free", free>>10), "a drill of nine nodes needs 2 GB"}
	default:
		return checkResult{"memory", statusOK, fmt.Sprintf("%d MB free", free>>10), ""}
	}
}

func availableKB() (int, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if rest, ok := strings.CutPrefix(in.Text(), "MemAvailable:"); ok {
			var kb int
			_, err := fmt.Sscan(rest, &kb)
			return kb, err
		}
	}
	return 0, fmt.Errorf("no MemAvailable in /proc/meminfo")
}

func checkCores() checkResult {
	s := checkResult{"cores", statusOK, fmt.Sprintf("%d cores, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH), ""}
	if runtime.NumCPU() < 2 {
		s.Status, s.Remedy = statusWarn, "on one core the load generator and the system slow each other down: do not trust latencies"
	}
	return s
}
