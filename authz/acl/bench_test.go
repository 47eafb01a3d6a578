package acl

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/authz"
)

// manyACLs is n ACLs as a large installation has them: users with topics and a prefix of their own, and a few rules for all.
func manyACLs(n int) []authz.Binding {
	acls := []authz.Binding{deny("User:*", authz.Write, authz.Prefixed, "audit-"), allow("User:*", authz.Describe, authz.Literal, "public")}
	for i := 0; len(acls) < n; i++ {
		user := fmt.Sprintf("User:user-%d", i)
		acls = append(acls,
			allow(user, authz.Read, authz.Literal, topicOf(i)),
			allow(user, authz.All, authz.Prefixed, fmt.Sprintf("team-%d.", i)))
	}
	return acls[:n]
}

func topicOf(i int) string { return fmt.Sprintf("topic-%d-of-a-usual-length-of-name-in-production", i) }

// oneHolder is n ACLs that are all one user's.
func oneHolder(n int) []authz.Binding {
	acls := make([]authz.Binding, 0, n)
	for i := range n {
		pattern := authz.Literal
		if i%2 == 0 {
			pattern = authz.Prefixed
		}
		acls = append(acls, allow("User:user-7", authz.Read, pattern, topicOf(i)))
	}
	return acls
}

// manyLengths is n ACLs of one user whose prefixes have every length that the name of a topic can have.
func manyLengths(n int) []authz.Binding {
	acls := make([]authz.Binding, 0, n)
	for i := range n {
		name := fmt.Sprintf("%0*d", 8+i%242, i)
		acls = append(acls, allow("User:user-7", authz.Read, authz.Prefixed, name))
	}
	return acls
}

// asks is a question. There are many of them, asked in turn: one alone would always find what it needs in the processor's caches.
type asks struct {
	who authz.Subject
	on  authz.Resource
}

func questionsOf(acls []authz.Binding) []asks {
	r := rand.New(rand.NewPCG(1, 2))
	var qs []asks
	for range 4096 {
		b := acls[r.IntN(len(acls))]
		name := b.Name
		if b.Pattern == authz.Prefixed {
			name = (name + "events")[:min(len(name)+6, 249)]
		}
		qs = append(qs, asks{from(b.Principal[len("User:"):], "10.0.0.1"), topic(name)})
	}
	return qs
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{10, 1_000, 100_000} {
		for name, acls := range map[string][]authz.Binding{"users": manyACLs(n), "one-user": oneHolder(n), "lengths": manyLengths(n)} {
			qs := questionsOf(acls)
			for _, hosts := range []string{"", "/hosts"} {
				set := acls
				if hosts != "" {
					set = append(slices.Clone(acls), at(deny("User:*", authz.All, authz.Literal, "*"), "10.0.0.66"))
				}
				a := loaded(Config{}, set...)
				b.Run(fmt.Sprintf("acls=%d/%s%s", n, name, hosts), func(b *testing.B) {
					b.ReportAllocs()
					for i := 0; b.Loop(); i++ {
						q := &qs[i%len(qs)]
						a.Pin().Decide(q.who, authz.Read, q.on)
					}
				})
			}
		}
	}
}

func BenchmarkApplyAmong100000(b *testing.B) {
	for name, acls := range map[string][]authz.Binding{"users": manyACLs(100_000), "one-user": oneHolder(100_000)} {
		b.Run(name, func(b *testing.B) {
			a := loaded(Config{AllowIfNoACL: true}, acls...)
			added, epoch := []authz.Binding{allow("User:user-7", authz.Read, authz.Literal, "one-more")}, uint64(2)
			for b.Loop() {
				a.Apply(epoch, authz.BindingDelta{Added: added})
				a.Apply(epoch+1, authz.BindingDelta{Removed: added})
				epoch += 2
			}
		})
	}
}

// BenchmarkLoad100000 also tells how much memory the index takes beside the names, which the metadata has anyhow.
func BenchmarkLoad100000(b *testing.B) {
	for name, acls := range map[string][]authz.Binding{"users": manyACLs(100_000), "one-user": oneHolder(100_000)} {
		b.Run(name, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var a *Authorizer
			for b.Loop() {
				a = loaded(Config{}, acls...)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(acls)), "B/ACL")
			runtime.KeepAlive(a)
		})
	}
}
