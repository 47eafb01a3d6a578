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
	for _, id := range sortedKeys(m.modern) {
		records = append(records, m.expireModern(m.modern[id])...)
	}
	m.append(records...)
}

// expireModern removes offsets of topics that nobody subscribes to, and the group when it has nothing else.
func (m *Machine) expireModern(g *modernGroup) []Record {
	records := m.offsets.tombstones(g.id, func(k partitionKey, o offset) bool {
		return m.unused(g.id, k, o.expiry(o.committed, m.cfg.OffsetsRetention), g.subscribes)
	})
	if len(g.members) == 0 && !m.offsets.has(g.id) {
		records = append(records, m.forgetModern(g)...)
	}
	return records
}

// unused reports whether an offset may go: its time is over, nobody reads the topic, and no transaction is about to commit another.
func (m *Machine) unused(groupID string, k partitionKey, end time.Time, subscribes func(topic string) bool) bool {
	return !subscribes(k.topic) && !m.offsets.unstable(groupID, k.topic, k.partition) && !m.now.Before(end)
}

// expiry is when the offset has not been used for as long as it is kept.
func (o offset) expiry(unusedSince time.Time, retention time.Duration) time.Time {
	if !o.expires.IsZero() {
		return o.expires
	}
	return unusedSince.Add(retention)
}

func (m *Machine) expireOf(g *group) []Record {
	if !g.expires() {
		return nil
	}
	return m.offsets.tombstones(g.id, func(k partitionKey, o offset) bool {
		return m.unused(g.id, k, o.expiry(g.unusedSince(o), m.cfg.OffsetsRetention), g.subscribes)
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
