package doctor

import "golang.org/x/sys/unix"

// MachineClock asks the kernel whether something, such as an NTP daemon, keeps its clock in step (adjtimex(2)).
func MachineClock() Clock {
	state, err := unix.Adjtimex(&unix.Timex{})
	switch {
	case err != nil:
		return ClockUnknown
	case state == unix.TIME_ERROR:
		return ClockAlone
	default:
		return ClockSynchronized
	}
}
