package envs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"
	"beansprout/spelling"
	"beansprout/visible"
)

// VersionState is what can be done with a version.
type VersionState string

// The states of a version.
const (
	VersionRunning    VersionState = "running"
	VersionRestorable VersionState = "restorable" // Rollback can deploy it, or Restore where the environment has gone
	VersionLost       VersionState = "lost"       // its bundle or an image has gone
	VersionUnused     VersionState = "unused"     // of an environment that has gone, which ran another one last
	VersionUnknown    VersionState = "unknown"    // whether bundle and images are there could not be found out
)

// Version is a version of an environment.
type Version struct {
	Label   string
	Commit  string
	Owner   string
	Created time.Time
	State   VersionState
	Reason  string // why it is lost, or why that isn't known
}

// String names the version, its commit and its owner.
func (v Version) String() string {
	text := "version " + v.Label + " of commit " + commitName(v.Commit)
	if owner := visible.Line(v.Owner, 40); owner != "" {
		text += " by " + owner
	}
	return text
}

// Versions returns the environment's versions, the newest first, and whether Rollback or Restore could
// deploy each. It reads no bundle.
func (m *Manager) Versions(ctx context.Context, e Environment) ([]Version, error) {
	all, err := m.versionsOf(ctx, e.Env)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b beanstalk.Version) int { return b.Created.Compare(a.Created) })
	shelf := sync.OnceValues(func() (shelf, error) { return m.tagsOn(ctx) })
	versions := make([]Version, len(all))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(recordReaders)
	for i, v := range all {
		g.Go(func() error {
			versions[i] = m.versionState(gctx, e, v, shelf)
			return gctx.Err()
		})
	}
	return versions, g.Wait()
}

// versionsOf returns the versions that were registered for the environment.
func (m *Manager) versionsOf(ctx context.Context, e Env) ([]beanstalk.Version, error) {
	all, err := m.beanstalk.AllVersions(ctx, e.Application)
	return slices.DeleteFunc(all, func(v beanstalk.Version) bool { return !IsVersionOf(v.Label, e.Name) }), err
}

func (m *Manager) versionState(ctx context.Context, e Environment, v beanstalk.Version, shelf func() (shelf, error)) Version {
	run, known := e.run(v.Label)
	was := ParseDeployed(Env{Description: v.Description}, e.Feature)
	version := Version{Label: v.Label, Commit: was.Commit, Owner: was.Owner, Created: v.Created, State: VersionRestorable}
	if run.Commit != "" {
		version.Commit = run.Commit
	}
	switch {
	case v.Label == e.Version && !e.State.Gone():
		version.State = VersionRunning
		return version
	case v.Label != e.Version && e.State.Gone():
		version.State = VersionUnused
		return version
	}
	err := m.prove(ctx, e.Name, v)
	if err == nil {
		err = m.imagesThere(e.Name, run, known, shelf)
	}
	switch {
	case err == nil:
	case errors.Is(err, ecr.ErrNoImage), errors.Is(err, ecr.ErrNoRepository):
		version.State, version.Reason = VersionLost, "an image that it runs has gone"
	case errors.Is(err, ErrNotFound):
		version.State, version.Reason = VersionLost, "its bundle has gone"
	case errors.Is(err, ErrBundle):
		version.State, version.Reason = VersionLost, ErrBundle.Error()
	default:
		version.State, version.Reason = VersionUnknown, err.Error()
	}
	return version
}

// ErrImagesUnknown is reported when the record does not tell which images a version runs.
var ErrImagesUnknown = errors.New("the record does not tell which images it runs")

// imagesThere returns why the images of a run can't be deployed: the error wraps ecr.ErrNoImage where
// one has gone, and ErrImagesUnknown where the record does not know them.
func (m *Manager) imagesThere(name string, run store.Run, known bool, shelf func() (shelf, error)) error {
	switch {
	case m.config.Repository.Unused:
		return nil
	case !known:
		return ErrImagesUnknown
	case len(run.Images) == 0:
		return nil
	}
	on, err := shelf()
	if err != nil {
		return err
	}
	_, err = on.images(m.region, name, run)
	return err
}

