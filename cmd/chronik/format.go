package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chronik-stream/chronik/auth/password"
	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/broker"
	"github.com/chronik-stream/chronik/broker/meta"
)

// maxUserLines caps what is read from a file of users or from standard input, in bytes.
const maxUserLines = 1 << 20

// newFormat prepares data directories, as kafka-storage format does.
func newFormat() *cobra.Command {
	var config, clusterID, usersFile string
	var users, features []string
	cmd := &cobra.Command{
		Use:   "format --config FILE [--add-scram 'SCRAM-SHA-512=[name=NAME,password=PASSWORD]']",
		Short: "Prepare the data directories of a new broker",
		Long: `Prepares the directories of log.dirs: the metadata log with the cluster's id and the first users.
Users are given as kafka-storage takes them: MECHANISM=[name=NAME,password=PASSWORD,iterations=N,salt=BASE64].
A password on a command line is seen by other users of the machine: --add-scram-file reads such lines from a file, or, with "-",
from standard input.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines, err := userLines(cmd.InOrStdin(), users, usersFile)
			if err != nil {
				return err
			}
			loaded, err := load(config, nil, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			o := loaded.options
			credentials, err := credentialsOf(lines, o.Passwords)
			if err != nil {
				return err
			}
			levels, err := featureLevels(o.Features, features)
			if err != nil {
				return err
			}
			id, err := broker.Format(cmd.Context(), broker.FormatOptions{
				NodeID: o.NodeID, LogDirs: o.LogDirs, MetadataDir: o.MetadataDir, ClusterID: clusterID, Features: levels, Users: credentials, Logger: o.Logger,
			})
			if err != nil {
				return err
			}
			cmd.Printf("Formatted %s as node %d of cluster %s, %d credential(s).\n",
				strings.Join(o.LogDirs, ", "), o.NodeID, id, len(credentials))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&config, "config", "c", "", "the broker's properties file")
	flags.StringVarP(&clusterID, "cluster-id", "t", "", "the cluster's id, 22 characters; a random one when left out")
	flags.StringArrayVarP(&users, "add-scram", "S", nil, "a first user; may be given more than once")
	flags.StringArrayVarP(&features, "feature", "f", nil, "the level of a feature to begin with, NAME=LEVEL; may be given more than once")
	flags.StringVar(&usersFile, "add-scram-file", "", `a file with a user per line, or "-" for standard input`)
	_ = cmd.MarkFlagRequired("config")
	return cmd
}

// userLines gathers the users of the flags and of the file.
func userLines(stdin io.Reader, users []string, file string) ([]string, error) {
	if file == "" {
		return users, nil
	}
	source := stdin
	if file != "-" {
		f, err := os.Open(file) //nolint:gosec // the administrator names it
		if err != nil {
			return nil, fmt.Errorf("read the users: %w", err)
		}
		defer func() { _ = f.Close() }()
		source = f
	}
	text, err := io.ReadAll(io.LimitReader(source, maxUserLines))
	if err != nil {
		return nil, fmt.Errorf("read the users: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			users = append(users, line)
		}
	}
	return users, nil
}

func credentialsOf(lines []string, policy password.Policy) ([]meta.ScramCredential, error) {
	var out []meta.ScramCredential
	for _, line := range lines {
		spec, err := scram.ParseUserSpec(line)
		if err != nil {
			return nil, err
		}
		if len(spec.SaltedPassword) == 0 && spec.Password != "" {
			if err := policy.Check(spec.Name, spec.Password); err != nil {
				return nil, fmt.Errorf("user %s: %w; see chronik.password.min.length", spec.Name, err)
			}
		}
		c, err := spec.Credential()
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", spec.Name, err)
		}
		out = append(out, metaCredential(spec.Name, c))
	}
	return out, nil
}

func metaCredential(user string, c scram.Credential) meta.ScramCredential {
	mechanism := meta.ScramSHA512
	if c.Hash == scram.SHA256 {
		mechanism = meta.ScramSHA256
	}
	return meta.ScramCredential{
		User: user, Mechanism: mechanism, Salt: c.Salt, StoredKey: c.StoredKey, ServerKey: c.ServerKey, Iterations: c.Iterations,
	}
}
