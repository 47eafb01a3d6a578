// Command sarama logs in by IBM's Sarama: each line of standard input is a log-in, as JSON, and each line of standard output what became
// of it. It is a module of its own, so that the broker's has not what Sarama needs.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/IBM/sarama"
)

// login is how to log in, and where to. What a way to log in does not need is empty.
type login struct {
	Name        string `json:"name"`
	Protocol    string `json:"protocol"`
	Bootstrap   string `json:"bootstrap"`
	CA          string `json:"ca"`
	Mechanism   string `json:"mechanism"`
	User        string `json:"user"`
	Password    string `json:"password"`
	Token       string `json:"token"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
	Kerberos    string `json:"kerberos"`
	Keytab      string `json:"keytab"`
	Realm       string `json:"realm"`
	Topic       string `json:"topic"`
	Value       string `json:"value"`
}

type answer struct {
	Name  string `json:"name"`
	Read  string `json:"read,omitempty"`
	Error string `json:"error,omitempty"`
}

const readTimeout = 30 * time.Second

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	lines, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var l login
		if err := lines.Decode(&l); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a log-in: %w", err)
		}
		a := answer{Name: l.Name}
		var err error
		if a.Read, err = exchange(l); err != nil {
			a.Error = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return fmt.Errorf("answer a log-in: %w", err)
		}
	}
}

// exchange writes one record and returns the first of the topic.
func exchange(l login) (string, error) {
	config, err := settings(l)
	if err != nil {
		return "", err
	}
	client, err := sarama.NewClient([]string{l.Bootstrap}, config)
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	defer client.Close()
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return "", fmt.Errorf("make a producer: %w", err)
	}
	defer producer.Close()
	message := &sarama.ProducerMessage{Topic: l.Topic, Value: sarama.StringEncoder(l.Value)}
	if _, _, err := producer.SendMessage(message); err != nil {
		return "", fmt.Errorf("write to %s: %w", l.Topic, err)
	}
	return first(client, l.Topic)
}

func first(client sarama.Client, topic string) (string, error) {
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return "", fmt.Errorf("make a consumer: %w", err)
	}
	defer consumer.Close()
	partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", topic, err)
	}
	defer partition.Close()
	select {
	case m := <-partition.Messages():
		return string(m.Value), nil
	case err := <-partition.Errors():
		return "", err
	case <-time.After(readTimeout):
		return "", fmt.Errorf("no record of %s in %s", topic, readTimeout)
	}
}
