package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chronik-stream/chronik/broker"
	"github.com/chronik-stream/chronik/broker/adopt"
)

// newImport gathers the commands that take over data of other systems.
func newImport() *cobra.Command {
	cmd := &cobra.Command{Use: "import", Short: "Take over data that another system has written", Args: cobra.NoArgs}
	cmd.AddCommand(newImportKafkaLogs())
	return cmd
}

// importFlags are the flags of import kafka-logs.
type importFlags struct {
	config, topics  string
	metadata        string
	from            []string
	without, accept []string
	dryRun, json    bool
}

func newImportKafkaLogs() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "kafka-logs --config FILE --from DIR[,DIR]",
		Short: "Take over the log directories of a stopped Apache Kafka 4",
		Long: `Copies the partitions of a stopped Apache Kafka 4 (KRaft) into the log directories of a formatted broker that does not run, and
takes over topics with their ids and configurations, committed offsets, ACLs, SCRAM users, delegation tokens and quotas of clients from its metadata log.
Every batch is verified on the way. The source is read and never written to. An import that was interrupted can be run again.

What stands against it is reported, and nothing is changed; some kinds can be accepted:
  unclean            the broker was killed: what was not flushed may be cut, as Apache Kafka would at its next start
  out-of-sync        a replica was not in sync, or that is not known
  open-transactions  without __transaction_state nobody ends open transactions, and read-committed consumers will not get beyond them
  configs            topic configurations that are not acted on here are left out
  missing            topics of which no partition is in the directories are left out
  tiered             a part of a topic lies in remote storage and is not imported

Exit codes: 0 imported, or nothing stands against it in a dry run; 2 refused; 1 any other failure.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request, err := f.request()
			if err != nil {
				return err
			}
			loaded, err := load(f.config, nil, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			report, err := broker.Import(cmd.Context(), loaded.options, request)
			if report != nil {
				err = errors.Join(err, f.print(cmd.OutOrStdout(), report))
			}
			if errors.Is(err, adopt.ErrRefused) {
				return &exitError{code: exitRefused, err: err}
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.config, "config", "c", "", "the broker's properties file")
	flags.StringSliceVar(&f.from, "from", nil, "the log directories of Apache Kafka, all of those of one node")
	flags.StringVar(&f.metadata, "metadata", "", "the directory that holds "+"__cluster_metadata-0, where it is none of --from")
	flags.StringVar(&f.topics, "topics", "", "a regular expression that the whole name of a topic matches; without it all are imported")
	flags.StringSliceVar(&f.without, "without", nil, "what to leave out: "+join(adopt.Parts()))
	flags.StringSliceVar(&f.accept, "accept", nil, "the kinds of problems to go on with: "+join(adopt.Kinds()))
	flags.BoolVar(&f.dryRun, "dry-run", false, "read and verify everything, and write nothing")
	flags.BoolVar(&f.json, "json", false, "print the report as JSON")
	_ = cmd.MarkFlagRequired("config")
	_ = cmd.MarkFlagRequired("from")
	return cmd
}

func join[T ~string](list []T) string {
	var out []string
	for _, v := range list {
		out = append(out, string(v))
	}
	return strings.Join(out, ", ")
}

// chosen checks the values of a flag.
func chosen[T ~string](flag string, values []string, known []T) ([]T, error) {
	var out []T
	for _, v := range values {
		if !slices.Contains(known, T(v)) {
			return nil, fmt.Errorf("--%s %s: it is none of %s", flag, v, join(known))
		}
		out = append(out, T(v))
	}
	return out, nil
}

func (f *importFlags) request() (r adopt.Request, err error) {
	r = adopt.Request{From: f.from, Metadata: f.metadata, DryRun: f.dryRun}
	if r.Without, err = chosen("without", f.without, adopt.Parts()); err != nil {
		return r, err
	}
	if r.Accept, err = chosen("accept", f.accept, adopt.Kinds()); err != nil {
		return r, err
	}
	if f.topics != "" {
		if r.Topics, err = regexp.Compile("^(?:" + f.topics + ")$"); err != nil {
			return r, fmt.Errorf("--topics: %w", err)
		}
	}
	return r, nil
}

func (f *importFlags) print(to io.Writer, r *adopt.Report) error {
	if f.json {
		out := json.NewEncoder(to)
		out.SetIndent("", "  ")
		return out.Encode(r)
	}
	var t strings.Builder
	fmt.Fprintf(&t, "Node %d of cluster %s\n", r.NodeID, shown(r.ClusterID))
	records, bytes := int64(0), int64(0)
	for i := range r.Topics {
		one := &r.Topics[i]
		records, bytes = records+one.Records, bytes+one.Bytes
		fmt.Fprintf(&t, "  %-40s %d partition(s), %d record(s), %d bytes\n", shown(one.Name), len(one.Partitions), one.Records, one.Bytes)
		for _, p := range one.Partitions {
			if p.Cut > 0 {
				fmt.Fprintf(&t, "    partition %d: %d bytes that were not flushed are cut off at offset %d\n", p.Partition, p.Cut, p.EndOffset)
			}
		}
	}
	fmt.Fprintf(&t, "%d topic(s), %d record(s), %d bytes, %d ACL(s), %d user(s), %d delegation token(s), %d quota(s); producer ids begin at %d\n",
		len(r.Topics), records, bytes, r.ACLs, len(r.Users), r.Tokens, r.Quotas, r.NextProducerID)
	lines := func(title string, list []string) {
		for _, line := range list {
			fmt.Fprintf(&t, "%s: %s\n", title, shown(line))
		}
	}
	lines("The user stays as it is here", r.KeptUsers)
	lines("Left out", r.LeftOut)
	lines("Note", r.Notes)
	for _, p := range r.Problems {
		title := "Problem"
		if p.Accepted {
			title = "Accepted"
		}
		lines(title, []string{p.String()})
	}
	switch {
	case r.Imported:
		t.WriteString("Imported.\n")
	case r.DryRun && len(r.Standing()) == 0:
		t.WriteString("Nothing stands against it; nothing was written.\n")
	default:
		t.WriteString("Not imported; nothing was changed.\n")
	}
	_, err := io.WriteString(to, t.String())
	return err
}
