package group

import "time"

// expireOffsets removes offsets that nobody has used for the retention time, and groups that are left with nothing (KIP-211). What an
// open transaction is about to commit is in use.
func (m *Machine) expireOffsets() {
	var records []Record
	for _, id := range sortedKeys(m.groups) {
		g := m.groups[id]
		records = append(records, m.expireOf(g)...)
		if g.state == Empty && !m.offsets.has(id) && len(g.pending) == 0 {
			delete(m.groups, id)
			if g.stored {
				records = append(records, Record{Key: groupRecordKey(id)})
			}
		}
	}
	m.append(records...)
}

func (m *Machine) expireOf(g *group) []Record {
	if !g.expires() {
		return nil
	}
	return m.offsets.tombstones(g.id, func(k partitionKey, o offset) bool {
		if g.subscribes(k.topic) || m.offsets.unstable(g.id, k.topic, k.partition) {
			return false
		}
		end := o.expires
		if end.IsZero() {
			end = g.unusedSince(o).Add(m.cfg.OffsetsRetention)
		}
		return !m.now.Before(end)
	})
}

// expires reports whether the group is in a state in which offsets can expire: simple, without members, or stable consumers whose
// subscriptions are known.
func (g *group) expires() bool {
	return g.protocolType == "" || g.state == Empty || g.state == Stable && g.protocolType == consumerProtocol && g.topics != nil
}

// unusedSince is when the retention of an offset begins: at the commit, or when the group's last member left.
func (g *group) unusedSince(o offset) time.Time {
	if g.protocolType != "" && g.state == Empty && !g.since.IsZero() {
		return g.since
	}
	return o.committed
}
