package server

import (
	"reflect"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Metrics are the server's counters. No label takes a value that a client chooses.
type Metrics struct {
	connections  *prometheus.GaugeVec
	accepted     *prometheus.CounterVec
	turnedAway   *prometheus.CounterVec
	closed       *prometheus.CounterVec
	unmet        *prometheus.CounterVec
	handshakes   *prometheus.CounterVec
	logins       *prometheus.CounterVec
	failedLogins *prometheus.CounterVec
	delayed      *prometheus.CounterVec
	unchecked    *prometheus.CounterVec
	lockouts     *prometheus.CounterVec
	requests     *prometheus.CounterVec
	refused      *prometheus.CounterVec
	malformed    *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	received     prometheus.Counter
	sent         prometheus.Counter
	inFlight     prometheus.Gauge
	panics       prometheus.Counter
	usesEarly    prometheus.Counter
	renewalMetrics
}

// NewMetrics makes the counters and registers them. It fails when one of the names is taken.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		renewalMetrics: newRenewalMetrics(),

		connections:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "chronik_connections", Help: "Open client connections."}, []string{"listener"}),
		accepted:     counters("chronik_connections_accepted_total", "Connections that were let in, before their log-in.", "listener"),
		turnedAway:   counters("chronik_connections_turned_away_total", "Connections closed at once, by the limit that was reached.", "listener", "limit"),
		closed:       counters("chronik_connections_closed_total", "Ended connections, by reason.", "listener", "reason"),
		unmet:        counters("chronik_listener_requirement_refusals_total", "Connections refused for what the listener requires (chronik.listener.require).", "listener", "requirement"),
		handshakes:   counters("chronik_tls_handshakes_total", "Completed TLS handshakes, by version and group of the key exchange.", "listener", "version", "group"),
		logins:       counters("chronik_logins_total", "Successful log-ins.", "listener", "method"),
		failedLogins: counters("chronik_failed_logins_total", "Failed log-ins.", "listener", "method"),
		delayed:      counters("chronik_logins_delayed_total", "Log-ins that had to wait before their password was checked, after failed ones.", "listener"),
		unchecked:    counters("chronik_logins_unchecked_total", "Log-ins that were refused without a look at the password: too many were before them (delay), others of the user were checked for too long (busy), or a lock-out holds (locked).", "listener", "why"),
		lockouts:     counters("chronik_login_lockouts_total", "Lock-outs that failed log-ins have begun.", "listener"),
		requests:     counters("chronik_requests_total", "Answered requests, by their top-level error code; item codes are not counted.", "api", "code"),
		refused:      counters("chronik_requests_denied_total", "Requests refused whole by authorization.", "api"),
		malformed:    counters("chronik_malformed_requests_total", "Input that ended its connection, by where it was found.", "stage"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chronik_request_duration_seconds", Help: "From the last byte of a request to the encoding of its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
		}, []string{"api"}),
		received:  prometheus.NewCounter(prometheus.CounterOpts{Name: "chronik_received_bytes_total", Help: "Bytes of request frames."}),
		sent:      prometheus.NewCounter(prometheus.CounterOpts{Name: "chronik_sent_bytes_total", Help: "Bytes of response frames."}),
		inFlight:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "chronik_requests_in_flight_bytes", Help: "Memory of the requests being served."}),
		panics:    prometheus.NewCounter(prometheus.CounterOpts{Name: "chronik_connection_panics_total", Help: "Connections ended by a fault in the broker."}),
		usesEarly: prometheus.NewCounter(prometheus.CounterOpts{Name: "chronik_audit_access_early_total", Help: "Times that a session's uses of rights were written to the audit log before their period was over, for want of room."}),
	}
	all := []prometheus.Collector{
		m.connections, m.accepted, m.turnedAway, m.closed, m.unmet, m.handshakes, m.logins, m.failedLogins, m.delayed, m.unchecked, m.lockouts, m.requests, m.refused, m.malformed,
		m.duration, m.received, m.sent, m.inFlight, m.panics, m.usesEarly,
	}
	for _, c := range append(all, m.renewalCollectors()...) {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// rowMetrics are the counters of one API, looked up once.
type rowMetrics struct {
	name string
	all  *Metrics
	// errorCode is the index of the response's top-level ErrorCode; nil where it has none.
	errorCode []int
	fine      prometheus.Counter
	duration  prometheus.Observer
}

func (m *Metrics) row(row *api.Row) *rowMetrics {
	r := &rowMetrics{
		name: row.Name, all: m,
		fine:     m.requests.WithLabelValues(row.Name, wire.CodeName(wire.None)),
		duration: m.duration.WithLabelValues(row.Name),
	}
	request := kmsg.RequestForKey(row.Key)
	if request == nil {
		return r
	}
	field, found := reflect.TypeOf(request.ResponseKind()).Elem().FieldByName("ErrorCode")
	if found && field.Type.Kind() == reflect.Int16 {
		r.errorCode = field.Index
	}
	return r
}

// answered counts one request by its answer, which is nil where none is sent.
func (r *rowMetrics) answered(response kmsg.Response, took time.Duration) {
	r.duration.Observe(took.Seconds())
	if response != nil && r.errorCode != nil {
		v := reflect.ValueOf(response).Elem()
		if v.Kind() == reflect.Struct && len(r.errorCode) == 1 && r.errorCode[0] < v.NumField() {
			if code := int16(v.FieldByIndex(r.errorCode).Int()); code != wire.None { //nolint:gosec // an int16 field
				r.all.requests.WithLabelValues(r.name, wire.CodeName(code)).Inc()
				return
			}
		}
	}
	r.fine.Inc()
}
