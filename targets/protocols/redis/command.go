package redis

import (
	"strconv"

	"github.com/mcp-resilience/holdfast/history"
)

// Scripts are carried out without anything in between, and replicated by their effects. Each checks what it
// needs before its first write.
const (
	casScript = `local now = redis.call('GET', KEYS[1])
if (now or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`

	putScript = `redis.call('DEL', KEYS[1])
return redis.call('RPUSH', KEYS[1], ARGV[1])`

	openScript = `if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
for i = 2, #ARGV do redis.call('HSET', KEYS[1], ARGV[i], ARGV[1]) end
return 1`

	transferScript = `local from, to = redis.call('HGET', KEYS[1], ARGV[1]), redis.call('HGET', KEYS[1], ARGV[2])
if not from or not to or tonumber(from) < tonumber(ARGV[3]) then return 0 end
redis.call('HINCRBY', KEYS[1], ARGV[1], -tonumber(ARGV[3]))
redis.call('HINCRBY', KEYS[1], ARGV[2], ARGV[3])
return 1`
)

// command is how an operation is said, or nil. Keys of each type of data have a prefix of their own.
func (p protocol) command(op history.Op) []string {
	key := func(of string) string { return p.settings.Prefix + of + ":" + op.Key }
	switch op.Kind {
	case history.Read:
		return []string{"GET", key("register")}
	case history.Write:
		return []string{"SET", key("register"), op.Value}
	case history.CAS:
		return []string{"EVAL", casScript, "1", key("register"), op.Expect, op.Value}
	case history.Add:
		return []string{"SADD", key("set"), op.Value}
	case history.SetRead:
		return []string{"SMEMBERS", key("set")}
	case history.Append:
		return []string{"RPUSH", key("list"), op.Value}
	case history.Put:
		return []string{"EVAL", putScript, "1", key("list"), op.Value}
	case history.ListRead:
		return []string{"LRANGE", key("list"), "0", "-1"}
	case history.Open:
		return append([]string{"EVAL", openScript, "1", key("bank"), strconv.FormatInt(op.Amount, 10)}, op.Set...)
	case history.Transfer:
		return []string{"EVAL", transferScript, "1", key("bank"), op.From, op.To, strconv.FormatInt(op.Amount, 10)}
	case history.Balances:
		return []string{"HGETALL", key("bank")}
	}
	return nil
}
