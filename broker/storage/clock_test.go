package storage

import (
	"sync/atomic"
	"time"
)

// testClock is a clock that stands still until it is moved. The directory's goroutines read it too.
type testClock struct{ since atomic.Int64 }

func (c *testClock) now() time.Time { return testTime.Add(time.Duration(c.since.Load())) }

func (c *testClock) move(d time.Duration) { c.since.Add(int64(d)) }
