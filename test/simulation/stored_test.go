package simulation

import (
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/broker/replica"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestBankOnStorage is TestBank, with a tenth of its seeds, with the logs of broker/replica and broker/storage, on a disk in memory that loses what is not synced.
// Goroutines of storage take part: a seed repeats most runs, not all.
func TestBankOnStorage(t *testing.T) {
	forEachSeed(t, 50, 10, func(t *testing.T, seed uint64) {
		synctest.Test(t, func(t *testing.T) {
			w := newStoredWorld(seed, func(*storedDisk) {})
			if found := w.run(); len(found) > 0 {
				t.Errorf("seed %d, %+v: %s", seed, w.draw, strings.Join(found, "\n"))
			}
		})
	})
}

// TestBankOnStorageFindsFaults: a journal whose syncs do nothing, and partitions that take what is not verified, are found within few seeds.
func TestBankOnStorageFindsFaults(t *testing.T) {
	cases := map[string]func(d *storedDisk){
		"syncs do nothing":    func(d *storedDisk) { d.lies = true },
		"nothing is verified": func(d *storedDisk) { d.unverified = true },
	}
	for name, fault := range cases {
		t.Run(name, func(t *testing.T) {
			const most = 400
			for seed := range uint64(most) {
				var found []string
				synctest.Test(t, func(*testing.T) { found = newStoredWorld(seed, fault).run() })
				if len(found) > 0 {
					t.Logf("found by seed %d: %s", seed, found[0])
					return
				}
			}
			t.Errorf("%d seeds find nothing", most)
		})
	}
}

// newStoredWorld returns a world whose disk is changed before anything happens.
func newStoredWorld(seed uint64, change func(*storedDisk)) *world {
	w := newWorld(seed, faults{})
	d := &storedDisk{w: w, memory: vfs.NewMemory(w.clock), walker: record.NewWalker(), image: meta.NewImage()}
	change(d)
	topics := map[string]int32{}
	for _, at := range w.places() {
		topics[at.Topic] = max(topics[at.Topic], at.Partition+1)
	}
	d.apply(&meta.RegisterBroker{Broker: meta.Broker{ID: nodeID}})
	for i, at := range w.places() {
		if at.Partition == 0 {
			d.apply(&meta.CreateTopics{Topics: []meta.NewTopic{{Name: at.Topic, ID: meta.TopicID{byte(i + 1)}, Replicas: replicasOf(topics[at.Topic])}}})
		}
	}
	w.disk = d
	return w
}

const nodeID = 1

func replicasOf(partitions int32) (all [][]int32) {
	for range partitions {
		all = append(all, []int32{nodeID})
	}
	return all
}

// clock is the time when everything began: the goroutines of storage must not read the time that changes.
func (w *world) clock() time.Time { return time.UnixMilli(1_700_000_000_000) }

// storedDisk keeps logs as the broker does.
type storedDisk struct {
	w      *world
	memory *vfs.Memory
	walker *record.Walker
	image  *meta.Image
	// lies has syncs do nothing, unverified turns verification off.
	lies, unverified bool

	gate    *gate
	dir     *storage.Directory
	logs    map[txn.TopicPartition]*storedLog
	planned bool // that the disk does something
}

func (d *storedDisk) apply(c meta.Command) {
	d.image, _, _ = d.image.Apply(d.image.Index()+1, c)
}

// open recovers the directory, and leads all partitions in a new epoch.
func (d *storedDisk) open() error {
	d.gate, d.planned = &gate{FS: d.memory, lies: d.lies}, false
	dir, err := storage.Open(storage.Config{
		FS: d.gate, Dir: "/data", JournalFileBytes: 1 << 20, CheckpointInterval: time.Hour, Clock: d.w.clock, RecoveryThreads: 1,
	})
	if err != nil {
		return err
	}
	d.dir = dir
	return d.lead()
}

// lead opens the replicas of all partitions.
func (d *storedDisk) lead() error {
	metrics, err := replica.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		return err
	}
	set := replica.NewSet(replica.Config{
		NodeID: nodeID, Directories: []*storage.Directory{d.dir}, Walker: d.walker, Settings: d.settings, Metrics: metrics, Clock: d.w.clock,
		Logger: slog.New(slog.DiscardHandler),
	})
	d.apply(&meta.RegisterBroker{Broker: meta.Broker{ID: nodeID}})
	var delta meta.Delta
	d.image.Topics(func(t *meta.Topic) bool {
		delta.TopicsCreated = append(delta.TopicsCreated, t)
		return true
	})
	set.Follow(meta.NewImage(), d.image, delta)
	d.logs = map[txn.TopicPartition]*storedLog{}
	for _, at := range d.w.places() {
		d.logs[at] = &storedLog{disk: d, replica: set.Get(at.Topic, at.Partition)}
	}
	d.settle()
	d.gate.shut.Store(true)
	return nil
}

func (d *storedDisk) settings(*meta.Topic) *replica.Settings {
	log := storage.DefaultLogConfig()
	log.VerifyTransactions = !d.unverified
	return &replica.Settings{Log: log, BeforeMaxMs: math.MaxInt64, AfterMaxMs: math.MaxInt64, MaxMessageBytes: 1 << 20, MinISR: 1}
}

// settle lets the disk finish all that is to do.
func (d *storedDisk) settle() {
	for synctest.Wait(); d.gate.grant(); synctest.Wait() {
	}
}

func (d *storedDisk) crash() {
	d.memory = d.memory.Crash(d.w.r.Uint64())
	d.close()
}

func (d *storedDisk) failed() bool { return d.dir.Err() != nil }

func (d *storedDisk) close() {
	d.gate.open()
	_ = d.dir.Close() // the disk is gone, or no longer looked at
}

func (d *storedDisk) partition(at txn.TopicPartition) partition { return d.logs[at] }

// plan has the disk do some of what there is to do, after a while, and go on until nothing is left.
func (d *storedDisk) plan() {
	if d.planned {
		return
	}
	d.planned = true
	owner := d.w.broker
	d.w.after(d.w.upTo(5*time.Millisecond), func() {
		if d.w.broker != owner {
			return
		}
		d.planned = false
		if d.w.oneIn(2) {
			d.settle()
		} else {
			synctest.Wait()
			d.gate.grant()
			synctest.Wait()
		}
		for _, at := range d.w.places() {
			if l := d.logs[at]; !l.confirm() {
				d.plan()
			}
		}
	})
}
