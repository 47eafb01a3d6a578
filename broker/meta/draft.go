package meta

import (
	"fmt"
	"maps"

	"github.com/chronik-stream/chronik/authz"
)

// draft is the next image while a command is applied to it.
type draft struct {
	img    *Image
	delta  Delta
	result Result
	seq    int
	// requests is how many requests that take two persons the command's own requester has; nil where they are not counted yet.
	requests *int
	// administrators are whom ACLs make administrators; nil where nobody has asked yet. No command that asks changes ACLs.
	administrators map[string]bool
}

// Apply returns the image after the command, what changed and the answer. The receiver stays as it is, so applying and
// dropping the result is a validation.
func (img *Image) Apply(index uint64, c Command) (*Image, Delta, Result) {
	next := *img
	next.index = index
	d := &draft{img: &next, delta: Delta{Index: index}, result: Result{Index: index}}
	c.apply(d)
	return d.img, d.delta, d.result
}

func (d *draft) item(name string, code int16, format string, args ...any) {
	d.result.Items = append(d.result.Items, ItemResult{Name: name, Code: code, Message: fmt.Sprintf(format, args...)})
}

func (d *draft) putTopic(t *Topic) {
	old := d.img.Topic(t.Name)
	d.img.topicsIndex = d.img.index
	d.img.topics, _, _ = d.img.topics.Insert([]byte(t.Name), t)
	d.img.topicIDs, _, _ = d.img.topicIDs.Insert(t.ID[:], t)
	if old == nil {
		if foldable(t.Name) {
			d.img.folded, _, _ = d.img.folded.Insert(fold(t.Name), t.Name)
		}
		d.img.partitions += len(t.Partitions)
		d.delta.TopicsCreated = append(d.delta.TopicsCreated, t)
		return
	}
	d.img.partitions += len(t.Partitions) - len(old.Partitions)
	d.delta.TopicsChanged = append(d.delta.TopicsChanged, TopicChange{Old: old, New: t})
}

func (d *draft) removeTopic(t *Topic) {
	d.img.topicsIndex = d.img.index
	d.img.topics, _, _ = d.img.topics.Delete([]byte(t.Name))
	d.img.topicIDs, _, _ = d.img.topicIDs.Delete(t.ID[:])
	if foldable(t.Name) {
		d.img.folded, _, _ = d.img.folded.Delete(fold(t.Name))
	}
	d.img.partitions -= len(t.Partitions)
	d.delta.TopicsDeleted = append(d.delta.TopicsDeleted, t)
}

// putConfig replaces the configuration of a resource; an empty one removes it.
func (d *draft) putConfig(key ResourceKey, c map[string]string) {
	d.delta.ConfigsChanged = append(d.delta.ConfigsChanged, key)
	if key.Type == TopicConfig {
		changed := *d.img.Topic(key.Name)
		changed.Configs = c
		d.putTopic(&changed)
		return
	}
	d.storeConfig(key, c)
}

func (d *draft) storeConfig(key ResourceKey, c map[string]string) {
	before := d.img.configs.Len()
	if len(c) == 0 {
		d.img.configs, _, _ = d.img.configs.Delete(key.bytes())
	} else {
		d.img.configs, _, _ = d.img.configs.Insert(key.bytes(), c)
	}
	if key.Type == UserConfig {
		d.img.principals += d.img.configs.Len() - before
	}
}

func (d *draft) addACL(b authz.Binding) {
	tree, _, existed := d.img.acls.Insert(aclKey(b), b)
	d.img.acls = tree
	if !existed {
		d.delta.ACLs.Added = append(d.delta.ACLs.Added, b)
	}
}

func (d *draft) removeACL(b authz.Binding) {
	tree, _, existed := d.img.acls.Delete(aclKey(b))
	d.img.acls = tree
	if existed {
		d.delta.ACLs.Removed = append(d.delta.ACLs.Removed, b)
	}
}

// aclKey orders ACLs by resource.
func aclKey(b authz.Binding) []byte {
	key := []byte{byte(b.Type), byte(b.Pattern)}
	for _, field := range []string{b.Name, b.Principal, b.Host} {
		key = appendField(key, field)
	}
	return append(key, byte(b.Operation), byte(b.Permission))
}

// appendField appends text and an end that no text holds, so that keys of several fields are unambiguous and sort by field.
func appendField(key []byte, text string) []byte {
	for i := range len(text) {
		if key = append(key, text[i]); text[i] == 0 {
			key = append(key, 0xff)
		}
	}
	return append(key, 0, 1)
}

func (d *draft) setFeature(name string, level int16) {
	d.img.features = maps.Clone(d.img.features)
	d.img.features[name] = level
}

// audit adds a record for what was done to one resource, or refused.
func (d *draft) audit(o Origin, resourceType, resource string, outcome int16, before, after map[string]string) {
	d.auditAction(o, o.API, resourceType, resource, outcome, before, after)
}

// auditAction is audit where what was done is not what the request is called.
func (d *draft) auditAction(o Origin, action, resourceType, resource string, outcome int16, before, after map[string]string) {
	r := &AuditRecord{
		Index: d.img.index, Seq: d.seq, Origin: o, Action: action, ResourceType: resourceType, Resource: resource,
		Outcome: outcome, Before: before, After: after,
	}
	d.img.audit, _, _ = d.img.audit.Insert(auditKey(r.Index, r.Seq), r)
	d.seq++
	d.delta.AuditAppended = true
}

func (d *draft) dropAuditUpTo(index uint64) {
	txn := d.img.audit.Txn()
	it := d.img.audit.Root().Iterator()
	for key, r, ok := it.Next(); ok && r.Index <= index; key, r, ok = it.Next() {
		txn.Delete(key)
	}
	d.img.audit = txn.Commit()
}
