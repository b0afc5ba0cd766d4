package gateway

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// AccountsServer serves api.Accounts.
type AccountsServer struct {
	api.UnimplementedAccountsServer
	KV *KVServer
}

// Open opens a bank unless it is open.
func (a *AccountsServer) Open(ctx context.Context, r *api.OpenRequest) (*api.OpenReply, error) {
	o := r.GetOpen()
	if err := a.refuseInvalid(validateOpen(o)); err != nil {
		return nil, err
	}
	applied, origin, err := a.KV.submit(ctx, r.Id, o.Bank, &api.Command{Do: &api.Command_OpenAccounts{OpenAccounts: o}})
	if err != nil {
		return nil, err
	}
	return &api.OpenReply{Origin: origin, Opened: applied.Swapped}, nil
}

// validateOpen returns what is wrong with a request to open a bank, or "".
func validateOpen(o *api.OpenAccounts) string {
	if len(o.GetAccounts()) == 0 {
		return "a bank needs accounts"
	}
	if o.Balance < 0 {
		return fmt.Sprintf("a balance of %d is below 0", o.Balance)
	}
	seen := map[string]bool{}
	for _, name := range o.Accounts {
		if name == "" || seen[name] {
			return fmt.Sprintf("account name %q is empty or occurs twice", name)
		}
		seen[name] = true
	}
	return ""
}

// Transfer moves money between two accounts of a bank, or returns why it did not.
func (a *AccountsServer) Transfer(ctx context.Context, r *api.TransferRequest) (*api.TransferReply, error) {
	t := r.GetTransfer()
	var wrong string
	switch {
	case t.GetAmount() <= 0:
		wrong = fmt.Sprintf("a transfer of %d moves nothing: the amount must be above 0", t.GetAmount())
	case t.From == t.To:
		wrong = fmt.Sprintf("a transfer from %q to itself moves nothing", t.From)
	}
	if err := a.refuseInvalid(wrong); err != nil {
		return nil, err
	}
	applied, origin, err := a.KV.submit(ctx, r.Id, t.Bank, &api.Command{Do: &api.Command_Transfer{Transfer: t}})
	if err != nil {
		return nil, err
	}
	return &api.TransferReply{Origin: origin, Done: applied.Swapped, Reason: applied.Reason, Duplicate: applied.Duplicate}, nil
}

// Balances returns what each account of a bank holds, all at one instant.
func (a *AccountsServer) Balances(ctx context.Context, r *api.BalancesRequest) (*api.BalancesReply, error) {
	origin, err := a.KV.awaitFresh(ctx, r.Consistency)
	if err != nil {
		return nil, err
	}
	var balances map[string]int64
	balances, origin.Revision = a.KV.Store.State().Balances(r.Bank)
	return &api.BalancesReply{Balances: balances, Origin: origin}, nil
}

func (a *AccountsServer) refuseInvalid(wrong string) error {
	if wrong == "" {
		return nil
	}
	return api.Refuse(codes.InvalidArgument, a.KV.Gateway.Name, "", wrong)
}
