package client

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// OpenBank opens a bank whose accounts all begin with the same balance. A bank that is
// open already stays as it is. For the id see Write.
func (c *Client) OpenBank(ctx context.Context, id string, open *api.OpenAccounts) (r *api.OpenReply, err error) {
	err = c.call(ctx, "open "+open.Bank, func(ctx context.Context, to grpc.ClientConnInterface) error {
		r, err = api.NewAccountsClient(to).Open(ctx, &api.OpenRequest{Id: id, Open: open})
		return err
	})
	return r, err
}

// Transfer moves money between two accounts. The reply says whether it was done. For the id see Write.
func (c *Client) Transfer(ctx context.Context, id string, t *api.Transfer) (r *api.TransferReply, err error) {
	op := fmt.Sprintf("transfer %d from %s to %s of %s", t.Amount, t.From, t.To, t.Bank)
	err = c.call(ctx, op, func(ctx context.Context, to grpc.ClientConnInterface) error {
		r, err = api.NewAccountsClient(to).Transfer(ctx, &api.TransferRequest{Id: id, Transfer: t})
		return err
	})
	return r, err
}

// Balances returns what each account of a bank holds, all at one instant.
func (c *Client) Balances(ctx context.Context, bank string, how Consistency) (r *api.BalancesReply, err error) {
	err = c.call(ctx, "balances of "+bank, func(ctx context.Context, to grpc.ClientConnInterface) error {
		r, err = api.NewAccountsClient(to).Balances(ctx, &api.BalancesRequest{Bank: bank, Consistency: how})
		return err
	})
	return r, err
}
