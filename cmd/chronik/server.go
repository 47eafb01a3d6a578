package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/spf13/cobra"

	"github.com/chronik-stream/chronik/broker"
)

// newServer runs the broker.
func newServer() *cobra.Command {
	var config, dev string
	var check bool
	cmd := &cobra.Command{
		Use:   "server (--config FILE [--check] | --dev DIR)",
		Short: "Run a broker",
		Long: `Runs a broker until SIGTERM or SIGINT; requests under way are answered first.

--dev DIR makes what a first broker needs and keeps it in DIR: a certificate authority and certificates for localhost, an
administrator with a random password, and client settings: client.properties (Java clients and Apache Kafka's tools), kcat.conf,
ca.pem. Every configuration key can be overridden by its environment variable, such as CHRONIK_LISTENERS.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dev != "" {
				return runDev(cmd.Context(), cmd, dev)
			}
			loaded, err := load(config, nil, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if check {
				if err := broker.CheckFiles(&loaded.options); err != nil {
					return fmt.Errorf("configuration:\n%w", err)
				}
				cmd.Println("The configuration is valid.")
				return nil
			}
			return run(cmd.Context(), loaded, nil)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&config, "config", "c", "", "the broker's properties file")
	flags.StringVar(&dev, "dev", "", "a directory for a secure broker that needs no configuration")
	flags.BoolVar(&check, "check", false, "validate the configuration and the files that it names, and exit")
	cmd.MarkFlagsOneRequired("config", "dev")
	cmd.MarkFlagsMutuallyExclusive("config", "dev")
	cmd.MarkFlagsMutuallyExclusive("check", "dev")
	return cmd
}

// errStopped is the last line of a broker that could not go on.
var errStopped = errors.New("the broker has stopped because it can not go on")

// run starts a broker, tells started, and waits for a signal or a failure.
func run(ctx context.Context, l *loaded, started func()) error {
	// A container's memory limit, where there is one, is the garbage collector's too.
	_, _ = memlimit.Set(memlimit.WithLogger(l.options.Logger))
	b := broker.New(l.options)
	begin := time.Now()
	if err := b.Start(ctx); err != nil {
		return err
	}
	l.options.Logger.Info("the broker serves", "node", l.options.NodeID, "cluster", b.ClusterID(), "after", time.Since(begin))
	if started != nil {
		started()
	}
	var failure error
	select {
	case <-ctx.Done():
		l.options.Logger.Info("the broker shuts down")
	case err := <-b.Failed():
		failure = fmt.Errorf("%w: %w", errStopped, err)
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.shutdownTimeout)
	defer cancel()
	return errors.Join(b.Shutdown(stop), failure)
}
