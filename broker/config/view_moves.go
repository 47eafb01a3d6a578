package config

import (
	"math"
	"strconv"
)

// MoveBytesPerSecond is replica.alter.log.dirs.io.max.bytes.per.second, with what was changed at run time.
func (c *Config) MoveBytesPerSecond(d Dynamic) int64 {
	e, _ := c.Broker("replica.alter.log.dirs.io.max.bytes.per.second", d)
	n, err := strconv.ParseInt(e.Value, 10, 64) // values were parsed when they were set
	if err != nil {
		return math.MaxInt64
	}
	return n
}
