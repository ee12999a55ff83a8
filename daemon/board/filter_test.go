package board

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/envs"
	"beansprout/envs/store"
)

// shown returns the features in the table of a page, in their order.
func shown(page string) string {
	_, page, _ = strings.Cut(page, `<tbody id="rows">`)
	page, _, _ = strings.Cut(page, "</tbody>")
	var features []string
	for _, row := range strings.Split(page, `data-key="shop/shop-`)[1:] {
		name, _, _ := strings.Cut(row, `"`)
		features = append(features, name)
	}
	return strings.Join(features, " ")
}

func TestTheAddressFiltersAndSorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, c, d := environment("a"), environment("b"), environment("c"), environment("d")
		a.Owner, a.Health, a.Expires = "Ann", "Red", time.Time{}
		b.Owner, b.Record.LastDeploy.Subject, b.Created = "bob", "Zebra crossing", midnight.Add(-100*time.Hour)
		c.State, c.Commit, c.Expires = envs.Updating, "c0ffee"+strings.Repeat("0", 34), midnight.Add(time.Hour)
		d.Record.LastDeploy.At, d.Record.Protected = midnight.Add(-time.Minute), &store.Protection{By: "kim"}
		p := newPlot(t, Config{}, a, b, c, d)
		p.set(func(c *cloud) {
			c.snapshot.Removed = []envs.Gone{{Name: "shop-e", Application: "shop", Feature: "e", Owner: "Ann"}}
		})
		for query, want := range map[string]string{
			"": "a b c d", "sort=feature": "a b c d", "sort=-feature": "d c b a", "sort=state": "b d c a", "sort=-state": "a c b d",
			"sort=owner": "a b c d", "sort=-owner": "c d b a", "sort=commit": "a c d b", "sort=age": "a c d b", "sort=-age": "b a c d",
			"sort=deployed": "d a b c", "sort=-deployed": "a b c d", "sort=expires": "c b d a", "sort=-expires": "a b d c",
			"q=ZEBRA": "b", "q=coffee": "", "q=c0ffee": "c", "q=bob+zebra": "b", "q=bob+kim": "", "q=kim": "c d", "q=shop-a": "a", "q=e": "a b c d",
			"owner=ANN": "a", "owner=An": "", "state=running": "b d", "state=failing": "a", "state=updating": "c", "state=due": "c", "state=protected": "d", "state=DUE": "c",
			"state=removed": "e", "state=removed&owner=ann": "e", "state=removed&owner=bob": "", "application=shop": "a b c d", "application=forum": "", "owner=kim&state=protected&q=d&sort=-age": "d",
		} {
			page := p.get(t, "/?"+query).Body.String()
			if got := shown(page); got != want {
				t.Errorf("%q shows %q, want %q", query, got, want)
			}
			if others := strings.Count(page, "data-key=") - len(strings.Fields(want)); !strings.Contains(query, "removed") && others != 4-len(strings.Fields(want)) {
				t.Errorf("%q has %d other rows for the script", query, others)
			}
		}
	})
}
