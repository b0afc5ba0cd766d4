package accounts_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/accounts"
	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/index"
)

// The final reads of a bank show 17 more on one account than the acknowledged transfers left there.
func ExampleCheck() {
	bank := checktest.NewBank(200)
	bank.Held["a03"] += 17
	run, err := index.New(bank.Finish(), checktest.SLO)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range accounts.Check(run) {
		fmt.Println(f.Check, f.Verdict)
	}
	// Output: accounts fail
}
