package redis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/failover"
	"github.com/mcp-resilience/holdfast/targets/protocols/wire"
)

// client is one simulated user.
type client struct {
	protocol
	pool *failover.Pool[*wire.Conn]
}

// Do sends the operation's command once.
func (c *client) Do(ctx context.Context, op history.Op) history.Op {
	command := c.command(op)
	if command == nil {
		return protocols.Unsupported(op, Name)
	}
	request := encode(nil, command)
	wait := c.settings.Wait != nil && op.Kind.Class() == history.Writes
	if wait {
		timeout := strconv.FormatInt(c.settings.Wait.Timeout.Milliseconds(), 10)
		request = encode(request, []string{"WAIT", strconv.Itoa(c.settings.Wait.Replicas), timeout})
	}
	err := c.pool.Use(ctx, func(via protocols.Endpoint, conn *wire.Conn) error {
		var got, count reply
		sent, err := conn.Exchange(ctx, request, func(in *bufio.Reader) (err error) {
			if got, err = decode(in); err == nil && wait {
				count, err = decode(in)
			}
			return err
		})
		switch {
		case err != nil && !sent:
			op = protocols.NotSent(op, err)
			return err
		case err != nil:
			op = protocols.NoProof(op, via, err)
			return err
		}
		op, err = outcome(op, via, got)
		if wait && op.Outcome == history.OK && !unchanged(op) {
			op = c.settings.Wait.confirm(op, via, count)
		}
		return err
	})
	if err != nil {
		return protocols.NotSent(op, err)
	}
	return op
}

// unchanged says that an operation was answered and wrote nothing.
func unchanged(op history.Op) bool {
	return (op.Kind == history.CAS || op.Kind == history.Transfer) && !op.Applied
}

// confirm makes of an acknowledged write one of unknown outcome unless enough replicas have it.
func (w *Wait) confirm(op history.Op, via protocols.Endpoint, count reply) history.Op {
	n, err := strconv.Atoi(count.text)
	switch {
	case count.kind != integerReply || err != nil:
		err = fmt.Errorf("WAIT is answered by %q", count.String())
	case n < w.Replicas:
		err = fmt.Errorf("%d of %d replicas have confirmed the write in time", n, w.Replicas)
	default:
		return op
	}
	op.Applied, op.Node = false, ""
	return protocols.NoProof(op, via, err)
}

// outcome is what an answer means. The error says that the connection is of no more use.
func outcome(op history.Op, via protocols.Endpoint, got reply) (history.Op, error) {
	if got.kind == errorReply {
		err := serverError(got.text)
		if !err.provesNoEffect() {
			return protocols.NoProof(op, via, err), nil
		}
		if err.notServing() {
			return protocols.Rejected(op, via, err), failover.Down{Err: err}
		}
		return protocols.Rejected(op, via, err), nil
	}
	unexpected := func() (history.Op, error) {
		err := fmt.Errorf("%s is answered by a reply of type %q", op.Kind, got.kind)
		return protocols.NoProof(op, via, err), err
	}
	switch op.Kind {
	case history.Read:
		if got.kind != bulkReply && got.kind != nilReply {
			return unexpected()
		}
		op.Output = got.text
	case history.SetRead, history.ListRead, history.Balances:
		if got.kind != arrayReply || op.Kind == history.Balances && len(got.items)%2 != 0 {
			return unexpected()
		}
		op.Set = elements(op.Kind, got.items)
	case history.CAS, history.Transfer:
		if got.kind != integerReply {
			return unexpected()
		}
		op.Applied = got.text == "1"
	case history.Write:
		if got.kind != statusReply {
			return unexpected()
		}
	default:
		if got.kind != integerReply {
			return unexpected()
		}
	}
	return protocols.Acknowledged(op, via), nil
}

func elements(k history.Kind, items []reply) []string {
	out := make([]string, 0, len(items))
	for i := 0; i < len(items); i++ {
		e := items[i].text
		if k == history.Balances {
			i++
			e += "=" + items[i].text
		}
		out = append(out, e)
	}
	return out
}

// rejections are the codes of errors that are given before anything of a command is carried out. See the package comment.
var rejections = []string{
	"READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN", "MOVED", "ASK", "TRYAGAIN", "CROSSSLOT",
	"OOM", "MISCONF", "BUSY", "NOAUTH", "NOPERM", "WRONGPASS", "WRONGTYPE",
}

// provesNoEffect says whether the command was rejected before it was carried out.
func (e serverError) provesNoEffect() bool {
	return slices.Contains(rejections, e.code()) ||
		strings.HasPrefix(string(e), "ERR unknown command") || strings.HasPrefix(string(e), "ERR wrong number of arguments")
}

// notServing says whether another server may serve.
func (e serverError) notServing() bool {
	return slices.Contains([]string{"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "MOVED", "ASK"}, e.code())
}

// Close ends the client.
func (c *client) Close() error { return c.pool.Close() }

// reader is a client of one node that writes nothing.
type reader struct{ *client }

// Do sends a read.
func (r reader) Do(ctx context.Context, op history.Op) history.Op {
	if op.Kind.Class() != history.Reads {
		return protocols.RefuseWrite(op)
	}
	return r.client.Do(ctx, op)
}

var errNoSentinel = errors.New("no Sentinel has named the primary")
