package config

import (
	"strconv"
	"time"
)

// maxReauth is how long SASL sessions last. Apache Kafka takes it per listener, per mechanism, and per mechanism of a listener.
const maxReauth = "connections.max.reauth.ms"

// maxSession fills in how long the sessions of a listener's mechanisms last.
func (l *loader) maxSession(e *Listener) {
	for _, m := range e.Mechanisms {
		n, _ := strconv.ParseInt(l.config.ofMechanism(e.Name, m, maxReauth), 10, 64) // it was parsed when it was read
		if n <= 0 {
			continue
		}
		if e.MaxSession == nil {
			e.MaxSession = map[string]time.Duration{}
		}
		e.MaxSession[m] = millis(n)
	}
}
