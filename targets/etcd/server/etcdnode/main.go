// Command etcdnode is etcd as its authors release it, in a module of its own so
// that its dependencies stay out of holdfast's.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
