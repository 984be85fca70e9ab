package graph_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"greenroom/graph"
)

// BenchmarkHostile shows how the cost of a refusal grows with the size of the document: for each
// family, a whole request of each size.
func BenchmarkHostile(b *testing.B) {
	handler := bare(graph.Limits{})
	for _, name := range slices.Sorted(maps.Keys(families)) {
		for _, size := range families[name].sizes {
			body := encode(b, families[name].document(size.n))
			b.Run(name+"/"+strconv.Itoa(size.n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					attack(handler, body)
				}
			})
		}
	}
}

// BenchmarkDearest is what passes the guard and costs the validator most.
func BenchmarkDearest(b *testing.B) {
	handler := bare(graph.Limits{})
	for _, name := range slices.Sorted(maps.Keys(dearest)) {
		body := encode(b, dearest[name])
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				attack(handler, body)
			}
		})
	}
}
