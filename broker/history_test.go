package broker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	franz "github.com/twmb/franz-go/pkg/sasl/scram"
)

// TestDeletedACLsTakeNoOthersAway is CVE-2024-27309: of several ACLs of one resource one is deleted, and the others hold, a DENY among
// them, before and after a restart.
func TestDeletedACLsTakeNoOthersAway(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	o := testOptions(t.TempDir())
	format(t, o)
	b := start(t, o)
	acl := func(allow, deny []string) *kadm.ACLBuilder {
		acls := kadm.NewACLs().Topics("orders").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpRead)
		if len(deny) > 0 {
			return acls.Deny(deny...).DenyHosts("*")
		}
		return acls.Allow(allow...).AllowHosts("*")
	}
	c := client(t, b)
	adm := kadm.NewClient(c)
	for _, made := range []*kadm.ACLBuilder{acl([]string{"User:alice"}, nil), acl([]string{"User:bob"}, nil), acl(nil, []string{"User:eve"})} {
		if results, err := adm.CreateACLs(ctx, made); err != nil || results[0].Err != nil {
			t.Fatalf("%v, %v", results, err)
		}
	}
	if results, err := adm.DeleteACLs(ctx, acl([]string{"User:alice"}, nil)); err != nil || len(results) != 1 || len(results[0].Deleted) != 1 {
		t.Fatalf("deleted: %+v, %v", results, err)
	}
	left := func(when string, adm *kadm.Client) {
		t.Helper()
		results, err := adm.DescribeACLs(ctx, kadm.NewACLs().AnyResource().ResourcePatternType(kadm.ACLPatternAny).
			Operations(kadm.OpAny).Allow().AllowHosts().Deny().DenyHosts())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, r := range results {
			for _, d := range r.Described {
				got[d.Permission.String()+" "+d.Principal] = true
			}
		}
		if len(got) != 2 || !got["ALLOW User:bob"] || !got["DENY User:eve"] {
			t.Errorf("%s: %v are left", when, got)
		}
	}
	left("at once", adm)
	c.Close()
	stop(t, b)
	b = start(t, o)
	defer stop(t, b)
	c = client(t, b)
	defer c.Close()
	left("after a restart", kadm.NewClient(c))
}

// TestNobodyIsThereByDefault: a cluster has the users that it was formatted with, and no others that everybody knows.
func TestNobodyIsThereByDefault(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	o := testOptions(t.TempDir())
	o.Logins.Most = time.Millisecond
	o.Listeners[0].Mechanisms = []string{"SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"}
	format(t, o)
	b := start(t, o)
	defer stop(t, b)
	address := b.Addr("SASL_PLAINTEXT").String()
	for _, known := range [][2]string{{"admin", "admin123"}, {"admin", "admin"}, {"admin", "password"}, {"kafka", "kafka"}, {"chronik", "chronik"}, {"root", "root"}} {
		user, password := known[0], known[1]
		for _, m := range []sasl.Mechanism{
			franz.Auth{User: user, Pass: password}.AsSha256Mechanism(), franz.Auth{User: user, Pass: password}.AsSha512Mechanism(),
			plain.Auth{User: user, Pass: password}.AsMechanism(),
		} {
			c, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.Dialer(toAddress(address)), kgo.SASL(m), kgo.RequestRetries(0))
			if err != nil {
				t.Fatal(err)
			}
			if err := cluster(ctx, c); !errors.Is(err, kerr.SaslAuthenticationFailed) {
				t.Errorf("%s with the password %s by %s: %v", user, password, m.Name(), err)
			}
			c.Close()
		}
	}
}
