package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const gssapiListeners = "listeners=SASL_PLAINTEXT://127.0.0.1:1,INSIDE://127.0.0.1:2\nlistener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,INSIDE:SASL_PLAINTEXT\n" +
	"sasl.enabled.mechanisms=GSSAPI,PLAIN\nlistener.name.inside.sasl.enabled.mechanisms=GSSAPI\n"

// krb5 is a log-in module with options.
func krb5(options string) string {
	return "com.sun.security.auth.module.Krb5LoginModule required " + options + ";"
}

func TestGSSAPIIsRead(t *testing.T) {
	shortForm := &GSSAPI{Keytab: "/k", Principal: "kafka/h@R", Rules: []string{"DEFAULT"}, ReloadInterval: 10 * time.Second}
	for name, test := range map[string]struct {
		text          string
		first, inside *GSSAPI
	}{
		"short form": {text: "chronik.sasl.gssapi.keytab=/k\nchronik.sasl.gssapi.principal=kafka/h@R", first: shortForm, inside: shortForm},
		"per listener": {
			text: "chronik.sasl.gssapi.keytab=/k\nsasl.kerberos.service.name=kafka\nchronik.sasl.gssapi.reload.interval.ms=-1\n" +
				"sasl.kerberos.principal.to.local.rules=RULE:[1:$1]/L , DEFAULT\nlistener.name.inside.sasl.kerberos.principal.to.local.rules=DEFAULT\n" +
				"listener.name.inside.sasl.kerberos.service.name=inner\nlistener.name.inside.chronik.sasl.kerberos.session.bound.to.ticket=FALSE\n" +
				"listener.name.inside.gssapi.sasl.jaas.config=" + krb5(`useKeyTab=true storeKey=true keyTab="FILE:/i" principal="inner/h@R" serviceName=inner debug=false`),
			first:  &GSSAPI{Keytab: "/k", Service: "kafka", Rules: []string{"RULE:[1:$1]/L", "DEFAULT"}, ReloadInterval: -time.Millisecond},
			inside: &GSSAPI{Keytab: "/i", Principal: "inner/h@R", Service: "inner", Rules: []string{"DEFAULT"}, OutliveTickets: true, ReloadInterval: -time.Millisecond},
		},
		"module for all": {
			text:   "gssapi.sasl.jaas.config=" + krb5(`useKeyTab=true keyTab="/k" principal="*" serviceName="kafka"`),
			first:  &GSSAPI{Keytab: "/k", Service: "kafka", Rules: []string{"DEFAULT"}, ReloadInterval: 10 * time.Second},
			inside: &GSSAPI{Keytab: "/k", Service: "kafka", Rules: []string{"DEFAULT"}, ReloadInterval: 10 * time.Second},
		},
	} {
		c, _, err := load(t, gssapiListeners+test.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff([]*GSSAPI{test.first, test.inside}, []*GSSAPI{c.Listeners[0].GSSAPI, c.Listeners[1].GSSAPI}); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

// TestKeytabWithoutGSSAPI: nobody finds out by failing log-ins that the mechanism is not enabled.
func TestKeytabWithoutGSSAPI(t *testing.T) {
	c, warnings, err := load(t, "listeners=SASL_PLAINTEXT://127.0.0.1:1\nchronik.sasl.gssapi.keytab=/k")
	if err != nil || c.Listeners[0].GSSAPI != nil {
		t.Fatal(c, err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0].Text, "chronik.sasl.gssapi.keytab has no effect on the listener SASL_PLAINTEXT") {
		t.Errorf("warnings %v", warnings)
	}
}

func TestBadGSSAPIIsRefused(t *testing.T) {
	const keytab = "chronik.sasl.gssapi.keytab=/k\n"
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"no keytab":       {"sasl.kerberos.service.name=kafka", []string{"SASL_PLAINTEXT", "INSIDE", "chronik.sasl.gssapi.keytab"}},
		"no service":      {keytab, []string{"sasl.kerberos.service.name", "chronik.sasl.gssapi.principal"}},
		"ticket cache":    {"gssapi.sasl.jaas.config=" + krb5(`useTicketCache=true principal="kafka/h@R"`), []string{"keytab, not a ticket", "useKeyTab=true"}},
		"keys not stored": {"gssapi.sasl.jaas.config=" + krb5(`useKeyTab=true storeKey=false keyTab="/k" principal="kafka/h@R"`), []string{"storeKey=true"}},
		"option":          {"gssapi.sasl.jaas.config=" + krb5(`useKeyTab=true keytab="/k" principal="kafka/h@R"`), []string{"no option keytab"}},
		"two services":    {"sasl.kerberos.service.name=kafka\ngssapi.sasl.jaas.config=" + krb5(`useKeyTab=true keyTab="/k" serviceName=broker`), []string{"broker", "sasl.kerberos.service.name=kafka"}},
		"another module":  {keytab + "gssapi.sasl.jaas.config=com.example.Module required;", []string{"only com.sun.security.auth.module.Krb5LoginModule is allowed"}},
	} {
		_, _, err := load(t, gssapiListeners+test.text)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in %v", name, want, err)
			}
		}
	}
}