// run returns what the record knows about a version that has run, and false where it knows nothing.
func (e Environment) run(label string) (store.Run, bool) {
	rec := e.Own()
	if run, known := rec.Run(label); known {
		return run, true
	}
	if e.Record != nil { // of one that has gone, and is kept for a restore
		return e.Record.Run(label)
	}
	return store.Run{}, false
}

// Previous returns the version that Rollback deploys by default: the last successful one, or the one
// before if that is running. After an interrupted rollback it is the target of that. It returns the
// zero Run if none is known.
func (e Environment) Previous() store.Run {
	rec := e.Own()
	if o := rec.Outcome; o != nil && o.Verb == "rollback" && (o.Result == begun || o.Result == interrupted) && o.Version == e.Version {
		if run, known := rec.Run(o.Version); known {
			return run
		}
		return store.Run{Version: o.Version}
	}
	for _, run := range []store.Run{rec.Current(), rec.Before} {
		if IsVersionOf(run.Version, e.Name) && run.Version != e.Version {
			return run
		}
	}
	return store.Run{}
}

// The results of an operation that did not come to its end.
const (
	begun       = "begun" // a rollback that has not ended, or did not see its end
	interrupted = "interrupted"
	failed      = "failed"
)

// version returns the environment's version with that label. The error is a *VersionError with
// others like it where there is none.
func (m *Manager) version(ctx context.Context, e Env, label string) (beanstalk.Version, error) {
	all, err := m.versionsOf(ctx, e)
	if err != nil {
		return beanstalk.Version{}, err
	}
	if i := slices.IndexFunc(all, func(v beanstalk.Version) bool { return v.Label == label }); i >= 0 {
		return all[i], nil
	}
	slices.SortFunc(all, func(a, b beanstalk.Version) int { return b.Created.Compare(a.Created) })
	var labels []string
	for _, v := range all {
		labels = append(labels, v.Label)
	}
	labels = spelling.Sorted(label, labels)
	return beanstalk.Version{}, errorOf(e, &VersionError{Label: label, Similar: labels[:min(len(labels), 3)], Err: ErrNotFound})
}

// Removed is an environment that Restore can bring back.
type Removed struct {
	Environment           // Updated is the end of its termination
	Until       time.Time // when a sweep may take away what Restore needs
}

// terminatedRetention is how long AWS knows a terminated environment.
const terminatedRetention = 6 * 7 * 24 * time.Hour

// Removed returns what Restore can bring back of the application, by feature.
func (m *Manager) Removed(ctx context.Context, f Filter) ([]Removed, time.Time, error) {
	living, now, account, err := m.rows(ctx)
	if err != nil {
		return nil, now, err
	}
	rows, ran, err := m.restorable(ctx, m.config.Application)
	if err != nil {
		return nil, now, err
	}
	for _, e := range living {
		rows = slices.DeleteFunc(rows, func(row Env) bool { return row.Name == e.Name })
	}
	newest := newestRestorable(rows, ran)
	var names []string
	for name := range newest {
		names = append(names, name)
	}
	records, err := m.readRecords(ctx, names)
	if err != nil {
		return nil, now, err
	}
	var all []Removed
	for name, e := range newest {
		r := m.removed(account, e.Env, records.byName[name])
		if r.Feature != "" && f.owns(r.Owner) {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b Removed) int { return strings.Compare(a.Feature, b.Feature) })
	return all, now, nil
}

// restorable reads, side by side, which environments of an application were terminated and which
// versions it has.
func (m *Manager) restorable(ctx context.Context, application string) (rows []Env, versions []beanstalk.Version, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		rows, err = m.beanstalk.Terminated(ctx, application, time.Now().Add(-terminatedRetention))
		return err
	})
	g.Go(func() (err error) { versions, err = m.beanstalk.AllVersions(ctx, application); return err })
	err = g.Wait()
	return rows, versions, err
}

// goneEnvironment is an environment that has gone, with the version that it ran last.
type goneEnvironment struct {
	Env
	lastVersion beanstalk.Version
}

