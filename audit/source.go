package audit

import "strconv"

// Source is the broker that events come from.
type Source struct {
	// Version is the broker's version.
	Version string
	// ClusterID and NodeID say which broker of which cluster.
	ClusterID string
	NodeID    int32
}

func (s Source) product() productObject {
	return productObject{Name: productName, Vendor: vendor, Version: s.Version, UID: s.ClusterID + "/" + s.node()}
}

func (s Source) node() string { return strconv.FormatInt(int64(s.NodeID), 10) }
