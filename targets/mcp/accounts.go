package mcp

import (
	"context"
	"fmt"
	"slices"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/client"
)

// accounts performs one operation on accounts.
func (u *user) accounts(ctx context.Context, op history.Op) history.Op {
	switch op.Kind {
	case history.Open:
		r, err := u.OpenBank(ctx, client.NewID(), &api.OpenAccounts{Bank: op.Key, Accounts: op.Set, Balance: op.Amount})
		if err != nil {
			return mutationFailed(op, err)
		}
		return acknowledged(op, r.Origin)
	case history.Transfer:
		r, err := u.Transfer(ctx, client.NewID(), &api.Transfer{Bank: op.Key, From: op.From, To: op.To, Amount: op.Amount})
		if err != nil {
			return mutationFailed(op, err)
		}
		op.Applied = r.Done
		return acknowledged(op, r.Origin)
	default:
		r, err := u.Balances(ctx, op.Key, consistency(op))
		return resultOfBalances(op, r, err)
	}
}

func resultOfBalances(op history.Op, r *api.BalancesReply, err error) history.Op {
	if err != nil {
		return failed(op, err)
	}
	for account, held := range r.Balances {
		op.Set = append(op.Set, fmt.Sprintf("%s=%d", account, held))
	}
	slices.Sort(op.Set)
	return acknowledged(op, r.Origin)
}
