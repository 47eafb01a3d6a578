//go:build !linux

package doctor

// MachineClock knows nothing of the clock on this operating system.
func MachineClock() Clock { return ClockUnknown }
