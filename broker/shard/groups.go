package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/wire"
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
}

// Groups are the group coordinators of this broker: one machine for each partition of group.Topic that it leads.
type Groups struct {
	*Host[group.Request]
	partitions func() int32
}

// NewGroups returns coordinators without partitions.
func NewGroups(cfg GroupsConfig) *Groups {
	host := New(Config[group.Request]{
		New:   func(int32) Machine[group.Request] { return groupMachine{group.New(cfg.Group)} },
		Name:  group.Topic,
		Clock: cfg.Clock, Logger: cfg.Logger, Queue: cfg.Queue,
		MaxBatchBytes: cfg.Group.MaxAppendBytes,
	})
	return &Groups{Host: host, partitions: cfg.Partitions}
}

// PartitionOf says which partition of group.Topic keeps a group, when it has that many.
func (g *Groups) PartitionOf(groupID string, partitions int32) int32 {
	return PartitionFor(groupID, partitions)
}

// SendGroup hands a request to the coordinator of a group.
func (g *Groups) SendGroup(ctx context.Context, groupID string, q group.Request) Wait {
	n := g.partitions()
	if n <= 0 {
		return failed(wire.Errorf(wire.NotCoordinator, "%s does not exist", group.Topic))
	}
	return g.Send(ctx, PartitionFor(groupID, n), q)
}

// SendEach hands a request to every machine that is here.
func (g *Groups) SendEach(ctx context.Context, q group.Request) []Wait {
	partitions := g.Partitions()
	waits := make([]Wait, 0, len(partitions))
	for _, p := range partitions {
		waits = append(waits, g.Send(ctx, p, q))
	}
	return waits
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
	for _, p := range g.Partitions() {
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

// groupMachine gives group.Machine the shape of Machine.
type groupMachine struct{ *group.Machine }

func (m groupMachine) Replay(r Record) error { return m.Machine.Replay(group.Record(r)) }

func (m groupMachine) Step(ev Event[group.Request], now time.Time) Effects {
	var effects Effects
	for _, e := range m.Machine.Step(groupEvent(ev), now) {
		switch e := e.(type) {
		case group.Append:
			records := make([]Record, len(e.Records))
			for i := range e.Records {
				records[i] = Record(e.Records[i])
			}
			effects.Appends = append(effects.Appends, Append{Seq: e.Seq, Records: records})
		case group.Reply:
			effects.Replies = append(effects.Replies, Reply(e))
		case group.WakeAt:
			effects.Wake, effects.WakeAt = true, e.At
		}
	}
	return effects
}

func groupEvent(ev Event[group.Request]) group.Event {
	switch ev.Kind {
	case Loaded:
		return group.Loaded{}
	case Asked:
		return group.Asked{Ticket: ev.Ticket, Request: ev.Request}
	case Appended:
		return group.Appended{Seq: ev.Seq}
	case Failed:
		return group.Failed{Code: ev.Code}
	default:
		return group.Woken{}
	}
}
