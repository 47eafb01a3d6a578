package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

func settings(l login) (*sarama.Config, error) {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Return.Successes, config.Consumer.Return.Errors = true, true
	if strings.HasPrefix(l.Protocol, "SASL_") {
		sasl(config, l)
	}
	if !strings.HasSuffix(l.Protocol, "SSL") {
		return config, nil
	}
	var err error
	config.Net.TLS.Enable = true
	if config.Net.TLS.Config, err = secured(l); err != nil {
		return nil, fmt.Errorf("TLS of %s: %w", l.Name, err)
	}
	return config, nil
}

func sasl(config *sarama.Config, l login) {
	s := &config.Net.SASL
	s.Enable, s.Mechanism, s.User, s.Password = true, sarama.SASLMechanism(l.Mechanism), l.User, l.Password
	switch s.Mechanism {
	case sarama.SASLTypeSCRAMSHA256:
		s.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: scram.SHA256} }
	case sarama.SASLTypeSCRAMSHA512:
		s.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: scram.SHA512} }
	case sarama.SASLTypeOAuth:
		s.TokenProvider = given(l.Token)
	case sarama.SASLTypeGSSAPI:
		s.GSSAPI = sarama.GSSAPIConfig{
			AuthType: sarama.KRB5_KEYTAB_AUTH, KeyTabPath: l.Keytab, KerberosConfigPath: l.Kerberos,
			ServiceName: "kafka", Username: l.User, Realm: l.Realm, DisablePAFXFAST: true,
		}
	}
}

func secured(l login) (*tls.Config, error) {
	pem, err := os.ReadFile(l.CA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + l.CA)
	}
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if l.Certificate == "" {
		return config, nil
	}
	pair, err := tls.LoadX509KeyPair(l.Certificate, l.Key)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// given is a token that is there.
type given string

func (g given) Token() (*sarama.AccessToken, error) {
	return &sarama.AccessToken{Token: string(g)}, nil
}

// scramClient is the SCRAM that Sarama leaves to its user.
type scramClient struct {
	hash         scram.HashGeneratorFcn
	conversation *scram.ClientConversation
}

func (c *scramClient) Begin(user, password, authzID string) error {
	client, err := c.hash.NewClient(user, password, authzID)
	if err != nil {
		return fmt.Errorf("SCRAM of %s: %w", user, err)
	}
	c.conversation = client.NewConversation()
	return nil
}

func (c *scramClient) Step(challenge string) (string, error) { return c.conversation.Step(challenge) }

func (c *scramClient) Done() bool { return c.conversation.Done() }
