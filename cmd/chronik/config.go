package main

import (
	"github.com/spf13/cobra"

	"github.com/chronik-stream/chronik/broker/config"
)

// newConfig explains the configuration.
func newConfig() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print every configuration key with its type, default and meaning, as Markdown",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return config.WriteMarkdown(cmd.OutOrStdout())
		},
	}
}
