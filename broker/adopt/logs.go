package adopt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/storage"
)

// check verifies the logs without writing.
func (j *job) check(ctx context.Context, topics []*topicPlan) error {
	for _, t := range topics {
		r := t.report()
		for _, f := range t.logs {
			found, err := f.Check(ctx)
			if err != nil {
				return err
			}
			j.found(&r, f, found, "")
		}
		j.report.Topics = append(j.report.Topics, r)
	}
	j.conclude()
	return j.refusal()
}

// carryOut copies the logs, makes them part of the log directories, and then lets the metadata know.
func (j *job) carryOut(ctx context.Context, topics []*topicPlan) (err error) {
	if err := j.dropStaged(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.dropStaged()) }()
	staged, err := j.stage(ctx, topics)
	if err != nil {
		return err
	}
	j.conclude()
	if err := j.refusal(); err != nil {
		return err
	}
	if err := j.clear(topics); err != nil {
		return err
	}
	for _, s := range staged {
		if err := s.Publish(); err != nil {
			return err
		}
	}
	for _, d := range j.to.Directories {
		if err := d.Checkpoint(); err != nil {
			return err
		}
	}
	if err := j.commit(ctx, topics); err != nil {
		return err
	}
	j.report.Imported = true
	return nil
}

func (j *job) dropStaged() error {
	var errs []error
	for _, d := range j.to.Directories {
		errs = append(errs, d.DropStaged())
	}
	return errors.Join(errs...)
}

// stage copies the logs.
func (j *job) stage(ctx context.Context, topics []*topicPlan) ([]*storage.Staged, error) {
	places, err := newPlaces(j.to.Directories)
	if err != nil {
		return nil, err
	}
	var all []*storage.Staged
	for _, t := range topics {
		r := t.report()
		for i, f := range t.logs {
			d := places.emptiest()
			s, err := d.Stage(ctx, f)
			if err != nil {
				return nil, err
			}
			places.bytes[d] += s.Found.Bytes
			t.epochs[i] = max(t.epochs[i], s.Found.LatestEpoch)
			j.found(&r, f, s.Found, d.Path())
			j.to.Logger.Info("copied a partition", "topic", t.name, "partition", f.Partition, "records", s.Found.Records, "bytes", s.Found.Bytes, "to", d.Path())
			all = append(all, s)
		}
		j.report.Topics = append(j.report.Topics, r)
	}
	return all, nil
}

// places has the bytes of each log directory that takes new logs.
type places struct {
	directories []*storage.Directory
	bytes       map[*storage.Directory]int64
}

func newPlaces(directories []*storage.Directory) (*places, error) {
	p := &places{bytes: map[*storage.Directory]int64{}}
	for _, d := range directories {
		if d.Cordoned() {
			continue
		}
		p.directories = append(p.directories, d)
		d.Logs(func(l *storage.Log) bool { p.bytes[d] += l.Size(); return true })
	}
	if len(p.directories) == 0 {
		return nil, errors.New("no log directory takes new partitions: all are cordoned")
	}
	return p, nil
}

func (p *places) emptiest() *storage.Directory {
	return slices.MinFunc(p.directories, func(a, b *storage.Directory) int { return cmp.Compare(p.bytes[a], p.bytes[b]) })
}

func (t *topicPlan) report() TopicReport {
	return TopicReport{Name: t.name, ID: t.id.String(), Configs: t.configs, Partitions: []PartitionReport{}}
}

const (
	// forgedProducerID is where producer ids begin that no broker has given: Apache Kafka takes any that a client sends. To begin
	// above such a one would leave none to give.
	forgedProducerID = 1 << 62
	// forgedLeaderEpoch is where leader epochs begin that no election has made: one each second takes 34 years. Epochs go on above
	// those of the source, and beyond 2^31-1 there is none.
	forgedLeaderEpoch = 1 << 30
)

// leaderEpoch refuses an epoch above which there may be none left.
func (j *job) leaderEpoch(topic string, partition, epoch int32) {
	if epoch >= forgedLeaderEpoch {
		j.problem(Blocked, topic, "partition %d: its leader epoch is %d, and epochs end at 2147483647: no elections have led there", partition, epoch)
	}
}

// found reports a log.
func (j *job) found(r *TopicReport, f *storage.Foreign, found *storage.ForeignLog, to string) {
	if found.MaxProducerID < forgedProducerID {
		j.producers = max(j.producers, found.MaxProducerID+1)
	}
	j.leaderEpoch(f.Topic, f.Partition, found.LatestEpoch)
	r.Records += found.Records
	r.Bytes += found.Bytes
	r.Partitions = append(r.Partitions, PartitionReport{
		Partition: f.Partition, From: f.Dir, To: to, StartOffset: found.Start, EndOffset: found.End, Records: found.Records,
		Bytes: found.Bytes, LeaderEpoch: found.LatestEpoch, Cut: found.Cut, OpenTransactions: len(found.Open),
	})
	j.open(f, found.Open)
}

// open reports open transactions. The state of their coordinators comes along where there is one, and so they end as they would
// have in Apache Kafka.
func (j *job) open(f *storage.Foreign, open []storage.OpenTransaction) {
	switch {
	case len(open) == 0:
	case j.coordinated:
		j.note(fmt.Sprintf("Topic %s: partition %d has %d open transaction(s), the first one from offset %d on: their producers or their time-outs end them.",
			f.Topic, f.Partition, len(open), firstOpen(open)))
	default:
		j.problem(OpenTransactions, f.Topic, "partition %d has %d open transaction(s), the first one from offset %d on, and without __transaction_state nobody ends them: "+
			"read-committed consumers do not get beyond it until somebody aborts them (kafka-transactions abort)", f.Partition, len(open), firstOpen(open))
	}
}

func firstOpen(open []storage.OpenTransaction) int64 {
	first := open[0].FirstOffset
	for _, t := range open {
		first = min(first, t.FirstOffset)
	}
	return first
}

// conclude reports what depends on all logs.
func (j *job) conclude() { j.report.NextProducerID = max(j.producers, j.to.Image().NextProducerID()) }

// clear removes what an earlier run has published without letting the metadata know.
func (j *job) clear(topics []*topicPlan) error {
	for _, t := range topics {
		for _, f := range t.logs {
			for _, d := range j.to.Directories {
				l := d.Log(t.name, f.Partition)
				if l == nil {
					continue
				}
				if l.TopicID() != t.id {
					return fmt.Errorf("%s holds a log of partition %d of another topic %s, with the id %s: start the broker once, which sets it aside",
						d.Path(), f.Partition, t.name, meta.TopicID(l.TopicID()))
				}
				if err := d.Delete(t.id, f.Partition); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
