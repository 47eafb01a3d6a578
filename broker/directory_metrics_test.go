package broker

import (
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// TestDirectoriesShowWhatTheyRefused: an offline one, too.
func TestDirectoriesShowWhatTheyRefused(t *testing.T) {
	disk := vfs.NewMemory(nil)
	d, err := storage.Open(storage.Config{FS: disk, Dir: "/data", JournalFileBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Create(storage.TopicID{1}, "topic", 0, storage.DefaultLogConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	var b record.Builder
	b.Add(1, nil, []byte("v"))
	if _, err := l.Append(b.Batch(), storage.AppendInfo{Origin: storage.Client}); wire.CodeOf(err) != wire.KafkaStorageError {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newDirectoryMetrics([]*storage.Directory{d, storage.Unopened(storage.Config{Dir: "/gone"}, errors.New("gone"))}))
	got := metricsOf(t, registry)
	const prefix = "chronik_log_directory_"
	for name, want := range map[string]float64{
		prefix + "refused_batches_total /data offline": 1, prefix + "refused_batches_total /data full": 0,
		prefix + "refused_batches_total /data open files": 0, prefix + "failed_reads_total /data": 0,
		prefix + "refused_batches_total /gone offline": 0, prefix + "failed_reads_total /gone": 0, prefix + "online /gone": 0,
	} {
		if value, there := got[name]; !there || value != want {
			t.Errorf("%s is %v, want %v", name, value, want)
		}
	}
}
