package storage

import (
	"strings"
	"testing"
)

func TestRetiredNamesTellThePartition(t *testing.T) {
	for _, topic := range []string{"a", "a-7", "a.b-c", strings.Repeat("x", 249)} {
		for _, partition := range []int32{0, 12345} {
			name := retiredDirName(partitionDirName(topic, partition), deleteDirSuffix)
			if got, ok := parseRetiredDir(name, deleteDirSuffix); !ok || got != partition || len(name) > maxDirNameBytes {
				t.Errorf("%s is of partition %d, %t", name, got, ok)
			}
		}
	}
	id := strings.Repeat("0", 32)
	for _, name := range []string{"", "-delete", "a-1-delete", "a-1.0-delete", id + "-delete", "." + id + "-delete", "a-b." + id + "-delete", "a-1." + id + "-stray"} {
		if partition, ok := parseRetiredDir(name, deleteDirSuffix); ok {
			t.Errorf("%q is of partition %d", name, partition)
		}
	}
}
