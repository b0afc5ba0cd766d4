package node_test

import "github.com/mcp-resilience/holdfast/mcp/api"

func members(set string) *api.MembersRequest { return &api.MembersRequest{Set: set} }

func read(key string) *api.ReadRequest { return &api.ReadRequest{Key: key} }

func stale(key string) *api.ReadRequest {
	return &api.ReadRequest{Key: key, Consistency: api.Consistency_STALE}
}

func cas(id, key, expect, value string) *api.CompareAndSetRequest {
	return &api.CompareAndSetRequest{Id: id, Key: key, Expect: expect, Value: value}
}
