package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chronik-stream/chronik/broker"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/doctor"
)

// The exit codes of chronik doctor beside 0, which says that nothing grave was found.
const (
	exitFindings   = 1
	exitNotChecked = 2
)

const (
	// postureTimeout bounds the question to a broker, postureAnswerBytes its answer.
	postureTimeout     = 30 * time.Second
	postureAnswerBytes = 16 << 20
)

var (
	errFindings  = errors.New("the security posture has findings")
	errBadFormat = errors.New("--format is text or json")
)

type doctorFlags struct{ config, url, bootstrap, format, failOn string }

// newDoctor tells what of the security is weak, open or not verified.
func newDoctor() *cobra.Command {
	var flags doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor (--config FILE | --url URL | --bootstrap HOST:PORT)",
		Short: "Tell what of a configuration's or a running broker's security is weak, open or unverified",
		Long: `Looks at a configuration, or asks a running broker of this machine by its chronik.http.listen, and tells findings with their
severity, the controls of auditors that they touch, and how to mend them. --bootstrap only connects to a listener, from any machine, and tells what it offers to strangers: TLS and certificates.

Exit code 0: no finding of the severity of --fail-on or a graver one; 1: there are such; 2: it could not be checked.`,
		Args: notChecked(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDoctor(cmd.Context(), cmd.OutOrStdout(), &flags)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitNotChecked, err} })
	f := cmd.Flags()
	f.StringVarP(&flags.config, "config", "c", "", "the broker's properties file")
	f.StringVar(&flags.url, "url", "", "a running broker's chronik.http.listen, such as http://127.0.0.1:9095")
	f.StringVar(&flags.bootstrap, "bootstrap", "", "a listener for clients, as host:port, that is only connected to")
	f.StringVar(&flags.format, "format", "text", "text or json")
	f.StringVar(&flags.failOn, "fail-on", doctor.Medium.String(), "the least severity that makes the exit code 1: "+strings.Join(doctor.Severities(), ", "))
	return cmd
}

// notChecked gives errors the exit code of what could not be checked.
func notChecked(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &exitError{exitNotChecked, err}
		}
		return nil
	}
}

func runDoctor(ctx context.Context, out io.Writer, flags *doctorFlags) error {
	least, err := doctor.ParseSeverity(flags.failOn)
	if err != nil {
		return &exitError{exitNotChecked, fmt.Errorf("--fail-on: %w", err)}
	}
	report, err := reportOf(ctx, flags)
	if err != nil {
		return &exitError{exitNotChecked, err}
	}
	if flags.format == "json" {
		err = report.WriteJSON(out)
	} else {
		err = report.WriteText(out, shown)
	}
	if err != nil {
		return &exitError{exitNotChecked, err}
	}
	if n := report.AtLeast(least); n > 0 {
		return &exitError{exitFindings, fmt.Errorf("%w: %d of them %s or graver", errFindings, n, least)}
	}
	return nil
}

func reportOf(ctx context.Context, flags *doctorFlags) (*doctor.Report, error) {
	switch {
	case flags.format != "text" && flags.format != "json":
		return nil, fmt.Errorf("%w, not %q", errBadFormat, flags.format)
	case given(flags.config, flags.url, flags.bootstrap) != 1:
		return nil, errors.New("one of --config, --url and --bootstrap is needed")
	case flags.bootstrap != "":
		ctx, cancel := context.WithTimeout(ctx, postureTimeout)
		defer cancel()
		facts, err := doctor.Outside(ctx, flags.bootstrap, time.Now())
		if err != nil {
			return nil, fmt.Errorf("look at the listener from outside: %w", err)
		}
		return doctor.Examine(facts), nil
	case flags.url != "":
		report, err := askPosture(ctx, flags.url)
		if err != nil {
			return nil, fmt.Errorf("ask the broker at %s: %w", flags.url, err)
		}
		return report, nil
	}
	file, err := config.FromFile(flags.config)
	if err != nil {
		return nil, err
	}
	c, _, err := config.Load(file, config.FromEnvironment(os.Environ()))
	if err != nil {
		return nil, fmt.Errorf("configuration:\n%w", err)
	}
	return doctor.Examine(broker.PostureOf(c, flags.config, time.Now())), nil
}

// given counts the texts that are not empty.
func given(texts ...string) int {
	n := 0
	for _, text := range texts {
		if text != "" {
			n++
		}
	}
	return n
}

// askPosture returns what a running broker says of itself.
func askPosture(ctx context.Context, address string) (report *doctor.Report, err error) {
	base, err := url.Parse(address)
	if err != nil || base.Host == "" {
		return nil, errors.New("--url is no address such as http://127.0.0.1:9095")
	}
	ctx, cancel := context.WithTimeout(ctx, postureTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath(broker.PosturePath).String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", response.Status)
	}
	report = &doctor.Report{}
	if err := json.NewDecoder(io.LimitReader(response.Body, postureAnswerBytes)).Decode(report); err != nil {
		return nil, fmt.Errorf("its answer is no report: %w", err)
	}
	if report.Checked == 0 {
		return nil, errors.New("its answer is no report: it has no checks")
	}
	return report, nil
}
