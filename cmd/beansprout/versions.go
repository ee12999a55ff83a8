package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
)

// begun is the result of a rollback that has not ended, or not seen its end.
const begun = "begun"

// ran returns what the ledger knows about a version that has run, or without a label about the
// one to go back to: the last that came up well, or the one before where that is what runs.
// A rollback that was cut off goes on to where it went.
func (m member) ran(label string) ledger.Run {
	r := m.memory()
	if o := r.Outcome; label == "" && o != nil && o.Verb == "rollback" && o.Result == begun && o.Version == m.Version {
		label = o.Version
	}
	last := ledger.Run{Version: r.Version, Commit: r.Commit, Images: r.Images}
	runs := slices.DeleteFunc([]ledger.Run{last, r.Before}, func(run ledger.Run) bool {
		return !envs.IsVersionOf(run.Version, m.Name) || label == "" && run.Version == m.Version || label != "" && run.Version != label
	})
	if len(runs) == 0 {
		return ledger.Run{Version: label}
	}
	return runs[0]
}

// version returns the environment's version with that label. The error names others like it
// where there is none.
func (s *session) version(ctx context.Context, m member, label string) (beanstalk.Version, error) {
	all, err := s.beanstalk.AllVersions(ctx, m.Application)
	if err != nil {
		return beanstalk.Version{}, err
	}
	all = slices.DeleteFunc(all, func(v beanstalk.Version) bool { return !envs.IsVersionOf(v.Label, m.Name) })
	if i := slices.IndexFunc(all, func(v beanstalk.Version) bool { return v.Label == label }); i >= 0 {
		return all[i], nil
	}
	err = environmentError(m.Env, fmt.Errorf("version %q: %w", label, envs.ErrNotFound))
	if len(all) == 0 {
		return beanstalk.Version{}, hint(err, "it has no versions any more; run up on the commit that is wanted")
	}
	return beanstalk.Version{}, hint(err, "the nearest of its versions: %s", nearestVersions(label, all))
}

// nearestVersions names up to three versions that are called alike, of equally near ones the
// newest first.
func nearestVersions(label string, all []beanstalk.Version) string {
	distance := func(v beanstalk.Version) int { return levenshtein.Distance(label, v.Label, nil) }
	slices.SortFunc(all, func(a, b beanstalk.Version) int {
		return cmp.Or(cmp.Compare(distance(a), distance(b)), b.Created.Compare(a.Created))
	})
	var labels []string
	for _, v := range all[:min(len(all), 3)] {
		labels = append(labels, v.Label)
	}
	return strings.Join(labels, ", ")
}
