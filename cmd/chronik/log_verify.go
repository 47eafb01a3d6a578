package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// cannotRun is the exit code of a command that could not do what it was asked to.
const cannotRun = 2

// errDamage says that damage was found; the report tells of it.
var errDamage = errors.New("damage was found")

// newLogVerify reads everything in log directories that no broker uses.
func newLogVerify() *cobra.Command {
	var file string
	var dirs []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify --config FILE | --dir DIR",
		Short: "Verify every checksum, index and offset in the log directories of a stopped broker",
		Long: `Reads everything in the log directories and changes nothing: record batches with their checksums, offsets and records, indexes,
side-cars, producer snapshots, checkpoints and the journal. A running broker verifies itself (chronik.scrub.interval.ms).

The exit code is 0 when nothing is damaged, 1 when something is, and 2 when the directories could not be read.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := logDirs(file, dirs)
			if err != nil {
				return &exitError{cannotRun, err}
			}
			return verifyDirs(cmd.Context(), cmd.OutOrStdout(), all, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&file, "config", "c", "", "the broker's properties file: all of its log.dirs")
	flags.StringArrayVarP(&dirs, "dir", "d", nil, "a log directory; may be given more than once")
	flags.BoolVar(&asJSON, "json", false, "write the report as JSON, one directory a line")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{cannotRun, err} })
	return cmd
}

// logDirs are the given directories, or those of a configuration.
func logDirs(file string, dirs []string) ([]string, error) {
	if (file == "") == (len(dirs) == 0) {
		return nil, errors.New("either --config or --dir says which directories")
	}
	if file == "" {
		return dirs, nil
	}
	source, err := config.FromFile(file)
	if err != nil {
		return nil, err
	}
	c, _, err := config.Load(source)
	if err != nil {
		return nil, fmt.Errorf("configuration:\n%w", err)
	}
	return c.Storage.LogDirs, nil
}

func verifyDirs(ctx context.Context, out io.Writer, dirs []string, asJSON bool) error {
	damaged := false
	for _, dir := range dirs {
		v, err := storage.Verify(ctx, vfs.OS{}, filepath.ToSlash(dir))
		if errors.Is(err, vfs.ErrLocked) {
			err = fmt.Errorf("%w: a broker uses it, and verifies it by itself", err)
		}
		if err != nil {
			return &exitError{cannotRun, err}
		}
		damaged = damaged || len(v.Findings) > 0
		if asJSON {
			err = json.NewEncoder(out).Encode(v)
		} else {
			err = writeVerification(out, v)
		}
		if err != nil {
			return &exitError{cannotRun, err}
		}
	}
	if damaged {
		return errDamage
	}
	return nil
}

func writeVerification(out io.Writer, v *storage.Verification) error {
	stop := "stopped cleanly"
	if !v.Clean {
		stop = "not stopped cleanly: what lies behind the recovery points is for the next start to judge"
	}
	_, err := fmt.Fprintf(out, "%s: %s\n%d partition(s), %d segment(s), %d batch(es), %d record(s), %d bytes, %d frame(s) of the journal\n",
		v.Dir, stop, v.Partitions, v.Segments, v.Batches, v.Records, v.Bytes, v.Frames)
	for _, name := range v.Uncovered {
		_, e := fmt.Fprintf(out, "%s: no valid side-car\n", shown(name))
		err = errors.Join(err, e)
	}
	for _, f := range v.Findings {
		place := shown(f.File)
		if f.Position >= 0 {
			place = fmt.Sprintf("%s at position %d", place, f.Position)
		}
		_, e := fmt.Fprintf(out, "DAMAGED %s: %s\n    what to do: %s\n", place, shown(f.What), f.Do)
		err = errors.Join(err, e)
	}
	_, e := fmt.Fprintf(out, "%d damaged\n", len(v.Findings))
	return errors.Join(err, e)
}
