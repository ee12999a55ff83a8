package envs

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"beansprout/localcloud"
)

// One repository may serve several environments and regions.
func TestTagsThatOthersMayNeedStay(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, withImages)
	const other = "eu-west-1"
	name, ours, another := p.name("x"), digestOf("ours"), digestOf("another")
	old := func(name, digest string) string {
		return strings.Replace(LiveTag(testRegion, name, "web", digest), testRegion+"-", "", 1)
	}
	own, oldOfOurs, oldOfAnother := LiveTag(testRegion, name, "web", ours), old(name, ours), old(name, another)
	have := map[string]string{
		own: ours, oldOfOurs: ours, oldOfAnother: another, "build-1": ours,
		LiveTag(other, name, "web", ours): ours, LiveTag(testRegion, p.name("y"), "web", ours): ours, old(p.name("y"), ours): ours,
	}
	check := func(when string, m *Manager, needed []string, wantGone []string, wantStay ...string) {
		t.Helper()
		got := m.stale(t.Context(), name, have, func(tag string) bool { return slices.Contains(needed, tag) })
		slices.Sort(got.gone)
		slices.Sort(wantGone)
		slices.Sort(wantStay)
		if stay := slices.Sorted(maps.Keys(got.stay)); !slices.Equal(got.gone, wantGone) || !slices.Equal(stay, wantStay) {
			t.Errorf("%s: %q may go and %v stays", when, got.gone, got.stay)
		}
	}
	check("where nothing needs it", p.manager, nil, []string{own, oldOfOurs}, oldOfAnother)
	check("while it is needed", p.manager, []string{own}, []string{oldOfOurs}, oldOfAnother)

	nameless := *p.manager
	nameless.caller = func(context.Context) (Caller, error) { return Caller{}, errors.New("STS is silent") }
	check("where the regions are not known", &nameless, nil, []string{own}, oldOfOurs, oldOfAnother)

	account := p.aws
	account.Region = other
	there, err := New(t.Context(), account, Config{Application: "shop", Repository: Repository{Unused: true}, Days: Days{TTL: day}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := there.beanstalk.Bucket(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("where the other region has none", p.manager, nil, []string{own, oldOfOurs}, oldOfAnother)
	p.before(1, "DescribeEnvironments", func() string { return "AccessDenied" })
	check("where the other region does not say", p.manager, nil, []string{own}, oldOfOurs, oldOfAnother)
	if _, err := there.Deploy(t.Context(), deployment("x", "one"), Options{}); err != nil {
		t.Fatal(err)
	}
	check("where it lives in the other region", p.manager, nil, []string{own}, oldOfOurs, oldOfAnother)
}
