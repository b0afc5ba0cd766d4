package state

import (
	"maps"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// SigningKey is the public half of a key that tokens are signed with.
type SigningKey struct {
	Node   string    `json:"node"`   // that signs with it
	Public []byte    `json:"public"` // Ed25519
	From   time.Time `json:"from"`   // it signs nothing before
	Until  time.Time `json:"until"`  // no token signed with it is valid for longer
}

// clockSlack is how much longer than needed a key or a revocation is kept. The state has no
// clock of its own, and the clocks of the nodes that propose may be wrong by this much.
const clockSlack = time.Minute

func (d *data) addKey(k *api.SigningKey) {
	d.expire(k.NowUnixMs)
	if _, known := d.Keys[k.Id]; !known { // a key never changes
		d.Keys[k.Id] = SigningKey{k.Node, k.Public, time.UnixMilli(k.FromUnixMs), time.UnixMilli(k.UntilUnixMs)}
	}
}

func (d *data) revoke(r *api.Revocation) {
	d.expire(r.NowUnixMs)
	d.Revoked[r.Session] = time.UnixMilli(r.UntilUnixMs)
}

// expire deletes the keys and revocations that no valid token can depend on any more.
func (d *data) expire(nowUnixMs int64) {
	since := time.UnixMilli(nowUnixMs).Add(-clockSlack)
	maps.DeleteFunc(d.Keys, func(_ string, k SigningKey) bool { return k.Until.Before(since) })
	maps.DeleteFunc(d.Revoked, func(_ string, until time.Time) bool { return until.Before(since) })
}

// Command makes the log entry that publishes the key. It has no id: it may be applied twice,
// and a user's mutation with the same id would suppress it.
func (k SigningKey) Command(id string, now time.Time) *api.Command {
	return &api.Command{Do: &api.Command_SigningKey{SigningKey: &api.SigningKey{
		Id: id, Node: k.Node, Public: k.Public,
		FromUnixMs: k.From.UnixMilli(), UntilUnixMs: k.Until.UnixMilli(), NowUnixMs: now.UnixMilli(),
	}}}
}

// SigningKey returns a published key.
func (s *State) SigningKey(id string) (k SigningKey, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, ok = s.d.Keys[id]
	return k, ok
}

// SigningKeys returns all published keys by id.
func (s *State) SigningKeys() map[string]SigningKey {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.d.Keys)
}

// Revoked reports whether a session has been revoked.
func (s *State) Revoked(session string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, revoked := s.d.Revoked[session]
	return revoked
}
