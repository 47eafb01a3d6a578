//go:build interop

package interop

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/auth/ldap"
	"github.com/chronik-stream/chronik/test/harness"
	"github.com/chronik-stream/chronik/tls"
)

const (
	alicePassword = "alice's own password"
	people        = "ou=people," + harness.DirectoryBase
	byTemplate    = "uid=%s," + people
	aliceGroup    = "cn=alice,ou=groups," + harness.DirectoryBase
)

func startDirectory(t *testing.T) *harness.Directory {
	t.Helper()
	return harness.StartDirectory(t, map[string]string{"alice": alicePassword, "bob": "bob's own password", "locked": "locked's own password"})
}

// directories are the ways to ask one, by ldaps:// and by StartTLS.
func directories(t *testing.T, d *harness.Directory) map[string]ldap.Config {
	t.Helper()
	trust, err := tls.TrustStore{Type: "PEM", Location: d.CA}.ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	template := ldap.Config{
		URL: "ldaps://" + d.Secure, StartTLS: true, TLS: trust, BindTemplate: byTemplate, GroupsAttribute: "memberOf", Timeout: 10 * time.Second,
	}
	search := template
	search.URL, search.BindTemplate, search.SearchBase, search.SearchFilter = "ldap://"+d.Plain, "", harness.DirectoryBase, "(&(objectClass=person)(uid=%s))"
	search.BindDN, search.BindPassword = "cn=searcher,"+harness.DirectoryBase, harness.SearcherPassword
	return map[string]ldap.Config{"template": template, "search": search}
}

func open(t *testing.T, cfg ldap.Config) *ldap.Directory {
	t.Helper()
	d, err := ldap.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); d.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return d
}

// TestDirectoryDecides asks OpenLDAP about right passwords, wrong ones, and names that are made to be another's.
func TestDirectoryDecides(t *testing.T) {
	t.Parallel()
	server := startDirectory(t)
	server.Add(t, "dn: uid=double,"+people+"\nobjectClass: inetOrgPerson\ncn: double\nsn: double\nuid: double\nuid: twin\nuserPassword: double's own password\n")
	for name, cfg := range directories(t, server) {
		d := open(t, cfg)
		for range 2 {
			outcome, err := d.Authenticate(t.Context(), "alice", alicePassword)
			if err != nil || outcome.Principal != auth.User("alice") || !slices.Equal(outcome.Groups, []string{aliceGroup}) {
				t.Fatalf("%s: %+v, %v", name, outcome, err)
			}
		}
		for user, password := range map[string]string{
			"nobody": alicePassword, "*": alicePassword, "*)(uid=*": alicePassword, "alice)(uid=alice": alicePassword, "uid=alice," + people: alicePassword,
			"alice,ou=people": alicePassword, "alice\x00": alicePassword, "alice\x00bob": alicePassword, "": alicePassword, "alice+cn=alice": alicePassword,
			"ALICE": alicePassword, " alice": alicePassword, "alice ": alicePassword, `\61lice`: alicePassword, `ali\63e`: alicePassword, "#616c696365": alicePassword,
			"double": "double's own password", "twin": "double's own password", "searcher": harness.SearcherPassword,
			"alice": "", "bob": alicePassword,
		} {
			outcome, err := d.Authenticate(t.Context(), user, password)
			if outcome != nil || !errors.Is(err, auth.ErrUnknownUser) && !errors.Is(err, auth.ErrBadCredential) || errors.Is(err, auth.ErrUndecided) {
				t.Errorf("%s: %q: %+v, %v", name, user, outcome, err)
			}
			if err != nil && strings.Contains(err.Error(), alicePassword) {
				t.Errorf("%s: the error holds the password: %v", name, err)
			}
		}
	}
}

// TestDirectoryLocks: what the directory refuses after three wrong passwords is refused, though the password is right.
func TestDirectoryLocks(t *testing.T) {
	t.Parallel()
	d := open(t, directories(t, startDirectory(t))["search"])
	for range 3 {
		if _, err := d.Authenticate(t.Context(), "locked", "wrong"); !errors.Is(err, auth.ErrBadCredential) {
			t.Fatal(err)
		}
	}
	if outcome, err := d.Authenticate(t.Context(), "locked", "locked's own password"); outcome != nil || !errors.Is(err, auth.ErrBadCredential) {
		t.Errorf("a locked user: %+v, %v", outcome, err)
	}
}

