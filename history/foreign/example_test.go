package foreign_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mcp-resilience/holdfast/history/foreign"
)

// A history of Jepsen: each operation is invoked, and completes.
func ExampleRead() {
	dir, err := os.MkdirTemp("", "holdfast-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "history.edn")
	edn := "{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :ok, :f :write, :value 1}\n"
	if err := os.WriteFile(path, []byte(edn), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	h, err := foreign.Read(path, foreign.Register)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Format, len(h.Ops), h.Ops[0].Kind, h.Ops[0].Value, h.Ops[0].Outcome)
	// Output: edn 1 write 1 ok
}
