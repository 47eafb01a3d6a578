package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/chronik-stream/chronik/broker/journal"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// newLogDump writes out files of a log directory.
func newLogDump() *cobra.Command {
	var o storage.DumpOptions
	cmd := &cobra.Command{
		Use:   "dump FILE...",
		Short: "Write out what the files of a log directory hold",
		Long: `Writes what files hold, a line an entry, as kafka-dump-log does: .log, .index, .timeindex, .txnindex and .snapshot files, the
side-cars (.sums), and the files of the journal. The files may be in use. Keys and values are left out unless --print-data-log asks
for them.

The exit code is 1 when a file is damaged, after what stands before the damage, and 2 when one can not be read; the files behind it
are written out all the same.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			o.Records = o.Records || o.Data
			var failed []error
			for _, file := range files {
				cmd.Printf("Dumping %s\n", file)
				if err := storage.Dump(cmd.OutOrStdout(), vfs.OS{}, filepath.ToSlash(file), o); err != nil {
					failed = append(failed, dumpFailed(err))
				}
			}
			return errors.Join(failed...)
		},
	}
	cmd.Flags().BoolVar(&o.Records, "deep-iteration", false, "a line for each record below its batch")
	cmd.Flags().BoolVar(&o.Data, "print-data-log", false, "keys and values too; implies --deep-iteration")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{cannotRun, err} })
	return cmd
}

// dumpFailed gives an error the exit code that it has.
func dumpFailed(err error) error {
	if errors.Is(err, storage.ErrCorrupt) || errors.Is(err, journal.ErrCorrupt) {
		return fmt.Errorf("%w: %w", errDamage, err)
	}
	return &exitError{cannotRun, err}
}
