package group

import (
	"maps"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/group/assign"
	"github.com/chronik-stream/chronik/broker/group/consumerlog"
)

// owned are the partitions that a member says it has; nil where it does not say.
type owned []kmsg.ConsumerGroupHeartbeatRequestTopic

// any reports whether the member may have one of these: it does, unless it says what it has and none is among it.
func (o owned) any(of epochs) bool {
	if len(of) == 0 {
		return false
	}
	if o == nil {
		return true
	}
	for _, t := range o {
		for _, p := range t.Partitions {
			if _, found := of[t.TopicID][p]; found {
				return true
			}
		}
	}
	return false
}

// within reports whether the member says what it has and all of it is among these.
func (o owned) within(of epochs) bool {
	for _, t := range o {
		for _, p := range t.Partitions {
			if _, found := of[t.TopicID][p]; !found {
				return false
			}
		}
	}
	return o != nil
}

// reconciliation is one look at where a member is and where it is to be (Apache Kafka's CurrentAssignmentBuilder).
type reconciliation struct {
	g      *modernGroup
	mb     *modernMember
	topics Topics
	// changed says that the member now subscribes to something else, or in another way.
	changed bool
	owned   owned
}

// next is the member's next place on its way to its target. A member that has to give partitions back stays at its epoch until it
// has; then it gets what nobody else has at the epoch of the target.
func (r *reconciliation) next() place {
	switch {
	case r.mb.state == consumerlog.Stable && r.mb.epoch == r.g.assignmentEpoch,
		r.mb.state == consumerlog.Unrevoked && r.owned.any(r.mb.revoking):
		if r.changed {
			return r.unsubscribe()
		}
		return r.mb.place
	default:
		return r.advance()
	}
}

// unsubscribe takes from the member what is of topics that it no longer subscribes to.
func (r *reconciliation) unsubscribe() place {
	next := r.mb.place
	subscribed := r.subscribedIDs()
	next.assigned, next.revoking = epochs{}, maps.Clone(r.mb.revoking)
	for topic, partitions := range r.mb.assigned {
		if _, still := subscribed[topic]; still {
			next.assigned[topic] = partitions
			continue
		}
		next.revoking = next.revoking.with(topic, partitions)
	}
	if len(next.assigned) == len(r.mb.assigned) {
		return r.mb.place
	}
	if !r.owned.any(next.revoking) {
		next.revoking = r.mb.revoking
		return next
	}
	next.state = consumerlog.Unrevoked
	return next
}

// with adds partitions of a topic. It changes neither those that are there nor those that are added.
func (e epochs) with(topic assign.TopicID, partitions map[int32]int32) epochs {
	if e == nil {
		e = epochs{}
	}
	all := maps.Clone(e[topic])
	if all == nil {
		all = make(map[int32]int32, len(partitions))
	}
	maps.Copy(all, partitions)
	e[topic] = all
	return e
}

// advance moves the member on, as far as it has given back what it has to and others have what it is to get.
func (r *reconciliation) advance() place {
	target := r.target()
	kept, revoking := epochs{}, epochs{}
	for topic, partitions := range r.mb.assigned {
		for p, epoch := range partitions {
			if _, stays := target[topic][p]; stays {
				kept.set(topic, p, epoch)
			} else {
				revoking.set(topic, p, epoch)
			}
		}
	}
	if r.owned.any(revoking) {
		return place{r.mb.epoch, r.mb.previous, consumerlog.Unrevoked, kept, revoking}
	}
	next := place{r.g.assignmentEpoch, r.mb.previous, consumerlog.Stable, kept, nil}
	if next.epoch != r.mb.epoch {
		next.previous = r.mb.epoch
	}
	for topic, partitions := range target {
		for p := range partitions {
			if _, has := kept[topic][p]; has {
				continue
			}
			if owner := r.g.owners[topic][p]; owner != "" && owner != r.mb.id {
				next.state = consumerlog.Unreleased
				continue
			}
			kept.set(topic, p, next.epoch)
		}
	}
	return next
}

// target is what the member is to have of topics that it subscribes to.
func (r *reconciliation) target() map[assign.TopicID]map[int32]struct{} {
	subscribed := r.subscribedIDs()
	target := map[assign.TopicID]map[int32]struct{}{}
	for topic, partitions := range r.g.target[r.mb.id] {
		if _, still := subscribed[topic]; !still {
			continue
		}
		set := make(map[int32]struct{}, len(partitions))
		for _, p := range partitions {
			set[p] = struct{}{}
		}
		target[topic] = set
	}
	return target
}

func (r *reconciliation) subscribedIDs() map[assign.TopicID]struct{} {
	ids := map[assign.TopicID]struct{}{}
	for _, name := range r.g.subscribed(r.mb) {
		if t, exists := r.topics.ByName(name); exists {
			ids[t.ID] = struct{}{}
		}
	}
	return ids
}

func (p *place) equal(other *place) bool {
	return p.epoch == other.epoch && p.previous == other.previous && p.state == other.state &&
		p.assigned.equal(other.assigned) && p.revoking.equal(other.revoking)
}

func (e epochs) equal(other epochs) bool {
	return maps.EqualFunc(e, other, func(a, b map[int32]int32) bool { return maps.Equal(a, b) })
}
