// Command mcpd is a node of the reference platform; see mcp/node.
package main

import (
	"os"

	"github.com/mcp-resilience/holdfast/mcp/node"
)

func main() { os.Exit(node.Main(os.Args[1:], os.Stderr)) }
