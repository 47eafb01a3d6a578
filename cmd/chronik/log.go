package main

import "github.com/spf13/cobra"

// newLog gathers the commands that look at logs.
func newLog() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Look at the logs of partitions and at what a running broker keeps of them",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newLogVerify(), newLogDump(), newLogCache())
	return cmd
}