// TestDirectoryThatIsGone decides nothing, and is asked again when it is back; what is remembered holds meanwhile.
func TestDirectoryThatIsGone(t *testing.T) {
	t.Parallel()
	server := startDirectory(t)
	for name, cfg := range directories(t, server) {
		forgetful := open(t, cfg)
		cfg.Remember = time.Hour
		remembering := open(t, cfg)
		login := func(d *ldap.Directory, user string) error {
			_, err := d.Authenticate(t.Context(), user, user+"'s own password")
			return err
		}
		for _, d := range []*ldap.Directory{forgetful, remembering} {
			if err := login(d, "alice"); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		server.Stop()
		if err := login(forgetful, "alice"); !errors.Is(err, auth.ErrUndecided) {
			t.Errorf("%s: %v", name, err)
		}
		if err := login(remembering, "alice"); err != nil {
			t.Errorf("%s, remembered: %v", name, err)
		}
		if err := login(remembering, "bob"); !errors.Is(err, auth.ErrUndecided) {
			t.Errorf("%s, not remembered: %v", name, err)
		}
		server.Launch(t)
		if err := login(forgetful, "alice"); err != nil {
			t.Errorf("%s, back: %v", name, err)
		}
	}
}

// TestDirectoryIsVerified: no password goes to a directory whose certificate is of another name or by another authority, and a searcher who
// can not bind decides nothing.
func TestDirectoryIsVerified(t *testing.T) {
	t.Parallel()
	server := startDirectory(t)
	undecided := func(name string, cfg ldap.Config) {
		if outcome, err := open(t, cfg).Authenticate(t.Context(), "alice", alicePassword); outcome != nil || !errors.Is(err, auth.ErrUndecided) {
			t.Errorf("%s: %+v, %v", name, outcome, err)
		}
	}
	for name, cfg := range directories(t, server) {
		named := cfg
		named.URL = strings.Replace(cfg.URL, "127.0.0.1", "localhost", 1)
		undecided(name+", another name", named)
		cfg.TLS = &tls.ClientConfig{}
		undecided(name+", the system's authorities", cfg)
	}
	cfg := directories(t, server)["search"]
	cfg.BindPassword = "wrong"
	undecided("a searcher with a wrong password", cfg)
}

// TestPlainAsksTheDirectory logs Java, confluent-kafka and kcat in by PLAIN. No password is in a log line or an audit event.
func TestPlainAsksTheDirectory(t *testing.T) {
	t.Parallel()
	server := startDirectory(t)
	const own = "CHRONIK_LISTENER_NAME_SASL_SSL_CHRONIK_SASL_PLAIN_LDAP_"
	b := harness.Start(t, "CHRONIK_SASL_ENABLED_MECHANISMS=PLAIN,SCRAM-SHA-512,SCRAM-SHA-256", "CHRONIK_SUPER_USERS=User:admin;User:alice",
		own+"URL=ldap://"+server.Plain, own+"CA="+server.CA, own+"SEARCH_BASE="+harness.DirectoryBase, own+"SEARCH_FILTER=(uid=%s)",
		own+"BIND_DN=cn=searcher,"+harness.DirectoryBase, own+"BIND_PASSWORD="+harness.SearcherPassword)
	createTopic(t, b, "directory", 1)
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.Properties(t, "PLAIN", "alice", alicePassword), "directory", "2", "java")
	harness.Python(t, "confluent.py", "produce", b.Bootstrap(), b.CA(), "PLAIN", "alice", alicePassword, "directory", "2", "confluent")
	kcat := func(user, password string) []string {
		return []string{
			"-b", b.Bootstrap(), "-X", "security.protocol=SASL_SSL", "-X", "ssl.ca.location=" + b.CA(), "-X", "sasl.mechanism=PLAIN",
			"-X", "sasl.username=" + user, "-X", "sasl.password=" + password,
		}
	}
	got := kcatConsume(t, kcat("alice", alicePassword), "directory", 4)
	if want := []string{"confluent-0", "confluent-1", "java-0", "java-1"}; !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("kcat read %v", got)
	}
	var refused sync.WaitGroup // kcat tries until its time is over
	for user, password := range map[string]string{"alice": "a wrong password", "*)(uid=*": alicePassword, "uid=alice," + people: alicePassword, "admin": alicePassword} {
		refused.Go(func() {
			if out, err := harness.TryCommand(t, "", "kcat", append(kcat(user, password), "-L", "-m", "5")...); err == nil || !strings.Contains(out, publicFailure) {
				t.Errorf("%q: %v\n%s", user, err, out)
			}
		})
	}
	refused.Wait()
	contains(t, scrape(t, b), `chronik_ldap_up{listener="SASL_SSL"} 1`, `chronik_ldap_failures_total{listener="SASL_SSL"} 0`)
	user, password := b.Admin(t)
	audited := harness.Command(t, "", "kcat", "-b", b.Bootstrap(), "-X", "security.protocol=SASL_SSL", "-X", "ssl.ca.location="+b.CA(),
		"-X", "sasl.mechanism=SCRAM-SHA-512", "-X", "sasl.username="+user, "-X", "sasl.password="+password, "-C", "-q", "-t", "__audit_log", "-o", "beginning", "-e")
	contains(t, audited, "User:alice", aliceGroup, "uid=alice,"+people)
	for _, secret := range []string{alicePassword, "a wrong password", harness.SearcherPassword} {
		if strings.Contains(audited, secret) || strings.Contains(b.Log(), secret) || strings.Contains(scrape(t, b), secret) {
			t.Errorf("%q is in the audit log, the log or the metrics", secret)
		}
	}
}
