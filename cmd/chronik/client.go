package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/tls"
)

// clientTimeout bounds what a command asks of a broker.
const clientTimeout = 30 * time.Second

// errNoBroker says that nobody was told where the broker is.
var errNoBroker = errors.New("--bootstrap-server is missing, and so is bootstrap.servers in the file of --command-config")

// brokerFlags are how Apache Kafka's tools are told where a broker is and who they are.
type brokerFlags struct{ bootstrap, file string }

func (f *brokerFlags) on(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.bootstrap, "bootstrap-server", "", "the broker's address, host:port; that of the file when left out")
	flags.StringVar(&f.file, "command-config", "", "a properties file as Apache Kafka's clients have: security.protocol, sasl.*, ssl.*")
}

// connect returns a client for a few requests. The caller closes it.
func (f *brokerFlags) connect(settings *config.Client) (*kgo.Client, error) {
	seeds := settings.Bootstrap
	if f.bootstrap != "" {
		seeds = config.SplitList(f.bootstrap)
	}
	if len(seeds) == 0 {
		return nil, errNoBroker
	}
	options := []kgo.Opt{kgo.SeedBrokers(seeds...), kgo.ClientID("chronik"), kgo.RequestRetries(2), kgo.RetryTimeout(clientTimeout)}
	if settings.TLS != nil {
		o, err := dialTLS(settings.TLS)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.file, err)
		}
		options = append(options, o)
	}
	if settings.Mechanism != "" {
		options = append(options, kgo.SASL(mechanismFor(settings)))
	}
	return kgo.NewClient(options...)
}

func (f *brokerFlags) read() (*config.Client, error) {
	if f.file == "" {
		return config.ReadClient("no file", strings.NewReader(""))
	}
	file, err := os.Open(f.file)
	if err != nil {
		return nil, fmt.Errorf("read the client's settings: %w", err)
	}
	defer func() { _ = file.Close() }()
	return config.ReadClient(f.file, file)
}

func dialTLS(t *config.TLS) (kgo.Opt, error) {
	trust := tls.TrustStore{
		Type: cmp.Or(t.TrustStoreType, tls.DefaultStoreType), Location: t.TrustStoreLocation, Password: t.TrustStorePassword,
		Certificates: t.TrustedCertificates,
	}
	if t.KeyStoreLocation == "" && t.Key == "" && t.CertificateChain == "" {
		c, err := trust.ClientConfig()
		return kgo.DialTLSConfig(c), err
	}
	c, err := trust.ClientConfigWith(tls.KeyStore{
		Type: cmp.Or(t.KeyStoreType, tls.DefaultStoreType), Location: t.KeyStoreLocation, Password: t.KeyStorePassword, KeyPassword: t.KeyPassword,
		Key: t.Key, CertificateChain: t.CertificateChain,
	})
	return kgo.DialTLSConfig(c), err
}

func mechanismFor(c *config.Client) sasl.Mechanism {
	switch c.Mechanism {
	case "SCRAM-SHA-256":
		return scram.Auth{User: c.User, Pass: c.Password}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: c.User, Pass: c.Password}.AsSha512Mechanism()
	default:
		return plain.Auth{User: c.User, Pass: c.Password}.AsMechanism()
	}
}

// withBroker runs something with a client and what it was told, within the time that a command may take.
func (f *brokerFlags) withBroker(ctx context.Context, run func(context.Context, *kgo.Client, *config.Client) error) error {
	settings, err := f.read()
	if err != nil {
		return err
	}
	client, err := f.connect(settings)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	return run(ctx, client, settings)
}
