package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPolicyKeys(t *testing.T) {
	if p := mustLoad(t, loopback).Policies; p.Mode != ModeACL || p.Dir != "" || p.Timeout != 50*time.Millisecond {
		t.Errorf("defaults %+v", p)
	}
	p := mustLoad(t, loopback+"chronik.authorizer.mode=acl+opa\nchronik.policies.dir=/p\nchronik.policies.builtins.allow=http.send, rand.intn").Policies
	if p.Mode != ModeBoth || p.Dir != "/p" || !slices.Equal(p.Builtins, []string{"http.send", "rand.intn"}) || p.CacheEntries != 65536 {
		t.Errorf("%+v", p)
	}
	for text, want := range map[string]string{
		"chronik.policies.digest=" + strings.Repeat("a", 64):                                   "chronik policy require",
		"chronik.authorizer.mode=both":                                                         "acl+opa",
		"chronik.authorizer.mode=opa":                                                          "needs chronik.policies.dir",
		"chronik.policies.dir=/p":                                                              "no effect",
		"chronik.authorizer.mode=opa\nchronik.policies.bundle=/b":                              "have to be signed",
		"chronik.authorizer.mode=opa\nchronik.policies.dir=/p\nchronik.policies.bundle.key=/k": "have to be signed",
		"chronik.authorizer.mode=opa\nchronik.policies.dir=/p\nchronik.policies.bundle=/b\nchronik.policies.bundle.key=/k": "one of them",
		"chronik.authorizer.mode=shadow\nchronik.policies.dir=/p\nchronik.acl.enabled=false\nchronik.allow.insecure=true":  "allows everything",
		"chronik.authorizer.mode=opa\nchronik.policies.dir=/p\nchronik.policies.timeout.ms=0":                              "chronik.policies.timeout.ms",
	} {
		if _, _, err := load(t, loopback+text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestADigestIsWrittenInOneWay(t *testing.T) {
	k := NewTable().Key(BrokerScope, PoliciesDigest)
	good := strings.Repeat("0af9", 16)
	if got, err := k.Parse(" " + good); err != nil || got != good {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "0", good + "00", good[2:], strings.ToUpper(good), strings.Repeat("0xag", 16), "sha256:" + good[7:]} {
		if _, err := k.Parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
