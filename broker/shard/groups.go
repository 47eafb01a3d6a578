package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chronik-stream/chronik/broker/group"
)

// GroupsConfig is what the group coordinators need.
type GroupsConfig struct {
	Group group.Config
	// Partitions is the number of partitions that group.Topic has now, 0 where there is none.
	Partitions func() int32
	// Clock tells the time; nil means time.Now.
	Clock  func() time.Time
	Logger *slog.Logger
	// Queue is as in Config.
	Queue int
	// Troubled is as in Config.
	Troubled func()
}

// Groups are the group coordinators of this broker: one machine for each partition of group.Topic that it leads.
type Groups struct{ *Host[group.Request] }

// NewGroups returns coordinators without partitions.
func NewGroups(cfg GroupsConfig) *Groups {
	g := &Groups{}
	g.Host = New(Config[group.Request]{
		New: func(int32, int32) Machine {
			now := cfg.Group
			now.MaxAppendBytes = int(g.maxAppend.Load())
			return group.New(now)
		},
		Name: group.Topic, Partitions: cfg.Partitions,
		Clock: cfg.Clock, Logger: cfg.Logger, Queue: cfg.Queue, Troubled: cfg.Troubled,
		MaxAppendBytes: cfg.Group.MaxAppendBytes,
	})
	return g
}

// SetMaxAppend tells every machine, those that come later as well, how many bytes of records a batch of the topic can hold now.
func (g *Groups) SetMaxAppend(ctx context.Context, bytes int) error {
	return g.setMaxAppend(ctx, bytes, group.SetMaxAppend{Bytes: bytes})
}

// SendGroup hands a request to the coordinator of a group.
func (g *Groups) SendGroup(ctx context.Context, groupID string, q group.Request) Wait {
	return g.SendTo(ctx, groupID, q)
}

// TopicsDeleted removes the offsets of deleted topics from every machine that is here. A partition that is just being loaded keeps them
// until Reconcile; an offset of a deleted topic is never taken for one of a new topic of the same name.
func (g *Groups) TopicsDeleted(ctx context.Context, topics []group.TopicRef) error {
	var errs []error
	for _, wait := range g.SendEach(ctx, group.TopicsDeleted{Topics: topics}) {
		if _, err := wait(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove the offsets of %d deleted topics: %w", len(topics), err)
	}
	return nil
}

// Reconcile removes the offsets of topics that exists denies. It is for after start-up, where a deletion may have been missed, and only
// with an image that is known to be current: with an old one, it would remove the offsets of topics that came later.
func (g *Groups) Reconcile(ctx context.Context, exists func(group.TopicRef) bool) error {
	var errs []error
	for _, p := range g.Running() {
		if err := g.reconcile(ctx, p, exists); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (g *Groups) reconcile(ctx context.Context, partition int32, exists func(group.TopicRef) bool) error {
	answer, err := g.Ask(ctx, partition, group.ListTopics{})
	if err != nil {
		return fmt.Errorf("list the topics with offsets: %w", err)
	}
	refs, _ := answer.([]group.TopicRef)
	var gone []group.TopicRef
	for _, ref := range refs {
		if !exists(ref) {
			gone = append(gone, ref)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	if _, err := g.Ask(ctx, partition, group.TopicsDeleted{Topics: gone}); err != nil {
		return fmt.Errorf("remove the offsets of %d topics that do not exist: %w", len(gone), err)
	}
	return nil
}
