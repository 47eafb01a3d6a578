package storage

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// The names of Kafka's files (LogFileUtils of Apache Kafka).
const (
	logSuffix       = ".log"
	offsetSuffix    = ".index"
	timeSuffix      = ".timeindex"
	txnSuffix       = ".txnindex"
	sumsSuffix      = ".sums"
	snapshotSuffix  = ".snapshot"
	deletedSuffix   = ".deleted"
	cleanedSuffix   = ".cleaned"
	swapSuffix      = ".swap"
	deleteDirSuffix = "-delete"
	strayDirSuffix  = "-stray"
	futureDirSuffix = "-future"

	epochFile          = "leader-epoch-checkpoint"
	metadataFile       = "partition.metadata"
	recoveryPointFile  = "recovery-point-offset-checkpoint"
	indexPointFile     = "index-point-offset-checkpoint"
	logStartFile       = "log-start-offset-checkpoint"
	cleanerFile        = "cleaner-offset-checkpoint"
	cleanShutdownFile  = ".kafka_cleanshutdown"
	lockFile           = ".lock"
	reserveFile        = "chronik.reserve"
	maxDirNameBytes    = 255
	retiredIDBytes     = 16
	metadataPartition  = "__cluster_metadata-0"
	remoteIndexCache   = "remote-log-index-cache"
	segmentNameDigits  = 20
	directorySeparator = '-'
)

// segmentSuffixes are those of the files that belong to one segment.
var segmentSuffixes = [...]string{logSuffix, offsetSuffix, timeSuffix, txnSuffix, sumsSuffix}

func offsetName(offset int64, suffix string) string {
	return fmt.Sprintf("%0*d%s", segmentNameDigits, offset, suffix)
}

// parseOffsetName reads the offset from the name of a file with a suffix.
func parseOffsetName(name, suffix string) (offset int64, ok bool) {
	digits, found := strings.CutSuffix(name, suffix)
	if !found || len(digits) != segmentNameDigits {
		return 0, false
	}
	offset, err := strconv.ParseInt(digits, 10, 64)
	return offset, err == nil && offset >= 0
}

func partitionDirName(topic string, partition int32) string {
	return topic + string(directorySeparator) + strconv.Itoa(int(partition))
}

// parsePartitionDir splits TOPIC-PARTITION.
func parsePartitionDir(name string) (topic string, partition int32, ok bool) {
	i := strings.LastIndexByte(name, directorySeparator)
	if i <= 0 {
		return "", 0, false
	}
	n, err := strconv.ParseInt(name[i+1:], 10, 32)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != name[i+1:] {
		return "", 0, false
	}
	return name[:i], int32(n), true
}

// retiredDirName is the unique name of a directory that is no longer a log's: <topic>-<partition>.<32 hex digits><suffix>. Of a topic
// whose name is too long for that the end is left out.
func retiredDirName(name, suffix string) string {
	var id [retiredIDBytes]byte
	_, _ = rand.Read(id[:]) // never fails, crypto/rand
	at := strings.LastIndexByte(name, directorySeparator)
	tail := name[at:] + "." + hex.EncodeToString(id[:]) + suffix
	return name[:min(at, maxDirNameBytes-len(tail))] + tail
}

// parseRetiredDir reads the partition from a name that retiredDirName has made.
func parseRetiredDir(name, suffix string) (partition int32, ok bool) {
	const idDigits = 2 * retiredIDBytes
	base, ok := strings.CutSuffix(name, suffix)
	at := len(base) - idDigits - 1
	if !ok || at < 0 || base[at] != '.' {
		return 0, false
	}
	_, partition, ok = parsePartitionDir(base[:at])
	return partition, ok
}
