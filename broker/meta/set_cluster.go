package meta

import "github.com/chronik-stream/chronik/broker/wire"

// SetCluster gives the cluster its id and the levels of its features. It is the first entry of the log, written when a data
// directory is formatted; the id is never changed.
type SetCluster struct {
	ClusterID string           `json:"clusterId"`
	Features  map[string]int16 `json:"features,omitempty"`
	// Secret is random: what unknown users are shown as their salt is made with it, the same on every broker.
	Secret []byte `json:"secret"`
}

func (*SetCluster) kind() string { return "SetCluster" }

func (c *SetCluster) apply(d *draft) {
	if d.img.clusterID != "" && d.img.clusterID != c.ClusterID {
		d.item(c.ClusterID, wire.InconsistentClusterID, "the cluster's id is %s", d.img.clusterID)
		return
	}
	d.img.clusterID, d.img.secret = c.ClusterID, c.Secret
	for name, level := range c.Features {
		d.setFeature(name, level)
	}
	d.item(c.ClusterID, wire.None, "")
}
