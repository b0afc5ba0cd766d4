// Command holdfast runs chaos drills against a replicated system and judges
// them: did service come back in time, and was nothing acknowledged lost. It
// parses, prints and exits; the work is in harness.
package main

import "os"

func main() { os.Exit(Main(os.Args[1:])) }
