package beanstalk

import (
	"path"
	"slices"
	"strings"
	"time"

	"beansprout/envs"
)

// youth is how long a version is left alone: an up may have registered it and not deployed it yet.
const youth = 24 * time.Hour

// Unneeded returns the versions that may go when the quota is used up, the oldest first: they
// and their bundles are ours by label, older than a day, and of environments that neither live
// nor were terminated less than restore ago. What any environment runs is needed. living and
// terminated are all rows of the application, now is AWS's time.
func Unneeded(versions []Version, living, terminated []envs.Env, restore time.Duration, now time.Time) []Version {
	needed := map[string]bool{} // by name of the environment, and by label
	for _, e := range living {
		needed[e.Name], needed[e.Version] = true, true
	}
	for _, e := range terminated {
		if now.Sub(e.Updated) <= restore {
			needed[e.Name], needed[e.Version] = true, true
		}
	}
	var unneeded []Version
	for _, v := range versions {
		name, ours := envs.VersionOf(v.Label)
		if ours && bundled(v) && !v.Created.IsZero() && now.Sub(v.Created) > youth && !needed[name] && !needed[v.Label] {
			unneeded = append(unneeded, v)
		}
	}
	slices.SortStableFunc(unneeded, func(a, b Version) int { return a.Created.Compare(b.Created) })
	return unneeded
}

// bundled says whether a version's bundle is named after it, as ours are.
func bundled(v Version) bool {
	label, _, _ := strings.Cut(path.Base(v.Key), ".")
	return label == v.Label
}
