package node

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// Main is the mcpd command: it runs a node until SIGTERM or SIGINT. The result is the
// process's exit status: 0 after a graceful stop, 1 for a failure, 64 for wrong usage.
func Main(args []string, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "mcpd:", err)
		return 64
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil)).With("node", cfg.Name)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err = Run(ctx, cfg, log, stderr)
	if next := new(restartError); errors.As(err, next) {
		log.Warn(next.Error())
		err = reexec()
	}
	if err != nil {
		log.Error("node failed", "error", err)
		return 1
	}
	return 0
}

// reexec replaces this process's program with itself, so that the node starts again with
// nothing but its data. For the parent process, this one never ended.
func reexec() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("restart the program: %w", err)
	}
	return fmt.Errorf("restart the program: %w", syscall.Exec(self, os.Args, os.Environ()))
}
