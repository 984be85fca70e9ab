package graph_test

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"greenroom/auth"
	"greenroom/graph"
)

// Many callers of several accounts ask for the same documents at once: plans, rows and buffers are
// shared between them, and nobody is answered with a byte of somebody else's answer.
func TestPlans_SideBySide(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := plant(w, rand.New(rand.NewPCG(1, 0)))
	plans, generated := graph.New(w.config), graph.New(w.config.WithoutPlans())
	type asked struct {
		caller     *auth.Caller
		body, want []byte
	}
	var all []asked
	for _, text := range []string{
		`{ sessions(first: 100) { nodes { ` + everyScalar + ` events { id detail } } totalCount pageInfo { endCursor } } }`,
		`query ($n: Int = 5, $no: Boolean = true) { sessions(last: $n) { edges { cursor node { metadata @skip(if: $no) avatar { name url } } } } }`,
		`{ viewer { kind } a: avatars(first: 3) { nodes { id name } } b: session(id: \"` + p.sessions[0].ID + `\") { id metadata dailyRoom { token } } }`,
	} {
		for name, caller := range p.callers {
			for _, variables := range []string{`{}`, `{"n":9,"no":false}`, `{"n":1}`} {
				if name == "nobody" {
					continue
				}
				body := []byte(`{"query":"` + text + `","variables":` + variables + `}`)
				body = bytes.Join(bytes.Fields(body), []byte(" "))
				_, want := post(generated, caller, body)
				if bytes.Contains(want, []byte(`"errors"`)) {
					t.Fatalf("%s answers %s", body, want)
				}
				all = append(all, asked{caller, body, want})
			}
		}
	}
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(i)))
			for range 200 {
				a := pick(r, all)
				if _, got := post(plans, a.caller, a.body); !bytes.Equal(got, a.want) {
					t.Errorf("%s\n got %s\nwant %s", a.body, got, a.want)
					return
				}
			}
		})
	}
	callers.Wait()
}
