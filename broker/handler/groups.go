package handler

import (
	"context"
	"time"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Caps on the frames of group requests, in bytes. What a member or its leader sends ends in one record of __consumer_offsets, which is
// smaller still; commits and fetches may name a hundred thousand partitions.
const (
	groupFrame  = 1 << 20
	memberFrame = 8 << 20
	offsetFrame = 8 << 20
)

// resolveTime bounds how long a request waits for the coordinators to tell what "all" is.
const resolveTime = 10 * time.Second

// GroupCoordinator is this broker's part of the group coordinators. What Send... return waits for the answer; its error has a Kafka code.
type GroupCoordinator interface {
	// PartitionOf says which partition of group.Topic keeps a group, when it has that many.
	PartitionOf(groupID string, partitions int32) int32
	// SendGroup hands a request to the group's coordinator.
	SendGroup(ctx context.Context, groupID string, q group.Request) waiting
	// Send hands a request to the coordinator of a partition of group.Topic.
	Send(ctx context.Context, partition int32, q group.Request) waiting
	// SendEach hands a request to every coordinator that is here.
	SendEach(ctx context.Context, q group.Request) []waiting
}

// Groups answers the APIs of consumer groups and committed offsets.
type Groups struct {
	Coordinator GroupCoordinator
	// Image is the newest image of the metadata.
	Image func() *meta.Image
	// ConsumerSettings are the times that are in force for a group that has members of the consumer protocol; nil where there are no such
	// groups.
	ConsumerSettings func(image *meta.Image, groupID string) group.BeatSettings
	// Endpoint is where clients of a listener reach a node; ok is false when the node is not there or not on that listener.
	Endpoint func(nodeID int32, listener string) (host string, port int32, ok bool)
	// CreateTopic asks for a coordinators' topic to be created, and does not wait for it.
	CreateTopic func(topic string)
	// CommitTimeout bounds how long a commit of offsets waits until it is durable.
	CommitTimeout time.Duration
	// Changes records which groups and offsets are about to be deleted, and what came of it.
	Changes Changes
}

// Rows are the rows of this area.
func (g *Groups) Rows() []api.Row {
	return []api.Row{
		g.offsetCommit(), g.offsetFetch(), g.findCoordinator(), g.joinGroup(), g.heartbeat(), g.leaveGroup(), g.syncGroup(),
		g.describeGroups(), g.listGroups(), g.deleteGroups(), g.offsetDelete(),
	}
}

// partitionOf says which partition of group.Topic keeps a group; ok is false where there is no such topic.
func (g *Groups) partitionOf(groupID string) (partition int32, ok bool) {
	topic := g.Image().Topic(group.Topic)
	if topic == nil {
		return 0, false
	}
	return g.Coordinator.PartitionOf(groupID, int32(len(topic.Partitions))), true //nolint:gosec // partitions are numbered by int32
}

func (g *Groups) consumerSettings(image *meta.Image, groupID string) group.BeatSettings {
	if g.ConsumerSettings == nil {
		return group.BeatSettings{}
	}
	return g.ConsumerSettings(image, groupID)
}

// askGroup hands a request to a group's coordinator and waits for an answer of type T, or a code.
func askGroup[T any](ctx context.Context, g *Groups, groupID string, q group.Request) (T, int16) {
	return awaitAnswer[T](ctx, g.Coordinator.SendGroup(ctx, groupID, q))
}

// askCommit hands offsets to a group's coordinator, and waits for as long as a commit may take. What is not durable by then may still become
// so: the client is told to try again, as Apache Kafka's CoordinatorOperationExceptionHelper has it.
func askCommit[T any](ctx context.Context, g *Groups, groupID string, q group.Request) (T, int16) {
	ctx, cancel := context.WithTimeout(ctx, g.CommitTimeout)
	defer cancel()
	answer, code := askGroup[T](ctx, g, groupID, q)
	if code == wire.RequestTimedOut {
		code = wire.CoordinatorNotAvailable
	}
	return answer, code
}

// onGroup is one need on a group.
func onGroup(op authz.Operation, id string) authz.Need {
	return authz.Need{Op: op, On: authz.Resource{Type: authz.Group, Name: id}}
}

// onOffsetsOf is one need on a topic.
func onOffsetsOf(op authz.Operation, name string) authz.Need {
	return authz.Need{Op: op, On: authz.Resource{Type: authz.Topic, Name: name}}
}

// needGroups is DESCRIBE on each group, and all that may be done with it where the client wants to know that.
func needGroups(ids []string, operations bool) authz.Needs {
	var needs authz.Needs
	for _, id := range distinct(ids) {
		needs.Each = append(needs.Each, onGroup(authz.Describe, id))
		if operations {
			needs.Operations = append(needs.Operations, authz.Resource{Type: authz.Group, Name: id})
		}
	}
	return needs
}

// wholeGroup needs one operation on one group, or nothing is done.
func wholeGroup(op authz.Operation, id string) authz.Needs {
	return authz.Needs{All: []authz.Need{onGroup(op, id)}}
}

// memberHost is the client's address as Java prints one, which is how DescribeGroups shows it.
func memberHost(c *api.Call) string { return "/" + c.Conn.Host.Unmap().String() }
