package config

import "time"

// Quotas say over how long client quotas are measured.
type Quotas struct {
	// Samples and Window are quota.window.num and quota.window.size.seconds.
	Samples int
	Window  time.Duration
	// ControllerSamples and ControllerWindow are controller.quota.window.num and controller.quota.window.size.seconds.
	ControllerSamples int
	ControllerWindow  time.Duration
}

func (l *loader) quotas() {
	c := l.config
	seconds := func(key string) time.Duration { return time.Duration(c.long(key)) * time.Second }
	c.Quotas = Quotas{
		Samples: int(c.long("quota.window.num")), Window: seconds("quota.window.size.seconds"),
		ControllerSamples: int(c.long("controller.quota.window.num")), ControllerWindow: seconds("controller.quota.window.size.seconds"),
	}
}
