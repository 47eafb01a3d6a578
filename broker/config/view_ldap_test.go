package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLDAPIsRead(t *testing.T) {
	const (
		listeners = "listeners=SASL_PLAINTEXT://127.0.0.1:1,INSIDE://127.0.0.1:2,OTHER://127.0.0.1:3\nsasl.enabled.mechanisms=PLAIN\nlistener.name.other.sasl.enabled.mechanisms=SCRAM-SHA-512\n" +
			"listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,INSIDE:SASL_PLAINTEXT,OTHER:SASL_PLAINTEXT\n"
		general = "chronik.sasl.plain.ldap.url=ldaps://a\nchronik.sasl.plain.ldap.search.base=dc=a\nchronik.sasl.plain.ldap.search.filter=(uid=%s)\nchronik.sasl.plain.ldap.bind.dn=cn=b\n" +
			"chronik.sasl.plain.ldap.bind.password=secret\nchronik.sasl.plain.ldap.cache.ms=1000\n"
	)
	first := &LDAP{
		URL: "ldaps://a", StartTLS: true, SearchBase: "dc=a", SearchFilter: "(uid=%s)", BindDN: "cn=b", BindPassword: "secret",
		GroupsAttribute: "memberOf", Timeout: 5 * time.Second, Remember: time.Second,
	}
	inside := *first
	inside.URL, inside.StartTLS, inside.GroupsAttribute = "ldap://127.0.0.1", false, ""
	const own = "listener.name.inside.chronik.sasl.plain.ldap."
	for name, test := range map[string]struct {
		text string
		want []*LDAP
	}{
		"general":      {general, []*LDAP{first, first, nil}},
		"per listener": {general + own + "url=ldap://127.0.0.1\n" + own + "starttls=false\n" + own + "groups.attribute=", []*LDAP{first, &inside, nil}},
		"not for one":  {general + own + "url=\nlistener.name.inside.plain.sasl.jaas.config=" + plainModule + ` required user_a="b";`, []*LDAP{first, nil, nil}},
	} {
		c, warnings, err := load(t, listeners+test.text)
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, %v", name, warnings, err)
			continue
		}
		if diff := cmp.Diff(test.want, []*LDAP{c.Listeners[0].LDAP, c.Listeners[1].LDAP, c.Listeners[2].LDAP}); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	for _, second := range []string{"chronik.sasl.plain.users.file=/users", "listener.name.inside.plain.sasl.jaas.config=" + plainModule + ` required user_a="b";`} {
		if _, _, err := load(t, listeners+general+second); err == nil || !strings.Contains(err.Error(), "one is allowed") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", second, err)
		}
	}
}
