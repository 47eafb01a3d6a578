package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/broker"
	"github.com/chronik-stream/chronik/broker/meta"
	certsdev "github.com/chronik-stream/chronik/certs-dev"
)

// devUser is the administrator of a development broker.
const devUser = "admin"

// runDev makes what is missing in dir and runs a broker on it.
func runDev(ctx context.Context, cmd *cobra.Command, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("development directory %s: %w", dir, err)
	}
	paths, err := certsdev.Ensure(dir, certsdev.Options{})
	if err != nil {
		return err
	}
	password, err := devPassword(dir)
	if err != nil {
		return err
	}
	l, err := load("", devProperties(dir, paths), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := devFormat(ctx, l, password); err != nil {
		return err
	}
	clients := devClients{dir: dir, bootstrap: devBootstrap(l.options.Listeners), ca: paths.CA, password: password}
	if err := clients.write(); err != nil {
		return err
	}
	return run(ctx, l, func() { cmd.Print(clients.text(l.options)) })
}

// devProperties is the configuration of a development broker; the environment overrides it.
func devProperties(dir string, paths *certsdev.Paths) map[string]string {
	return map[string]string{
		"node.id":                 "1",
		"listeners":               "SASL_SSL://localhost:9094",
		"log.dirs":                filepath.Join(dir, "data"),
		"sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
		"ssl.keystore.type":       "PEM",
		"ssl.keystore.location":   paths.ServerKeyStore,
		"ssl.truststore.type":     "PEM",
		"ssl.truststore.location": paths.CA,
		"super.users":             "User:" + devUser,
	}
}

// devPassword reads the administrator's password, or draws one. It is kept before the broker is formatted with it.
func devPassword(dir string) (string, error) {
	path := filepath.Join(dir, "admin.password")
	raw, err := os.ReadFile(path) //nolint:gosec // in the directory that the user names
	if err == nil {
		return strings.TrimSpace(string(raw)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the administrator's password: %w", err)
	}
	password := rand.Text()
	if err := writeWhole(path, password+"\n"); err != nil {
		return "", fmt.Errorf("keep the administrator's password: %w", err)
	}
	return password, nil
}

// writeWhole replaces a file, readable by its owner alone.
func writeWhole(path, text string) error {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // in the directory that the user names
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// devFormat formats a directory that is not formatted yet, with the administrator as its first user.
func devFormat(ctx context.Context, l *loaded, password string) error {
	var users []meta.ScramCredential
	for _, hash := range []scram.Hash{scram.SHA256, scram.SHA512} {
		c, err := scram.Derive(password, scram.NewSalt(), scram.DefaultIterations, hash)
		if err != nil {
			return err
		}
		users = append(users, metaCredential(devUser, c))
	}
	_, err := broker.Format(ctx, broker.FormatOptions{
		NodeID: l.options.NodeID, LogDirs: l.options.LogDirs, MetadataDir: l.options.MetadataDir, Features: l.options.Features, Users: users, Logger: l.options.Logger,
	})
	if errors.Is(err, broker.ErrFormatted) {
		return nil
	}
	return err
}

// devBootstrap is the advertised address that the client files name: of the first SASL_SSL listener, or of the first at all.
func devBootstrap(listeners []broker.Listener) string {
	best := listeners[0]
	for _, l := range listeners {
		if l.Protocol == "SASL_SSL" {
			best = l
			break
		}
	}
	return net.JoinHostPort(best.AdvertisedHost, strconv.Itoa(int(best.AdvertisedPort)))
}

// devClients are the client settings of a development broker.
type devClients struct {
	dir, bootstrap, ca, password string
}

func (d devClients) javaFile() string { return filepath.Join(d.dir, "client.properties") }
func (d devClients) kcatFile() string { return filepath.Join(d.dir, "kcat.conf") }

func (d devClients) write() error {
	java := fmt.Sprintf(`bootstrap.servers=%s
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="%s" password="%s";
ssl.truststore.type=PEM
ssl.truststore.location=%s
`, d.bootstrap, devUser, d.password, d.ca)
	kcat := fmt.Sprintf(`bootstrap.servers=%s
security.protocol=SASL_SSL
sasl.mechanisms=SCRAM-SHA-512
sasl.username=%s
sasl.password=%s
ssl.ca.location=%s
`, d.bootstrap, devUser, d.password, d.ca)
	if err := errors.Join(writeWhole(d.javaFile(), java), writeWhole(d.kcatFile(), kcat)); err != nil {
		return fmt.Errorf("write the client settings: %w", err)
	}
	return nil
}

// text is what a newcomer reads. The password stays in the files.
func (d devClients) text(o broker.Options) string {
	var t strings.Builder
	fmt.Fprintf(&t, "\nChronik serves on %s (SASL_SSL; user %q, PLAIN and SCRAM; its password is in the files below)\n\n", d.bootstrap, devUser)
	fmt.Fprintf(&t, "  Java, Kafka's tools   --bootstrap-server %s --command-config %s\n", d.bootstrap, d.javaFile())
	fmt.Fprintf(&t, "  kcat                  kcat -F %s -L\n", d.kcatFile())
	fmt.Fprintf(&t, "  other clients         CA: %s, client certificate: %s, key: %s\n", d.ca,
		filepath.Join(d.dir, "client.pem"), filepath.Join(d.dir, "client.key"))
	if o.HTTPListen != "" {
		fmt.Fprintf(&t, "  metrics, health       http://%s/metrics /healthz /readyz\n", o.HTTPListen)
	}
	t.WriteString("\n")
	return t.String()
}
