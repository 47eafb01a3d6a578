package config

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Client is what the commands that talk to a broker take from a file for Apache Kafka's clients, client.properties.
type Client struct {
	// Bootstrap is bootstrap.servers.
	Bootstrap []string
	// Protocol is security.protocol.
	Protocol string
	// Mechanism is sasl.mechanism, User and Password are those of sasl.jaas.config; "" without SASL.
	Mechanism, User, Password string
	// TLS has the stores; nil where the protocol has no TLS. Its types are "" where nothing is set, and then JKS.
	TLS *TLS
}

// clientMechanisms are those that the commands speak, with the log-in modules of their JAAS configuration.
var clientMechanisms = map[string]string{"PLAIN": plainModule, "SCRAM-SHA-256": scramModule, "SCRAM-SHA-512": scramModule}

// clientKeys are the security settings that are understood. Any other is an error where ignoring it might weaken the client.
var clientKeys = []string{
	"security.protocol", "sasl.mechanism", "sasl.jaas.config", "ssl.truststore.type", "ssl.truststore.location", "ssl.truststore.password",
	"ssl.truststore.certificates", "ssl.keystore.type", "ssl.keystore.location", "ssl.keystore.password", "ssl.keystore.key",
	"ssl.keystore.certificate.chain", "ssl.key.password", "ssl.endpoint.identification.algorithm",
}

// harmlessClientKeys are security settings that may be left out of account: the commands speak TLS 1.2 and 1.3 with strong suites.
var harmlessClientKeys = []string{
	"ssl.protocol", "ssl.enabled.protocols", "ssl.cipher.suites", "ssl.provider", "ssl.secure.random.implementation", "ssl.keymanager.algorithm",
	"ssl.trustmanager.algorithm", "sasl.client.callback.handler.class", "security.providers",
}

// ReadClient reads properties in the form of Apache Kafka's clients. Keys that have nothing to do with security are ignored. name is
// for messages, which hold no values.
func ReadClient(name string, r io.Reader) (*Client, error) {
	source, err := FromProperties(name, r)
	if err != nil {
		return nil, err
	}
	v := source.values
	for key := range v {
		secures := strings.HasPrefix(key, "ssl.") || strings.HasPrefix(key, "sasl.") || strings.HasPrefix(key, "security.")
		if secures && !slices.Contains(clientKeys, key) && !slices.Contains(harmlessClientKeys, key) &&
			!strings.HasPrefix(key, "sasl.login.") && !strings.HasPrefix(key, "sasl.kerberos.") {
			return nil, fmt.Errorf("%w: %s: %s is not understood", ErrInvalid, name, key)
		}
	}
	c := &Client{Bootstrap: SplitList(v["bootstrap.servers"]), Protocol: strings.ToUpper(v["security.protocol"])}
	if c.Protocol == "" {
		c.Protocol = "PLAINTEXT"
	}
	switch c.Protocol {
	case "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL":
	default:
		return nil, fmt.Errorf("%w: %s: security.protocol has to be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL", ErrInvalid, name)
	}
	if strings.HasSuffix(c.Protocol, "SSL") {
		if c.TLS, err = clientTLS(v); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
		}
	}
	if strings.HasPrefix(c.Protocol, "SASL") {
		if err := c.logIn(v); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
		}
	}
	return c, nil
}

func clientTLS(v map[string]string) (*TLS, error) {
	if algorithm, set := v["ssl.endpoint.identification.algorithm"]; set && !strings.EqualFold(algorithm, "https") {
		return nil, fmt.Errorf("ssl.endpoint.identification.algorithm has to be https: the broker's name is always verified")
	}
	return &TLS{
		TrustStoreType: strings.ToUpper(v["ssl.truststore.type"]), TrustStoreLocation: v["ssl.truststore.location"],
		TrustStorePassword: v["ssl.truststore.password"], TrustedCertificates: v["ssl.truststore.certificates"],
		KeyStoreType: strings.ToUpper(v["ssl.keystore.type"]), KeyStoreLocation: v["ssl.keystore.location"],
		KeyStorePassword: v["ssl.keystore.password"], KeyPassword: v["ssl.key.password"],
		Key: v["ssl.keystore.key"], CertificateChain: v["ssl.keystore.certificate.chain"],
	}, nil
}

// logIn reads the mechanism, the user and the password.
func (c *Client) logIn(v map[string]string) error {
	c.Mechanism = v["sasl.mechanism"]
	module, known := clientMechanisms[c.Mechanism]
	if !known {
		return fmt.Errorf("sasl.mechanism has to be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 for this command")
	}
	m, err := parseJAAS(v["sasl.jaas.config"])
	switch {
	case err != nil:
		return fmt.Errorf("sasl.jaas.config can not be read: %w", err)
	case m.class != module:
		return fmt.Errorf("sasl.jaas.config has to name %s", module)
	case m.options["tokenauth"] != "":
		return fmt.Errorf("sasl.jaas.config: tokenauth is not understood by this command")
	}
	c.User, c.Password = m.options["username"], m.options["password"]
	if c.User == "" || c.Password == "" {
		return fmt.Errorf("sasl.jaas.config has no username or no password")
	}
	return nil
}
