package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/broker/controller"
)

var (
	errBadSince    = errors.New("--since is a time span such as 7d, 12h or 30m, or a time such as 2030-01-31T00:00:00Z")
	errNoEventCame = errors.New("no event came for " + clientTimeout.String())
)

// parseSince is the time that --since names.
func parseSince(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil && at.Before(now) {
		return at, nil
	}
	span, err := time.ParseDuration(text)
	if days, are := strings.CutSuffix(text, "d"); are {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		span = time.Duration(n) * 24 * time.Hour //nolint:gosec // of 16 bits
	}
	if err != nil || span <= 0 {
		return time.Time{}, fmt.Errorf("%w, not %q", errBadSince, text)
	}
	return now.Add(-span), nil
}

// trailRange is which part of a partition is read.
type trailRange struct{ from, to int64 }

// readTrail gives the decisions that were recorded since a time, up to those that are there now, to take.
func readTrail(ctx context.Context, client *kgo.Client, since time.Time, take func(*audit.Decided)) (*audit.Trail, error) {
	ranges, err := trailRanges(ctx, client, since)
	if err != nil {
		return nil, fmt.Errorf("look into the topic %s, which has to be READ: %w", controller.AuditTopic, err)
	}
	from := map[int32]kgo.Offset{}
	for partition, r := range ranges {
		if r.from < r.to {
			from[partition] = kgo.NewOffset().At(r.from)
		}
	}
	trail := &audit.Trail{}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{controller.AuditTopic: from})
	for len(from) > 0 {
		fetches, err := pollTrail(ctx, client)
		if err != nil {
			return nil, fmt.Errorf("read the topic %s: %w", controller.AuditTopic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset >= ranges[r.Partition].to {
				return
			}
			if d := trail.Take(r.Value); d != nil {
				take(d)
			}
		})
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if n := len(p.Records); n > 0 && p.Records[n-1].Offset >= ranges[p.Partition].to-1 {
				delete(from, p.Partition)
			}
		})
	}
	return trail, nil
}

// pollTrail waits for further events for as long as a command waits for anything.
func pollTrail(ctx context.Context, client *kgo.Client) (kgo.Fetches, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	fetches := client.PollFetches(ctx)
	err := fetches.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		err = errNoEventCame
	}
	return fetches, err
}

// trailRanges are the offsets from a time to the end, by partition.
func trailRanges(ctx context.Context, client *kgo.Client, since time.Time) (map[int32]trailRange, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	admin := kadm.NewClient(client)
	first, err := admin.ListOffsetsAfterMilli(ctx, since.UnixMilli(), controller.AuditTopic)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, err
	}
	end, err := admin.ListEndOffsets(ctx, controller.AuditTopic)
	if err == nil {
		err = end.Error()
	}
	if err != nil {
		return nil, err
	}
	if len(end[controller.AuditTopic]) == 0 {
		return nil, kerr.UnknownTopicOrPartition
	}
	ranges := map[int32]trailRange{}
	for partition, of := range end[controller.AuditTopic] {
		begin, _ := first.Lookup(controller.AuditTopic, partition)
		ranges[partition] = trailRange{begin.Offset, of.Offset}
	}
	return ranges, nil
}
