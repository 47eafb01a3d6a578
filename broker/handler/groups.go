package handler

import (
	"context"
	"time"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/group"
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
	SendGroup(ctx context.Context, groupID string, q group.Request) func(context.Context) (any, error)
	// SendEach hands a request to every coordinator that is here.
	SendEach(ctx context.Context, q group.Request) []func(context.Context) (any, error)
}

// GroupTopics is what the group APIs ask one metadata image.
type GroupTopics interface {
	// Partitions finds a topic's id and number of partitions.
	Partitions(name string) (id [16]byte, partitions int32, found bool)
	// NameOf finds the name of a topic id.
	NameOf(id [16]byte) (name string, found bool)
	// LeaderOf finds the node that leads a partition.
	LeaderOf(topic string, partition int32) (node int32, found bool)
}

// Groups answers the APIs of consumer groups and committed offsets.
type Groups struct {
	Coordinator GroupCoordinator
	// Topics pins the image as it is now.
	Topics func() GroupTopics
	// Endpoint is where clients of a listener reach a node; ok is false when the node is not there or not on that listener.
	Endpoint func(nodeID int32, listener string) (host string, port int32, ok bool)
	// CreateTopic asks for group.Topic to be created, and does not wait for it.
	CreateTopic func()
	// Nonce draws what makes a member id unique and not to be guessed.
	Nonce func() string
}

// Rows are the rows of this area.
func (g *Groups) Rows() []api.Row {
	return []api.Row{
		g.offsetCommit(), g.offsetFetch(), g.findCoordinator(), g.joinGroup(), g.heartbeat(), g.leaveGroup(), g.syncGroup(),
		g.describeGroups(), g.listGroups(), g.deleteGroups(), g.offsetDelete(),
	}
}

// ask hands a request to a group's coordinator and waits for an answer of type T, or a code.
func ask[T any](ctx context.Context, g *Groups, groupID string, q group.Request) (T, int16) {
	return await[T](ctx, g.Coordinator.SendGroup(ctx, groupID, q))
}

func await[T any](ctx context.Context, wait func(context.Context) (any, error)) (T, int16) {
	answer, err := wait(ctx)
	got, _ := answer.(T)
	return got, wire.CodeOf(err)
}

// onGroup is one need on a group.
func onGroup(op authz.Operation, id string) authz.Need {
	return authz.Need{Op: op, On: authz.Resource{Type: authz.Group, Name: id}}
}

// onTopic is one need on a topic.
func onTopic(op authz.Operation, name string) authz.Need {
	return authz.Need{Op: op, On: authz.Resource{Type: authz.Topic, Name: name}}
}

// wholeGroup needs one operation on one group, or nothing is done.
func wholeGroup(op authz.Operation, id string) authz.Needs {
	return authz.Needs{All: []authz.Need{onGroup(op, id)}}
}

// clientHost is the client's address as Java prints one, which is how DescribeGroups shows it.
func clientHost(c *api.Call) string { return "/" + c.Conn.Host.Unmap().String() }
