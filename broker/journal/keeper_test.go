package journal

import "testing"

// TestAFileIsInOnePlace has more files than are kept, and gives them back in two steps, so that the keeper removes some while the
// writer takes the prepared one into use: no file is ever in two places.
func TestAFileIsInOnePlace(t *testing.T) {
	disk := newDisk(t)
	j, err := Start(Config{FS: disk, Dir: "/j", FileBytes: minFileBytes, CheckpointBytes: minFileBytes, Policy: FlushOS}, Tail{})
	must(t, err)
	fill := func(files int) {
		for range files {
			must(t, j.AppendWait(&Frame{Type: Append, Payload: make([]byte, j.MaxPayload())}))
		}
	}
	for range 200 {
		fill(2 * minSpareFiles)
		some := j.LSN()
		fill(minSpareFiles)
		must(t, j.Checkpoint(some))
		fill(1) // the next file that is prepared carries this checkpoint
		all, filled := j.LSN(), make(chan struct{})
		go func() {
			defer close(filled)
			fill(1)
		}()
		j.recycle(all)
		<-filled
		for name, places := range j.places() {
			if places > 1 {
				t.Fatalf("%s is in %d places", name, places)
			}
		}
	}
	must(t, j.Close())
}

// places counts in how many places each file is.
func (j *Journal) places() map[string]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	count := map[string]int{}
	for _, list := range [][]*file{j.live, j.spare, {j.current, j.next}} {
		for _, f := range list {
			if f != nil {
				count[f.name]++
			}
		}
	}
	return count
}
