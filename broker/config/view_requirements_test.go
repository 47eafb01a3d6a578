package config

import (
	"strings"
	"testing"
)

func TestRequirementsOfListeners(t *testing.T) {
	const tls = "ssl.keystore.type=PEM\nssl.keystore.location=/x.pem\nssl.truststore.type=PEM\nssl.truststore.location=/x.pem\n"
	c := mustLoad(t, "listeners=SASL_SSL://:1,SSL://:2\n"+tls+"chronik.listener.require=pq\nlistener.name.sasl_ssl.chronik.listener.require=mtls,fips\nssl.client.auth=none")
	first, second := c.Listeners[0], c.Listeners[1]
	if first.Requires(RequirePostQuantum) || !first.Requires(RequireCertificate) || !first.Requires(RequireFIPS) || first.TLS.ClientAuth != "required" {
		t.Errorf("%v, client certificates %s", first.Require, first.TLS.ClientAuth)
	}
	if !second.Requires(RequirePostQuantum) || second.Requires(RequireCertificate) || second.TLS.ClientAuth != "none" {
		t.Errorf("%v, client certificates %s", second.Require, second.TLS.ClientAuth)
	}
	c = mustLoad(t, "listeners=SSL://:2\n"+tls, "CHRONIK_LISTENER_NAME_SSL_CHRONIK_LISTENER_REQUIRE=pq", "CHRONIK_FIPS_REQUIRED=true")
	if !c.Listeners[0].Requires(RequirePostQuantum) || !c.Security.FIPSRequired {
		t.Error("the environment is not heard")
	}
	for text, want := range map[string]string{
		loopback + "chronik.listener.require=pq":                                                                 "which has no TLS",
		loopback + "chronik.listener.require=mtls":                                                               "which has no TLS",
		loopback + "chronik.listener.require=tls":                                                                "pq, mtls, fips",
		"listeners=SSL://:2\nchronik.listener.require=pq\nssl.enabled.protocols=TLSv1.2\n" + tls:                 "needs TLSv1.3",
		"listeners=SSL://:2\nchronik.listener.require=mtls\nlistener.name.ssl.ssl.client.auth=requested\n" + tls: "ssl.client.auth=requested",
		"listeners=SSL://:2\nchronik.listener.require=mtls\nssl.keystore.type=PEM\nssl.keystore.location=/x.pem": "needs ssl.truststore",
	} {
		if _, _, err := load(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
