package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
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
	listener := devListener(l.options.Listeners)
	clients := devClients{dir: dir, bootstrap: advertised(listener), mechanism: devMechanism(listener.Mechanisms), ca: paths.CA, password: password}
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

// devListener is the one that the client files are for: the first SASL_SSL listener, or the first at all.
func devListener(listeners []broker.Listener) *broker.Listener {
	for i := range listeners {
		if listeners[i].Protocol == "SASL_SSL" {
			return &listeners[i]
		}
	}
	return &listeners[0]
}

func advertised(l *broker.Listener) string {
	return net.JoinHostPort(l.AdvertisedHost, strconv.Itoa(int(l.AdvertisedPort)))
}

// devMechanism is what the client files log in by: the best one with a password, which need not be there.
func devMechanism(enabled []string) string {
	for _, m := range []string{"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"} {
		if slices.Contains(enabled, m) {
			return m
		}
	}
	return "SCRAM-SHA-512"
}

// devClients are the client settings of a development broker.
type devClients struct {
	dir, bootstrap, mechanism, ca, password string
}

func (d devClients) javaFile() string { return filepath.Join(d.dir, "client.properties") }
func (d devClients) kcatFile() string { return filepath.Join(d.dir, "kcat.conf") }

func (d devClients) write() error {
	module := "scram.ScramLoginModule"
	if d.mechanism == "PLAIN" {
		module = "plain.PlainLoginModule"
	}
	java := fmt.Sprintf(`bootstrap.servers=%s
security.protocol=SASL_SSL
sasl.mechanism=%s
sasl.jaas.config=org.apache.kafka.common.security.%s required username="%s" password="%s";
ssl.truststore.type=PEM
ssl.truststore.location=%s
`, d.bootstrap, d.mechanism, module, devUser, d.password, d.ca)
	kcat := fmt.Sprintf(`bootstrap.servers=%s
security.protocol=SASL_SSL
sasl.mechanisms=%s
sasl.username=%s
sasl.password=%s
ssl.ca.location=%s
`, d.bootstrap, d.mechanism, devUser, d.password, d.ca)
	if err := errors.Join(writeWhole(d.javaFile(), java), writeWhole(d.kcatFile(), kcat)); err != nil {
		return fmt.Errorf("write the client settings: %w", err)
	}
	return nil
}

// text is what a newcomer reads. The password stays in the files.
func (d devClients) text(o broker.Options) string {
	var t strings.Builder
	l := devListener(o.Listeners)
	fmt.Fprintf(&t, "\nChronik serves on %s (%s; user %q, whose password is in the files below)\n\n", d.bootstrap,
		strings.Join(append([]string{l.Protocol}, l.Mechanisms...), ", "), devUser)
	if !slices.Contains(l.Mechanisms, d.mechanism) {
		fmt.Fprintf(&t, "  The files below log in by %s, which this listener does not have: they want another sasl.mechanism.\n\n", d.mechanism)
	}
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
