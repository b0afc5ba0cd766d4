package protocoltest

import "github.com/mcp-resilience/holdfast/history"

// example shows what the kinds of operation on one object mean. It is done if the protocol has the kind.
type example struct {
	has   history.Kind
	steps []step
}

// step is an operation and what it must return.
type step struct {
	op      history.Op
	output  string
	applied bool
	set     []string
}

var examples = []example{
	{history.Write, []step{
		{op: history.Op{Kind: history.Read, Key: "r"}},
		{op: history.Op{Kind: history.Write, Key: "r", Value: "1"}},
		{op: history.Op{Kind: history.Read, Key: "r"}, output: "1"},
		{op: history.Op{Kind: history.Write, Key: "r", Value: "2"}},
		{op: history.Op{Kind: history.Read, Key: "r"}, output: "2"},
		{op: history.Op{Kind: history.Write, Key: "odd/%20 \"q'é{{x}}", Value: "3"}},
		{op: history.Op{Kind: history.Read, Key: "odd/%20 \"q'é{{x}}"}, output: "3"},
	}},
	{history.CAS, []step{
		{op: history.Op{Kind: history.CAS, Key: "c", Expect: "1", Value: "2"}},
		{op: history.Op{Kind: history.CAS, Key: "c", Expect: "", Value: "1"}, applied: true},
		{op: history.Op{Kind: history.CAS, Key: "c", Expect: "", Value: "9"}},
		{op: history.Op{Kind: history.CAS, Key: "c", Expect: "0", Value: "9"}},
		{op: history.Op{Kind: history.CAS, Key: "c", Expect: "1", Value: "2"}, applied: true},
		{op: history.Op{Kind: history.Read, Key: "c"}, output: "2"},
	}},
	{history.Add, []step{
		{op: history.Op{Kind: history.SetRead, Key: "s"}},
		{op: history.Op{Kind: history.Add, Key: "s", Value: "b"}},
		{op: history.Op{Kind: history.Add, Key: "s", Value: "a"}},
		{op: history.Op{Kind: history.Add, Key: "s", Value: "a"}},
		{op: history.Op{Kind: history.SetRead, Key: "s"}, set: []string{"a", "b"}},
	}},
	{history.Append, []step{
		{op: history.Op{Kind: history.ListRead, Key: "l"}},
		{op: history.Op{Kind: history.Append, Key: "l", Value: "b"}},
		{op: history.Op{Kind: history.Append, Key: "l", Value: "a"}},
		{op: history.Op{Kind: history.ListRead, Key: "l"}, set: []string{"b", "a"}},
		{op: history.Op{Kind: history.Put, Key: "l", Value: "c"}},
		{op: history.Op{Kind: history.ListRead, Key: "l"}, set: []string{"c"}},
	}},
	{history.Transfer, []step{
		{op: history.Op{Kind: history.Open, Key: "b", Set: []string{"x", "y"}, Amount: 10}},
		{op: history.Op{Kind: history.Transfer, Key: "b", From: "x", To: "y", Amount: 4}, applied: true},
		{op: history.Op{Kind: history.Transfer, Key: "b", From: "x", To: "y", Amount: 7}},
		{op: history.Op{Kind: history.Open, Key: "b", Set: []string{"x", "y"}, Amount: 10}}, // is open already
		{op: history.Op{Kind: history.Balances, Key: "b"}, set: []string{"x=6", "y=14"}},
	}},
	{history.Publish, []step{
		{op: history.Op{Kind: history.Publish, Key: "m", Value: "2"}},
		{op: history.Op{Kind: history.Publish, Key: "m", Value: "1"}},
		{op: history.Op{Kind: history.Messages, Key: "m"}, set: []string{"2", "1"}},
	}},
}
