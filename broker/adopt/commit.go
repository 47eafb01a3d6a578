package adopt

import (
	"context"
	"fmt"

	"github.com/chronik-stream/chronik/broker/meta"
)

// commit writes into the metadata log. The topics come last and all at once: before that nothing of the import is seen, and
// running it again repeats the rest without harm.
func (j *job) commit(ctx context.Context, topics []*topicPlan) error {
	for _, step := range []func(context.Context) error{j.commitProducers, j.commitUsers, j.commitACLs, j.commitTokens, j.commitQuotas} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	adopt := &meta.AdoptTopics{Origin: j.origin("CreateTopics"), Node: j.to.NodeID}
	for _, t := range topics {
		epochs := make([]int32, len(t.epochs))
		for i, e := range t.epochs {
			epochs[i] = e + 1
		}
		adopt.Topics = append(adopt.Topics, meta.AdoptedTopic{
			Name: t.name, ID: t.id, LeaderEpochs: epochs, Configs: t.configs, Internal: t.internal(),
		})
	}
	if err := j.propose(ctx, adopt); err != nil {
		return fmt.Errorf("take over the topics: %w", err)
	}
	return nil
}

// commitProducers goes beyond all producer ids of the source: one that is given twice would be refused its sequence numbers, or have
// its records taken for repetitions.
func (j *job) commitProducers(ctx context.Context) error {
	count := j.report.NextProducerID - j.to.Image().NextProducerID()
	if count <= 0 {
		return nil
	}
	if err := j.propose(ctx, &meta.AllocateProducerIDs{Broker: j.to.NodeID, Count: count}); err != nil {
		return fmt.Errorf("go beyond the producer ids of the source: %w", err)
	}
	return nil
}

func (j *job) commitUsers(ctx context.Context) error {
	if len(j.users) == 0 {
		return nil
	}
	if err := j.propose(ctx, &meta.AlterScram{Origin: j.origin("AlterUserScramCredentials"), Upserts: j.users}); err != nil {
		return fmt.Errorf("import the users: %w", err)
	}
	return nil
}

func (j *job) commitACLs(ctx context.Context) error {
	if len(j.acls) == 0 {
		return nil
	}
	if err := j.propose(ctx, &meta.CreateACLs{Origin: j.origin("CreateAcls"), Bindings: j.acls}); err != nil {
		return fmt.Errorf("import the ACLs: %w", err)
	}
	return nil
}
