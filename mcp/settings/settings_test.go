package settings_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/settings"
)

func (p *platform) client(name string) api.SettingsClient {
	p.t.Helper()
	conn, err := p.pool.To(name)
	if err != nil {
		p.t.Fatal(err)
	}
	return api.NewSettingsClient(conn)
}

func TestPutGetDelete(t *testing.T) {
	p := newPlatform(t, "a")
	c := p.client("a")
	ctx := t.Context()
	get := func(how api.Consistency, want *api.SettingReply) {
		t.Helper()
		got, err := c.Get(ctx, &api.SettingGet{Key: "x", Consistency: how})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("get (-want +got):\n%s", diff)
		}
	}
	get(api.Consistency_LINEARIZABLE, &api.SettingReply{Origin: &api.Origin{Node: "a", Term: 1}})
	if r, err := c.Put(ctx, &api.SettingPut{Id: "1", Key: "x", Value: "v"}); err != nil || r.Origin.Revision != 1 || r.Origin.Node != "leader" {
		t.Fatalf("put: %v, %v", r, err)
	}
	x := &api.Setting{Key: "x", Value: "v", Revision: 1}
	get(api.Consistency_LINEARIZABLE, &api.SettingReply{Setting: x, Origin: &api.Origin{Node: "a", Term: 1, Revision: 1}})
	get(api.Consistency_STALE, &api.SettingReply{Setting: x, Origin: &api.Origin{Node: "a", Term: 1, Revision: 1, Stale: true}})
	if _, err := c.Delete(ctx, &api.SettingDelete{Id: "2", Key: "x"}); err != nil {
		t.Fatal(err)
	}
	get(api.Consistency_LINEARIZABLE, &api.SettingReply{Origin: &api.Origin{Node: "a", Term: 1, Revision: 2}})
}

// A refusal proves that nothing happened, and says what to do.
func TestRefusals(t *testing.T) {
	p := newPlatform(t, "a", "b")
	p.servers["b"].IsConfigServer = false
	ctx := t.Context()
	for name, c := range map[string]struct {
		do   func() error
		code codes.Code
	}{
		"no id":                       {func() error { _, err := p.client("a").Put(ctx, &api.SettingPut{Key: "x"}); return err }, codes.InvalidArgument},
		"no key":                      {func() error { _, err := p.client("a").Delete(ctx, &api.SettingDelete{Id: "1"}); return err }, codes.InvalidArgument},
		"there is no leader":          {func() error { _, err := p.client("a").Put(ctx, &api.SettingPut{Id: "1", Key: "refuse"}); return err }, codes.Unavailable},
		"put, at no config server":    {func() error { _, err := p.client("b").Put(ctx, &api.SettingPut{Id: "1", Key: "x"}); return err }, codes.FailedPrecondition},
		"delete, at no config server": {func() error { _, err := p.client("b").Delete(ctx, &api.SettingDelete{Id: "1", Key: "x"}); return err }, codes.FailedPrecondition},
		"list, at no config server":   {func() error { _, err := p.client("b").List(ctx, &api.SettingList{}); return err }, codes.FailedPrecondition},
		"watch, at no config server": {func() error {
			s, err := p.client("b").Watch(ctx, &api.SettingWatch{})
			if err == nil {
				_, err = s.Recv()
			}
			return err
		}, codes.FailedPrecondition},
	} {
		if err := c.do(); status.Code(err) != c.code || !api.Refused(err) {
			t.Errorf("%s: %v, want a refusal with %s", name, err, c.code)
		}
	}
	if p.index != 0 {
		t.Errorf("refused calls made %d changes", p.index)
	}
}

func TestListIsMarkedStaleWithoutALeader(t *testing.T) {
	p := newPlatform(t, "a")
	p.put("gateway/rate", "1")
	p.put("dns/ttl", "2")
	for _, cut := range []bool{false, true} {
		p.servers["a"].cut.Store(cut)
		got, err := p.client("a").List(t.Context(), &api.SettingList{Prefix: "gateway/"})
		if err != nil {
			t.Fatal(err)
		}
		want := &api.SettingListReply{
			Settings: []*api.Setting{{Key: "gateway/rate", Value: "1", Revision: 1}},
			Origin:   &api.Origin{Node: "a", Term: 1, Revision: 2, Stale: cut},
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("cut off %v (-want +got):\n%s", cut, diff)
		}
	}
}

// A node with a copy answers Get from the copy, and a linearizable read waits until the copy
// is fresh.
func TestGetAnswersFromTheLocalCopy(t *testing.T) {
	p := newPlatform(t, "a")
	p.put("x", "of the log")
	held := &fixed{setting: &api.Setting{Key: "x", Value: "of the copy", Revision: 1}, revision: 1}
	p.servers["a"].LocalCopy = func() settings.Copy { return held }
	got, err := p.client("a").Get(t.Context(), &api.SettingGet{Key: "x"})
	if err != nil || got.Setting.Value != "of the copy" || got.Origin.Revision != 1 {
		t.Errorf("got %v, %v; want the copy's", got, err)
	}
	p.put("x", "later")
	if got, err := p.client("a").Get(t.Context(), &api.SettingGet{Key: "x"}); status.Code(err) != codes.Unavailable {
		t.Errorf("got %v, %v of a copy that lags behind", got, err)
	}
}

type fixed struct {
	setting  *api.Setting
	revision uint64
}

func (f *fixed) Get(string) (*api.Setting, uint64) { return f.setting, f.revision }

func (f *fixed) Wait(ctx context.Context, revision uint64) error {
	if f.revision >= revision {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}
