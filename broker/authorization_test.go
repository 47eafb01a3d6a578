package broker

import (
	"log/slog"
	"testing"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/config"
)

func options(t *testing.T, values map[string]string) Options {
	t.Helper()
	base := map[string]string{"listeners": "SASL_PLAINTEXT://127.0.0.1:0", "log.dirs": t.TempDir(), "chronik.http.listen": ""}
	c, _, err := config.Load(config.FromMap("test", base), config.FromMap("test", values))
	if err != nil {
		t.Fatal(err)
	}
	o, err := FromConfig(c, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestACLsAreOnUnlessTurnedOff(t *testing.T) {
	if o := options(t, nil); o.ACLsOff || o.AllowIfNoACL {
		t.Error("a configuration that says nothing of ACLs turns them off")
	}
	if o := options(t, map[string]string{"chronik.acl.enabled": "false", "chronik.allow.insecure": "true"}); !o.ACLsOff {
		t.Error("chronik.acl.enabled=false keeps ACLs on")
	}
	who := authz.Subject{Principal: auth.User("anyone"), Host: "10.0.0.1"}
	if !(open{}).Decide(who, authz.Alter, authz.TheCluster()).Allowed || !(open{}).DecideAny(who, authz.Write, authz.Topic).Allowed {
		t.Error("with ACLs off something is denied")
	}
}

func TestSuperUsersAreParsed(t *testing.T) {
	o := options(t, map[string]string{"super.users": "User:a;User:CN=b,O=c"})
	if len(o.SuperUsers) != 2 || o.SuperUsers[1] != auth.User("CN=b,O=c") {
		t.Errorf("super users %v", o.SuperUsers)
	}
}
