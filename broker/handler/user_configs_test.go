package handler

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestRevocationOfAPrincipal: the time is the broker's or one that is over, the principal need not have anything else, and it takes what a
// broker's configuration takes.
func TestRevocationOfAPrincipal(t *testing.T) {
	b := newConfigsBench(t)
	revoke := func(name, value string) alteration {
		return alteration{kind: userConfig, name: name, op: set, key: meta.RevokedBefore, value: value}
	}
	for _, c := range []struct {
		alteration
		want int16
	}{
		{revoke("User:CN=alice,O=\"a; b\"", "now"), wire.None},
		{revoke("User:bob", "1"), wire.None},
		{revoke("User:carol", "2"), wire.InvalidConfig}, // the call came at 1
		{revoke("User:carol", "0"), wire.InvalidConfig},
		{revoke("User:carol", "later"), wire.InvalidConfig},
		{revoke("carol", "now"), wire.InvalidRequest},
		{revoke("User:"+strings.Repeat("x", limit.PrincipalBytes), "now"), wire.InvalidRequest},
		{alteration{kind: userConfig, name: "User:carol", op: set, key: "retention.ms", value: "1"}, wire.InvalidConfig},
		{alteration{kind: userConfig, name: "User:carol", op: appendTo, key: meta.RevokedBefore, value: "1"}, wire.InvalidConfig},
		{alteration{kind: userConfig, name: "User:bob", op: remove, key: meta.RevokedBefore, null: true}, wire.None},
	} {
		if r := b.alter(t, c.alteration, false); r.ErrorCode != c.want {
			t.Errorf("%+v: %s", c.alteration, wire.CodeName(r.ErrorCode))
		}
	}
	shown, code := b.describe(t, userConfig, "User:CN=alice,O=\"a; b\"")
	if e := shown[meta.RevokedBefore]; code != wire.None || e.Value == nil || *e.Value != "1" || e.Documentation == nil {
		t.Errorf("%s: %+v", wire.CodeName(code), shown)
	}
	if shown, code := b.describe(t, userConfig, "User:bob"); code != wire.None || len(shown) != 0 {
		t.Errorf("a revocation that was taken back: %s, %+v", wire.CodeName(code), shown)
	}
	if _, code := b.describe(t, userConfig, "nobody"); code != wire.InvalidRequest {
		t.Errorf("no principal: %s", wire.CodeName(code))
	}
	listed := b.ask(t, &kmsg.ListConfigResourcesRequest{ResourceTypes: []int8{int8(userConfig)}}).(*kmsg.ListConfigResourcesResponse)
	if listed.ErrorCode != wire.None || len(listed.ConfigResources) != 1 || listed.ConfigResources[0].Name != "User:CN=alice,O=\"a; b\"" {
		t.Errorf("listed: %+v", listed)
	}
	for _, r := range b.ask(t, &kmsg.ListConfigResourcesRequest{}).(*kmsg.ListConfigResourcesResponse).ConfigResources {
		if r.Type == int8(userConfig) {
			t.Error("who asks for all is told of a type that he does not know")
		}
	}
	b.user = "alice"
	if r := b.alter(t, revoke("User:admin", "now"), false); r.ErrorCode != wire.ClusterAuthorizationFailed {
		t.Errorf("without a right to it: %s", wire.CodeName(r.ErrorCode))
	}
	if _, code := b.describe(t, userConfig, "User:admin"); code != wire.ClusterAuthorizationFailed {
		t.Errorf("without a right to it: %s", wire.CodeName(code))
	}
}

// TestUnlockingAUser: a lock-out can be lifted and not set, it is no property that stays, and it takes what a revocation takes.
func TestUnlockingAUser(t *testing.T) {
	b := newConfigsBench(t)
	unlock := func(name, value string) alteration {
		return alteration{kind: userConfig, name: name, op: set, key: meta.LoginLocked, value: value}
	}
	for _, c := range []struct {
		alteration
		want int16
	}{
		{unlock("User:alice", "false"), wire.None},
		{unlock("User:alice", "true"), wire.InvalidConfig},
		{unlock("Role:alice", "false"), wire.InvalidConfig},
		{alteration{kind: userConfig, name: "User:alice", op: remove, key: meta.LoginLocked, null: true}, wire.InvalidConfig},
	} {
		if r := b.alter(t, c.alteration, false); r.ErrorCode != c.want {
			t.Errorf("%+v: %s", c.alteration, wire.CodeName(r.ErrorCode))
		}
	}
	listed := b.ask(t, &kmsg.ListConfigResourcesRequest{ResourceTypes: []int8{int8(userConfig)}}).(*kmsg.ListConfigResourcesResponse)
	if listed.ErrorCode != wire.None || len(listed.ConfigResources) != 0 {
		t.Errorf("listed: %+v", listed)
	}
	b.user = "alice"
	if r := b.alter(t, unlock("User:alice", "false"), false); r.ErrorCode != wire.ClusterAuthorizationFailed {
		t.Errorf("without a right to it: %s", wire.CodeName(r.ErrorCode))
	}
}

// TestRevocationsAreNotReplaced: AlterConfigs replaces all that is said of a resource, and would take back a revocation that it does not name.
func TestRevocationsAreNotReplaced(t *testing.T) {
	b := newConfigsBench(t)
	if r := b.alter(t, alteration{kind: userConfig, name: "User:alice", op: set, key: meta.RevokedBefore, value: "1"}, false); r.ErrorCode != wire.None {
		t.Fatal(wire.CodeName(r.ErrorCode))
	}
	unlock := kmsg.AlterConfigsRequestResourceConfig{Name: meta.LoginLocked, Value: kmsg.StringPtr("false")}
	for _, configs := range [][]kmsg.AlterConfigsRequestResourceConfig{nil, {unlock}} {
		q := &kmsg.AlterConfigsRequest{Resources: []kmsg.AlterConfigsRequestResource{{ResourceType: userConfig, ResourceName: "User:alice", Configs: configs}}}
		if r := b.ask(t, q).(*kmsg.AlterConfigsResponse).Resources[0]; r.ErrorCode != wire.InvalidRequest {
			t.Errorf("%+v: %s", configs, wire.CodeName(r.ErrorCode))
		}
	}
	if shown, _ := b.describe(t, userConfig, "User:alice"); shown[meta.RevokedBefore].Value == nil {
		t.Error("the revocation is taken back")
	}
}
