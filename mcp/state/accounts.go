package state

import (
	"fmt"
	"maps"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// accounts is the balance of each account. Transfers keep its total.
type accounts map[string]int64

// open opens a bank and reports whether it did: a bank that is open stays as it is.
func (d *data) open(o *api.OpenAccounts) (opened bool) {
	if _, known := d.Accounts[o.Bank]; known {
		return false
	}
	b := accounts{}
	for _, a := range o.Accounts {
		b[a] = o.Balance
	}
	d.Accounts[o.Bank] = b
	return true
}

// transfer moves money, or returns the reason why it does not. It decides here and not
// at the gateway, because only in the log's order is it known what an account holds.
func (d *data) transfer(t *api.Transfer) (done bool, reason string) {
	b, open := d.Accounts[t.Bank]
	if !open {
		return false, fmt.Sprintf("bank %s is not open", t.Bank)
	}
	for _, a := range []string{t.From, t.To} {
		if _, known := b[a]; !known {
			return false, fmt.Sprintf("bank %s has no account %s", t.Bank, a)
		}
	}
	if held := b[t.From]; held < t.Amount {
		return false, fmt.Sprintf("account %s holds %d, less than %d", t.From, held, t.Amount)
	}
	b[t.From] -= t.Amount
	b[t.To] += t.Amount
	return true, ""
}

// Balances returns the balance of each account of a bank, all at one instant, and the index
// as Read does. The map is empty when the bank is not open.
func (s *State) Balances(bank string) (balances map[string]int64, index uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(map[string]int64(s.d.Accounts[bank])), s.d.Index
}

func cloneBanks(banks map[string]accounts) map[string]accounts {
	out := make(map[string]accounts, len(banks))
	for name, b := range banks {
		out[name] = maps.Clone(b)
	}
	return out
}
