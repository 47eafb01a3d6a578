package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/chronik-stream/chronik/broker"
	"github.com/chronik-stream/chronik/broker/storage"
)

const (
	// cacheTimeout bounds the question, cacheAnswerBytes its answer.
	cacheTimeout     = 10 * time.Second
	cacheAnswerBytes = 1 << 20
)

// newLogCache tells what a running broker keeps of its logs' segments.
func newLogCache() *cobra.Command {
	var server string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Show the open files and the indexes in memory of a running broker on this machine",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			answer, err := askCache(cmd.Context(), server)
			if err != nil {
				return fmt.Errorf("ask the broker at %s: %w", server, err)
			}
			if asJSON {
				_, err := cmd.OutOrStdout().Write(answer)
				return err
			}
			var stats storage.CacheStats
			if err := json.Unmarshal(answer, &stats); err != nil {
				return fmt.Errorf("the answer of %s: %w", server, err)
			}
			return writeCache(cmd.OutOrStdout(), &stats)
		},
	}
	cmd.Flags().StringVar(&server, "http-server", "127.0.0.1:9095", "the broker's chronik.http.listen, as host:port")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the broker's answer as it is")
	return cmd
}

// askCache returns the broker's answer.
func askCache(ctx context.Context, server string) (answer []byte, err error) {
	if _, _, err := net.SplitHostPort(server); err != nil {
		return nil, fmt.Errorf("--http-server is not host:port: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+server+broker.CachePath, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	answer, err = io.ReadAll(io.LimitReader(response.Body, cacheAnswerBytes))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers %s", response.Status)
	}
	return answer, err
}

// writeCache prints the numbers as a table.
func writeCache(to io.Writer, s *storage.CacheStats) error {
	ttl := "none"
	if s.TTLMs > 0 {
		ttl = (time.Duration(s.TTLMs) * time.Millisecond).String()
	}
	var text bytes.Buffer
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprint(out, "\theld\tat most\thits\tmisses\thit ratio\tmean load\tevicted: size\tttl\tremoved\t\n")
	for _, row := range []struct {
		name  string
		stats *storage.CacheKindStats
	}{{"files", &s.Files}, {"index bytes", &s.Indexes}} {
		k := row.stats
		_, _ = fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%d\t%d\t%d\t\n", row.name, k.Held, k.Max, k.Hits, k.Misses, hitRatio(k),
			time.Duration(k.MeanLoadMicros)*time.Microsecond, k.Evicted.Size, k.Evicted.TTL, k.Evicted.Removed)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&text, "\npolicy %s, ttl %s; %d files open, %d of them given up and not synced yet\nwarm-up: %d of %d segments, %s; damaged index reads: %d\n",
		s.Policy, ttl, s.OpenFiles, s.UnsyncedFiles, s.WarmUp.Done, s.WarmUp.Segments, finished(s.WarmUp.Finished), s.Damaged)
	_, err := text.WriteTo(to)
	return err
}

func hitRatio(k *storage.CacheKindStats) string {
	if k.Hits+k.Misses == 0 {
		return "-"
	}
	return strconv.FormatFloat(100*float64(k.Hits)/float64(k.Hits+k.Misses), 'f', 1, 64) + "%"
}

func finished(yes bool) string {
	if yes {
		return "finished"
	}
	return "under way"
}
