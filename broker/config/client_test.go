package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const clientFile = `
# as chronik server --dev and Apache Kafka's documentation write it
bootstrap.servers=a:9094, b:9094
client.id=anything
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="admin" password="p\\"w=d";
ssl.truststore.type=PEM
ssl.truststore.location=/etc/ca.pem
ssl.enabled.protocols=TLSv1.3
`

func TestReadClient(t *testing.T) {
	c, err := ReadClient("client.properties", strings.NewReader(clientFile))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Bootstrap, []string{"a:9094", "b:9094"}) || c.Protocol != "SASL_SSL" || c.Mechanism != "SCRAM-SHA-512" ||
		c.User != "admin" || c.Password != `p"w=d` || c.TLS == nil || c.TLS.TrustStoreType != "PEM" || c.TLS.TrustStoreLocation != "/etc/ca.pem" {
		t.Errorf("%+v, TLS %+v", c, c.TLS)
	}
	if c, err = ReadClient("empty", strings.NewReader("")); err != nil || c.Protocol != "PLAINTEXT" || c.TLS != nil || c.Mechanism != "" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestReadClientRefuses(t *testing.T) {
	for name, change := range map[string][2]string{
		"no such protocol":        {"SASL_SSL", "TLS"},
		"a mechanism of others":   {"SCRAM-SHA-512", "OAUTHBEARER"},
		"another module":          {"scram.ScramLoginModule", "plain.PlainLoginModule"},
		"no module":               {"required", "certainly"},
		"no user":                 {"username", "name"},
		"a token":                 {"required username", "required tokenauth=true username"},
		"names are not verified":  {"ssl.enabled.protocols=TLSv1.3", "ssl.endpoint.identification.algorithm="},
		"what might weaken":       {"ssl.enabled.protocols", "ssl.engine.factory.class"},
		"a protocol by accident":  {"security.protocol", "security.protocl"},
		"a mechanism by accident": {"sasl.mechanism", "sasl.mechanisms"},
	} {
		text := strings.Replace(clientFile, change[0], change[1], 1)
		if _, err := ReadClient("file", strings.NewReader(text)); !errors.Is(err, ErrInvalid) || strings.Contains(err.Error(), "w=d") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
