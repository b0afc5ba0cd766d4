// Command idle does nothing until it is killed: the bare container to compare with.
package main

import "time"

func main() { time.Sleep(time.Hour) }
