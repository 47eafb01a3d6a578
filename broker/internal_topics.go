package broker

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// ensureTopic creates a topic of the broker's own where it is missing.
func ensureTopic(ctx context.Context, log *metadataLog, name string, t InternalTopic, now time.Time) error {
	img := log.Image()
	if img.Topic(name) != nil {
		return nil
	}
	brokers := 0
	img.Brokers(func(*meta.Broker) bool { brokers++; return true })
	replicas, err := controller.Place(img, 0, t.Partitions, min(t.Factor, brokers), 0)
	if err != nil {
		return fmt.Errorf("create topic %s: %w", name, err)
	}
	result, err := log.Propose(ctx, &meta.CreateTopics{
		Origin: meta.Origin{EventID: rand.Text(), Principal: "User:(broker)", API: "CreateTopics", Time: now},
		Topics: []meta.NewTopic{{Name: name, ID: controller.NewTopicID(), Replicas: replicas, Configs: t.Configs, Internal: true}},
	})
	if err != nil {
		return fmt.Errorf("create topic %s: %w", name, err)
	}
	if item := result.Items[0]; item.Code != wire.None && item.Code != wire.TopicAlreadyExists {
		return fmt.Errorf("create topic %s: %s: %s", name, wire.CodeName(item.Code), item.Message)
	}
	return nil
}
