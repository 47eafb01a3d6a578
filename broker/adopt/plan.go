package adopt

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/group"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/txn"
)

// topicPlan is a topic that is to be imported.
type topicPlan struct {
	name    string
	id      meta.TopicID
	configs map[string]string
	logs    []*storage.Foreign
	// epochs are the leader epochs that the metadata knows, -1 where there is none.
	epochs []int32
}

func (t *topicPlan) internal() bool { return controller.IsInternal(t.name) }

// logName names a partition of one topic id.
type logName struct {
	id        meta.TopicID
	partition int32
}

// planner decides what is imported and gathers what stands against it.
type planner struct {
	*job
	logs   map[logName]*storage.Foreign
	topics []*topicPlan
}

func (j *job) plan() []*topicPlan {
	p := &planner{job: j, logs: map[logName]*storage.Foreign{}}
	p.gather()
	cluster := j.source.cluster
	if cluster == nil {
		cluster = p.guess()
	}
	for _, t := range slices.SortedFunc(maps.Values(cluster.Topics), func(a, b *Topic) int { return cmp.Compare(a.Name, b.Name) }) {
		if j.wanted(t.Name) {
			p.topic(t, cluster.Configs[t.Name])
		}
	}
	for _, f := range p.logs {
		if j.wanted(f.Topic) {
			j.leaveOut(f.Dir + ": the metadata does not know it")
		}
	}
	slices.Sort(j.report.LeftOut)
	return p.topics
}

// gather lists the partitions of all directories.
func (p *planner) gather() {
	for _, s := range p.source.surveys {
		for i := range s.Partitions {
			f := &s.Partitions[i]
			key := logName{f.ID, f.Partition}
			if other := p.logs[key]; other != nil {
				p.problem(Blocked, f.Topic, "partition %d is in %s and in %s", f.Partition, other.Dir, f.Dir)
			}
			p.logs[key] = f
		}
		for _, other := range s.Others {
			p.leaveOut(s.Dir + "/" + other + ": a deleted or stray partition, or one that was being moved")
		}
	}
}

// guess makes topics of the partitions that are there.
func (p *planner) guess() *Cluster {
	c := newCluster()
	for _, f := range p.logs {
		if f.Partition >= controller.MaxPartitions {
			p.problem(Blocked, f.Topic, "%s has a partition number that is not below %d", f.Dir, controller.MaxPartitions)
			continue
		}
		t := c.Topics[f.ID]
		if t == nil {
			t = &Topic{Name: f.Topic, ID: f.ID, Partitions: map[int32]*Partition{}}
			c.Topics[f.ID] = t
		}
		for n := range f.Partition + 1 {
			t.Partitions[n] = &Partition{LeaderEpoch: -1}
		}
	}
	return c
}

// topic plans one topic.
func (p *planner) topic(t *Topic, configs map[string]string) {
	plan := &topicPlan{name: t.Name, id: t.ID}
	missing := []int32{}
	for n := range int32(len(t.Partitions)) { //nolint:gosec // partitions are far below 2^31
		f, state := p.logs[logName{t.ID, n}], t.Partitions[n]
		if f == nil || state == nil {
			missing = append(missing, n)
			continue
		}
		delete(p.logs, logName{t.ID, n})
		p.inSync(t.Name, n, state)
		p.leaderEpoch(t.Name, n, state.LeaderEpoch)
		plan.logs, plan.epochs = append(plan.logs, f), append(plan.epochs, state.LeaderEpoch)
	}
	switch {
	case len(missing) == len(t.Partitions):
		p.problem(Missing, t.Name, "none of its %d partition(s) is in the directories", len(missing))
		return
	case len(missing) > 0:
		p.problem(Blocked, t.Name, "the partition(s) %v of %d are not in the directories: move all of the topic's partitions to one node first",
			missing, len(t.Partitions))
		return
	}
	p.target(plan)
	plan.configs = p.configs(plan, configs)
	p.topics = append(p.topics, plan)
}

// inSync asks for a replica that could have been elected: whatever was acknowledged is in its log up to the end, and as leader
// it would keep all of that, what lies above its high watermark included.
func (p *planner) inSync(topic string, partition int32, state *Partition) {
	if p.source.cluster == nil || slices.Contains(state.ISR, p.source.nodeID()) {
		return
	}
	p.problem(OutOfSync, topic, "partition %d: node %d is not in sync, those are %v: it may lack records that were acknowledged",
		partition, p.source.nodeID(), state.ISR)
}

// target checks that there is room for the name.
func (p *planner) target(t *topicPlan) {
	img := p.to.Image()
	switch other := img.Colliding(t.name); {
	case img.Topic(t.name) != nil:
		p.problem(Blocked, t.name, "a topic of this name exists here")
	case other != nil:
		p.problem(Blocked, t.name, "its name collides with that of the topic %s here", other.Name)
	case img.TopicByID(t.id) != nil:
		p.problem(Blocked, t.name, "its id %s is that of the topic %s here", t.id, img.TopicByID(t.id).Name)
	case t.name == controller.AuditTopic:
		p.problem(Blocked, t.name, "the name is that of the audit log")
	}
	if err := controller.ValidateTopicName(t.name); err != nil {
		p.problem(Blocked, t.name, "%v", err)
	}
}

// configs are those of a topic's configurations that are acted on here.
func (p *planner) configs(t *topicPlan, configs map[string]string) map[string]string {
	switch t.name {
	case group.Topic:
		return p.to.OffsetsConfigs
	case txn.Topic:
		return p.to.TransactionConfigs
	}
	kept := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		value := configs[name]
		if t.internal() { // kept for the coordinator to come, as __consumer_offsets is made
			if slices.Contains([]string{"cleanup.policy", "compression.type", "segment.bytes"}, name) {
				kept[name] = value
			}
			continue
		}
		if name == "remote.storage.enable" && value == "true" {
			p.problem(Tiered, t.name, "a part of its records may lie in remote storage alone")
			continue
		}
		if err := p.to.CheckTopicConfig(map[string]string{name: value}); err != nil {
			p.problem(Configs, t.name, "%s=%s: %v", name, value, err)
			continue
		}
		kept[name] = value
	}
	if n, err := strconv.Atoi(kept["min.insync.replicas"]); err == nil && n > 1 {
		p.note(fmt.Sprintf("Topic %s asks for %d in-sync replicas and has one here: producers with acks=all are refused until min.insync.replicas is lowered.", t.name, n))
	}
	return kept
}
