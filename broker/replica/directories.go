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
	moves := s.moves.asked() // before the replicas: one that has moved meanwhile is where it was to go
	s.Each(func(r *Replica) bool {
		if !wanted(r.topic, r.index) {
			return true
		}
		now := r.dir()
		if at := place[now]; at.Err == nil {
			at.Replicas = append(at.Replicas, DirectoryReplica{
				Topic: r.topic, Partition: r.index, Size: r.Size(), Lag: max(r.HighWatermark()-r.LogEnd(), 0),
			})
		}
		if to := moves[r]; to != nil && to != now && place[to].Err == nil {
			place[to].Replicas = append(place[to].Replicas, r.futureIn(to))
		}
		return true
	})
	return states
}

// futureIn describes a replica that is to go to a directory: nothing of it is there until its turn comes.
func (r *Replica) futureIn(to *storage.Directory) DirectoryReplica {
	state := DirectoryReplica{Topic: r.topic, Partition: r.index, Lag: r.LogEnd(), Future: true}
	if m := r.future.Load(); m != nil && m.Directory() == to {
		state.Size, state.Lag = m.Size(), r.LogEnd()-m.End()
	}
	return state
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
