package limit

import "time"

// Limits of the HTTP listener (metrics and health).
const (
	// HTTPHeaderBytes caps a request's header: scrapers send under 1 KiB.
	HTTPHeaderBytes = 16 << 10
	// HTTPBodyBytes caps a request's body: none of the routes reads one.
	HTTPBodyBytes = 4 << 10
	// HTTPHeaderTime bounds the reading of a header, against clients that send a byte now and then.
	HTTPHeaderTime = 5 * time.Second
	// HTTPRequestTime bounds the reading of a whole request.
	HTTPRequestTime = 10 * time.Second
	// HTTPAnswerTime bounds an answer: Prometheus gives up after 10 s by default.
	HTTPAnswerTime = 15 * time.Second
	// HTTPIdleTime closes a kept-alive connection: twice Prometheus' default scrape interval.
	HTTPIdleTime = 2 * time.Minute
	// HTTPConnections caps the listener's connections: a few scrapers, probes and people.
	HTTPConnections = 128
)
