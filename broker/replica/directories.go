package replica

import "github.com/chronik-stream/chronik/broker/storage"

// DirectoryState is a log directory as DescribeLogDirs shows it.
type DirectoryState struct {
	Path string
	// Err is why the directory is offline, or nil.
	Err      error
	Cordoned bool
	// TotalBytes and UsableBytes are the volume's, -1 where they are not known.
	TotalBytes, UsableBytes int64
	// Replicas are the partitions in it; none where it is offline.
	Replicas []DirectoryReplica
}

// DirectoryReplica is a partition in a log directory.
type DirectoryReplica struct {
	Topic     string
	Partition int32
	// Size is the size of the segments, in bytes.
	Size int64
	// Lag is how far the log is behind: of a future replica behind the present one, of that behind the high watermark.
	Lag    int64
	Future bool
}

// Directories describes the log directories, in the order of log.dirs, with the partitions that wanted asks for.
func (s *Set) Directories(wanted func(topic string, partition int32) bool) []DirectoryState {
	states := make([]DirectoryState, len(s.cfg.Directories))
	place := make(map[*storage.Directory]*DirectoryState, len(states))
	for i, d := range s.cfg.Directories {
		states[i] = stateOf(d)
		place[d] = &states[i]
	}
	s.Each(func(r *Replica) bool {
		if to := place[r.dir()]; to.Err == nil && wanted(r.topic, r.index) {
			to.Replicas = append(to.Replicas, DirectoryReplica{
				Topic: r.topic, Partition: r.index, Size: r.Size(), Lag: max(r.HighWatermark()-r.LogEnd(), 0),
			})
		}
		if m := r.future.Load(); m != nil && wanted(r.topic, r.index) {
			to := place[m.Directory()]
			to.Replicas = append(to.Replicas, DirectoryReplica{
				Topic: r.topic, Partition: r.index, Size: m.Size(), Lag: r.LogEnd() - m.End(), Future: true,
			})
		}
		return true
	})
	return states
}

func stateOf(d *storage.Directory) DirectoryState {
	state := DirectoryState{Path: d.Path(), Err: d.Err(), Cordoned: d.Cordoned(), TotalBytes: -1, UsableBytes: -1}
	if state.Err != nil {
		return state
	}
	if space, err := d.Space(); err == nil {
		state.TotalBytes, state.UsableBytes = space.Total, space.Usable
	}
	return state
}
