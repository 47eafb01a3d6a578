package meta

// Broker is a registered broker.
type Broker struct {
	ID int32 `json:"id"`
	// Epoch is the index of the registration in the metadata log: a request from an older one is fenced.
	Epoch int64 `json:"epoch"`
	// Incarnation is a random id of the broker's process.
	Incarnation [16]byte `json:"incarnation"`
	Rack        string   `json:"rack,omitempty"`
	Fenced      bool     `json:"fenced,omitempty"`
	// Cordoned says that all log directories of the broker are: it gets no new partitions (KIP-1066).
	Cordoned  bool       `json:"cordoned,omitempty"`
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoint is one advertised listener.
type Endpoint struct {
	Listener string `json:"listener"`
	Protocol string `json:"protocol"`
	Host     string `json:"host"`
	Port     int32  `json:"port"`
}

// Endpoint returns the advertised address of a listener.
func (b *Broker) Endpoint(listener string) (Endpoint, bool) {
	for _, e := range b.Endpoints {
		if e.Listener == listener {
			return e, true
		}
	}
	return Endpoint{}, false
}
