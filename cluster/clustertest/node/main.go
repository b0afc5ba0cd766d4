// Command node is a testnode as a program of its own.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/mcp-resilience/holdfast/cluster/clustertest/testnode"
)

func main() {
	c := testnode.Config{Log: os.Stdout, Secret: os.Getenv("TEST_SECRET")}
	flag.StringVar(&c.Name, "name", "", "name of the node")
	flag.StringVar(&c.Host, "host", "", "address to bind")
	flag.StringVar(&c.Data, "data", "", "folder for data")
	flag.StringVar(&c.Hosts, "hosts", "", "hosts(5) `file`")
	exit := flag.Int("exit", 0, "exit at once with this `status`")
	stubborn := flag.Bool("stubborn", false, "take no notice of SIGTERM")
	flag.Parse()
	if *exit != 0 {
		fmt.Println("it was told to exit at once")
		os.Exit(*exit)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if *stubborn {
		signal.Ignore(syscall.SIGTERM)
		ctx = context.Background()
	}
	if err := testnode.Serve(ctx, c); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
