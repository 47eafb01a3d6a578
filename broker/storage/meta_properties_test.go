package storage

import (
	"path"
	"testing"

	"github.com/chronik-stream/chronik/broker/vfs"
)

// TestDamagedMetaProperties flips every byte of meta.properties and of its side-car, and cuts both at every length: what is read is
// what was written, or nothing.
func TestDamagedMetaProperties(t *testing.T) {
	disk := vfs.NewMemory(nil)
	want := MetaProperties{ClusterID: "MkU3OEVBNTcwNTJENDM2Qg", NodeID: 3, DirectoryID: [16]byte{1, 2}}
	must(t, want.Write(disk, testDir))
	good := wholeDisk(t, disk)
	for _, file := range []string{metaPropertiesFile, metaPropertiesFile + sumsSuffix} {
		name := path.Join(testDir, file)
		refused := 0
		try := func(what string, at int, damaged string) {
			files := map[string]string{name: damaged}
			for other, data := range good {
				if other != name {
					files[other] = data
				}
			}
			got, err := ReadMetaProperties(diskOf(t, files), testDir)
			if err != nil {
				refused++
			} else if *got != want {
				t.Errorf("%s, %s %d: %+v", file, what, at, *got)
			}
		}
		data := good[name]
		for i := range data {
			flipped := []byte(data)
			flipped[i] ^= 1 << (i % 8)
			try("byte", i, string(flipped))
			try("length", i, data[:i])
		}
		if wanted := 2 * len(data); file == metaPropertiesFile && refused != wanted || len(data) == 0 {
			t.Errorf("%s: %d of %d damaged files are refused", file, refused, wanted)
		}
	}
}