// newestRestorable returns of each name the environment that was terminated last, of those whose
// version still exists.
func newestRestorable(rows []Env, all []beanstalk.Version) map[string]goneEnvironment {
	versions := map[string]beanstalk.Version{}
	for _, v := range all {
		versions[v.Label] = v
	}
	newest := map[string]goneEnvironment{}
	for _, e := range rows {
		ran, ok := versions[e.Version]
		if ok && IsVersionOf(e.Version, e.Name) && !e.Updated.Before(newest[e.Name].Updated) {
			newest[e.Name] = goneEnvironment{e, ran}
		}
	}
	return newest
}

// removed returns what is known about an environment that has gone. It has no feature if neither the
// description nor the record proves one.
func (m *Manager) removed(account string, e Env, rec *store.Record) Removed {
	e.CNAME = e.Name // one that has gone has none
	known, ok := Recognize(account, e)
	if !ok && rec != nil && IsName(e.Name, account, e.Application, rec.Feature) {
		known = ParseDeployed(e, rec.Feature)
	}
	if rec != nil {
		if r := rec.Restorable; r != nil && r.ID == e.ID && r.Version == e.Version && r.Commit != "" {
			known.Commit = r.Commit
		}
	}
	return Removed{Environment{Env: known, Record: rec}, e.Updated.Add(m.config.Days.RestoreFor)}
}

// Last returns the feature's environment: the one that lives, or else the one that Restore would bring
// back. The error is a *MissingError where there is neither.
func (m *Manager) Last(ctx context.Context, application, feature string) (Environment, error) {
	e, err := m.Get(ctx, application, feature)
	if !errors.Is(err, ErrNotFound) {
		return e, err
	}
	gone, none := m.lastRestorable(ctx, application, e.Name, e.Record)
	if errors.Is(none, ErrNotFound) {
		return e, err
	}
	return Environment{Env: ParseDeployed(gone.Env, feature), Record: e.Record}, none
}

var (
	// ErrPurged is reported when an environment was removed with all that a restore needs. It wraps
	// ErrNotFound.
	ErrPurged = fmt.Errorf("%w: its environment was removed with all that belonged to it", ErrNotFound)
	// ErrVersionExpired is reported when the version of a removed environment was removed, too, since
	// Days.RestoreFor is over. It wraps ErrNotFound.
	ErrVersionExpired = fmt.Errorf("%w: the version that its environment ran has gone", ErrNotFound)
)

// lastRestorable returns the environment of that name that was terminated last, of those whose
// version still exists.
func (m *Manager) lastRestorable(ctx context.Context, application, name string, rec *store.Record) (goneEnvironment, error) {
	rows, versions, err := m.restorable(ctx, application)
	if err != nil {
		return goneEnvironment{}, err
	}
	found, ok := newestRestorable(rows, versions)[name]
	switch {
	case ok:
		return found, nil
	case !slices.ContainsFunc(rows, func(e Env) bool { return e.Name == name }):
		return found, fmt.Errorf("no environment of it that was terminated: %w", ErrNotFound)
	case rec != nil && rec.Removals > 0 && rec.Restorable == nil:
		return found, ErrPurged
	}
	return found, ErrVersionExpired
}

// prove returns an error if a version of the named environment is not made from the bundle that its
// label names: others may be able to write to the bucket. The error wraps ErrBundle, or ErrNotFound if
// the bundle has gone.
func (m *Manager) prove(ctx context.Context, name string, v beanstalk.Version) error {
	if v.Bucket == "" {
		return &VersionError{Label: v.Label, Err: fmt.Errorf("%w: it has none in S3", ErrBundle)}
	}
	digest, err := m.s3.digest(ctx, v.Bucket, v.Key)
	if err == nil && VersionLabel(name, digest) != v.Label {
		err = fmt.Errorf("%w: s3://%s/%s is another one", ErrBundle, v.Bucket, v.Key)
	}
	if err != nil {
		return &VersionError{Label: v.Label, Err: err}
	}
	return nil
}
