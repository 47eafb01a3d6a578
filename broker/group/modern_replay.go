package group

import (
	"fmt"
	"slices"

	"github.com/chronik-stream/chronik/broker/group/assign"
	"github.com/chronik-stream/chronik/broker/group/consumerlog"
)

// replayModern takes one record of a consumer group. Its records may come in any order and any of them may be missing, as after a
// crash between two appends; a group whose own record is deleted is gone with all that was left of it.
func (m *Machine) replayModern(k consumerlog.Key, value []byte) error {
	g := m.modern[k.Group]
	if value == nil {
		if g != nil {
			m.replayModernTombstone(g, k)
		}
		return nil
	}
	if g == nil {
		g = newModernGroup(k.Group)
		m.modern[k.Group] = g
	}
	if err := g.replay(k, value); err != nil {
		return fmt.Errorf("replay consumer group %q: %w", k.Group, err)
	}
	return nil
}

func (m *Machine) replayModernTombstone(g *modernGroup, k consumerlog.Key) {
	mb := g.members[k.Name]
	switch k.Type {
	case consumerlog.GroupType:
		delete(m.modern, g.id)
	case consumerlog.PartitionsType:
		g.oldTopics = false
	case consumerlog.TargetType:
		g.assignmentEpoch, g.assignedAt = firstEpoch, replayedTime(0)
	case consumerlog.TargetMemberType:
		delete(g.target, k.Name)
	case consumerlog.RegexType:
		delete(g.resolved, k.Name)
	case consumerlog.MemberType:
		if mb != nil {
			g.drop(mb)
		}
	case consumerlog.CurrentType:
		if mb != nil {
			g.settle(mb, newModernMember(mb.id).place)
		}
	}
}

func (g *modernGroup) replay(k consumerlog.Key, value []byte) error {
	switch k.Type {
	case consumerlog.GroupType:
		of, err := consumerlog.ReadGroup(value)
		g.epoch, g.hash = of.Epoch, of.MetadataHash
		return err
	case consumerlog.PartitionsType:
		g.oldTopics = true
		return nil
	case consumerlog.TargetType:
		t, err := consumerlog.ReadTarget(value)
		g.assignmentEpoch, g.assignedAt = t.Epoch, replayedTime(t.Millis)
		return err
	case consumerlog.RegexType:
		x, err := consumerlog.ReadRegex(value)
		slices.Sort(x.Topics)
		g.resolved[k.Name] = x
		return err
	default:
		return g.replayMember(k, value)
	}
}

func (g *modernGroup) replayMember(k consumerlog.Key, value []byte) error {
	switch k.Type {
	case consumerlog.MemberType:
		told, err := consumerlog.ReadMember(value)
		if err != nil {
			return err
		}
		if told.Classic != nil && len(told.Classic.Protocols) == 0 {
			// Who speaks no classic protocol can not be answered in one.
			told.Classic = nil
		}
		g.put(g.memberOrNew(k.Name), *told)
	case consumerlog.TargetMemberType:
		t, err := consumerlog.ReadTargetMember(value)
		if err != nil {
			return err
		}
		target := assign.Assignment{}
		for _, topic := range t.Topics {
			target[topic.Topic] = topic.Partitions
		}
		g.target[k.Name] = target
	case consumerlog.CurrentType:
		c, err := consumerlog.ReadCurrent(value)
		if err != nil {
			return err
		}
		mb := g.memberOrNew(k.Name)
		g.put(mb, mb.told)
		g.settle(mb, place{c.Epoch, c.PreviousEpoch, c.State, replayedEpochs(c.Assigned), replayedEpochs(c.Revoking)})
	}
	return nil
}

func (g *modernGroup) memberOrNew(id string) *modernMember {
	if mb := g.members[id]; mb != nil {
		return mb
	}
	return newModernMember(id)
}

// loadedModern begins the sessions of consumer groups' members, and the time that they have to give partitions back.
func (m *Machine) loadedModern() {
	for _, id := range sortedKeys(m.modern) {
		g := m.modern[id]
		// What is of the id besides are its offsets.
		delete(m.groups, id)
		for _, memberID := range sortedKeys(g.members) {
			mb := g.members[memberID]
			m.keepModernAlive(g, mb, mb.sessionTimeout(m.cfg.Consumer.SessionTimeout))
			m.watchRevocation(g, mb)
		}
	}
}
