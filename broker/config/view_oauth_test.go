package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	oauthListeners = "listeners=SASL_PLAINTEXT://127.0.0.1:1,INSIDE://127.0.0.1:2\nlistener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,INSIDE:SASL_PLAINTEXT\n" +
		"sasl.enabled.mechanisms=OAUTHBEARER\n"
	oauthGeneral = "sasl.oauthbearer.jwks.endpoint.url=https://issuer/keys\nsasl.oauthbearer.expected.issuer=https://issuer\nsasl.oauthbearer.expected.audience=a, b\n"
)

// bearer is a log-in module with options, without a token endpoint (KAFKA-21143: a server that only serves needs none).
func bearer(options string) string {
	return "oauthbearer.sasl.jaas.config=" + oauthModule + " required " + options + ";\n"
}

func TestOAuthIsRead(t *testing.T) {
	general := OAuth{
		KeysURL: "https://issuer/keys", Refresh: time.Hour, Backoff: 100 * time.Millisecond, BackoffMax: 10 * time.Second,
		TrustStore: TrustStore{Type: "JKS"}, Issuer: "https://issuer", Audiences: []string{"a", "b"},
		SubjectClaim: "sub", ScopeClaim: "scope", GroupsClaim: "groups", Skew: 30 * time.Second,
	}
	inside := general
	inside.KeysURL, inside.Issuer, inside.Audiences, inside.SubjectClaim, inside.Skew = "file:/keys", "", nil, "azp", 0
	inside.AnyIssuer, inside.AnyAudience, inside.GroupsClaim, inside.ScopeClaim = true, true, "roles", "scp"
	inside.TrustStore = TrustStore{Type: "PEM", Location: "/ca.pem"}
	const prefix = "listener.name.inside.oauthbearer."
	for name, test := range map[string]struct {
		text          string
		first, inside OAuth
	}{
		"general": {oauthGeneral, general, general},
		"per listener and mechanism": {
			oauthGeneral + prefix + "sasl.oauthbearer.jwks.endpoint.url=file:/keys\n" + prefix + "sasl.oauthbearer.expected.issuer=\n" +
				"listener.name.inside.sasl.oauthbearer.expected.audience=\n" + prefix + "sasl.oauthbearer.allow.unverified.issuer=true\n" +
				prefix + "sasl.oauthbearer.allow.unverified.audience=true\n" + prefix + "sasl.oauthbearer.sub.claim.name=azp\n" +
				"listener.name.inside.sasl.oauthbearer.sub.claim.name=other\n" + prefix + "sasl.oauthbearer.clock.skew.seconds=0\n" +
				prefix + "sasl.oauthbearer.scope.claim.name=scp\n" + prefix + "chronik.sasl.oauthbearer.groups.claim.name=roles\n" +
				prefix + callbackHandler + "=" + signedHandler + "\n" +
				"listener.name.inside." + bearer(`ssl.truststore.type=pem ssl.truststore.location="/ca.pem" clientId=x clientSecret="y" unsecuredLoginStringClaim_sub=z extension_a=b`),
			general, inside,
		},
	} {
		c, warnings, err := load(t, oauthListeners+test.text)
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, %v", name, warnings, err)
			continue
		}
		if diff := cmp.Diff([]*OAuth{&test.first, &test.inside}, []*OAuth{c.Listeners[0].OAuth, c.Listeners[1].OAuth}); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestUnsecuredTokensAreRead(t *testing.T) {
	c, _, err := load(t, oauthListeners+"chronik.allow.insecure=true\n"+
		bearer(`unsecuredValidatorPrincipalClaimName="name" unsecuredValidatorRequiredScope="a  b" unsecuredValidatorAllowableClockSkewMs="3000"`)+
		"listener.name.inside.oauthbearer."+callbackHandler+"="+unsecuredHandler+"\nlistener.name.inside."+bearer(""))
	if err != nil {
		t.Fatal(err)
	}
	want := []*UnsecuredTokens{
		{PrincipalClaim: "name", ScopeClaim: "scope", RequiredScope: []string{"a", "b"}, Skew: 3 * time.Second},
		{PrincipalClaim: "sub", ScopeClaim: "scope", RequiredScope: []string{}},
	}
	if diff := cmp.Diff(want, []*UnsecuredTokens{c.Listeners[0].OAuth.Unsecured, c.Listeners[1].OAuth.Unsecured}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestOAuthThatWouldBeOpenIsRefused(t *testing.T) {
	const insecure = "chronik.allow.insecure=true\n"
	without := func(key string) string {
		lines := strings.SplitAfter(oauthGeneral, "\n")
		return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, key) }), "")
	}
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"nothing":             {"", []string{"sasl.oauthbearer.jwks.endpoint.url", "sasl.oauthbearer.expected.issuer", "sasl.oauthbearer.expected.audience", "INSIDE"}},
		"no keys":             {without("sasl.oauthbearer.jwks"), []string{"jwks.endpoint.url: without the issuer's keys"}},
		"no issuer":           {without("sasl.oauthbearer.expected.issuer"), []string{"allow.unverified.issuer=true"}},
		"no audience":         {without("sasl.oauthbearer.expected.audience"), []string{"allow.unverified.audience=true"}},
		"no keys, any issuer": {"sasl.oauthbearer.allow.unverified.issuer=true\nsasl.oauthbearer.allow.unverified.audience=true\n", []string{"jwks.endpoint.url"}},
		"unsecured":           {bearer("unsecuredValidatorPrincipalClaimName=sub"), []string{"nobody has signed", "chronik.allow.insecure=true"}},
		"unsecured handler":   {"oauthbearer." + callbackHandler + "=" + unsecuredHandler, []string{"nobody has signed"}},
		"unsecured with keys": {insecure + oauthGeneral + bearer("unsecuredValidatorPrincipalClaimName=sub"), []string{"one is allowed"}},
		"both":                {insecure + oauthGeneral + "oauthbearer." + callbackHandler + "=" + signedHandler + "\n" + bearer("unsecuredValidatorScopeClaimName=s"), []string{"checks signed tokens"}},
		"skew":                {insecure + bearer("unsecuredValidatorAllowableClockSkewMs=x"), []string{"no number of milliseconds"}},
		"another handler":     {oauthGeneral + "oauthbearer." + callbackHandler + "=com.example.Handler", []string{"com.example.Handler", unsecuredHandler}},
		"another validator":   {oauthGeneral + "sasl.oauthbearer.jwt.validator.class=com.example.Any", []string{"com.example.Any", "BrokerJwtValidator"}},
		"handler for all":     {oauthGeneral + callbackHandler + "=" + signedHandler, []string{callbackHandler}},
		"handler for PLAIN":   {oauthGeneral + "listener.name.inside.plain." + callbackHandler + "=" + signedHandler, []string{"plain." + callbackHandler}},
		"option":              {oauthGeneral + bearer("unsecuredValidatorPrincipal=sub"), []string{"unsecuredValidatorPrincipal"}},
		"TLS option":          {oauthGeneral + bearer("ssl.endpoint.identification.algorithm=''"), []string{"ssl.endpoint.identification.algorithm"}},
		"empty claim":         {oauthGeneral + "sasl.oauthbearer.sub.claim.name=", []string{"name of a claim is empty"}},
		"pauses":              {oauthGeneral + "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms=20000", []string{"below the first pause"}},
		"skew below 0":        {oauthGeneral + "sasl.oauthbearer.clock.skew.seconds=-1", []string{"at least"}},
	} {
		_, _, err := load(t, oauthListeners+test.text)
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
	everywhere := strings.Replace(oauthListeners, "INSIDE://127.0.0.1:2", "INSIDE://0.0.0.0:2", 1)
	if _, _, err := load(t, everywhere+insecure+bearer("unsecuredValidatorPrincipalClaimName=sub")); err == nil || !strings.Contains(err.Error(), "loopback alone") {
		t.Errorf("unsecured tokens for everybody: %v", err)
	}
}

func TestOAuthOfAnotherListenerDoesNotCount(t *testing.T) {
	c, _, err := load(t, "listeners=SASL_PLAINTEXT://127.0.0.1:1\n")
	if err != nil || c.Listeners[0].OAuth != nil {
		t.Errorf("%v", err)
	}
	name := "CHRONIK_LISTENER_NAME_SASL_PLAINTEXT_OAUTHBEARER_SASL_OAUTHBEARER_JWKS_ENDPOINT_URL"
	if got := EnvironmentName("listener.name.sasl_plaintext.oauthbearer.sasl.oauthbearer.jwks.endpoint.url"); got != name {
		t.Errorf("%s", got)
	}
}
