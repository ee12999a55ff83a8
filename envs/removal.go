package envs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"
	"beansprout/visible"
)

// removal removes one environment and what belongs to it.
type removal struct {
	manager *Manager
	store   *store.Store
	options Options
	taken   *store.Lease // nil while there is none
	lease   lease        // made around taken: before each attempt it checks the grounds, too
	env     Env          // without an ID where none lives any more
	receipt Receipt

	yields         bool                                 // leaves alone what AWS or another operation is at work on
	noWait         bool                                 // leaves the rest to a sweep once AWS has begun
	keepRestorable bool                                 // what Restore needs stays
	buttons        func() bool                          // whether a janitor answers those of messages
	refuse         func(Env, Tags, *store.Record) error // returns why the environment stays after all
	grounds        grounds                              // what the next attempt stands on
	restorable     *store.Restorable                    // what Restore needs, nil where it is to need nothing
	users          map[string]string                    // by version, which other environment runs it; nil until that was read
	heir           string                               // id of another environment that lives under the name
	retained       bool                                 // a version stays that may need the images
	why            string                               // it is removed, where the options have no reason
	removed        bool                                 // by this removal, and not before
	moved          map[string]MessageRef                // messages that are elsewhere now
}

func emptyReceipt(e Env) Receipt {
	return Receipt{Environment: e.Name, Removed: []string{}, Retained: []Retained{}}
}

func (m *Manager) newRemoval(s *store.Store, e Env, o Options) *removal {
	r := &removal{manager: m, store: s, options: o, env: e, receipt: emptyReceipt(e)}
	r.lease, r.buttons = m.changing(s, r.allow), func() bool { return false }
	r.grounds.read = r.readUsers
	return r
}

// conclude writes the result of the removal into the record.
func (r *removal) conclude(rec *store.Record, err error) {
	setMessages(rec, r.moved)
	r.noteResult(rec, err)
	if r.removed {
		r.noteStuck(rec, err)
	}
	switch {
	case err != nil:
	case r.noWait:
		rec.Restorable = r.restorable
	default:
		rec.MakeTombstone(r.restorable)
	}
}

// noteResult adds to the history that the environment was removed, or why not. What only waits for
// another operation, or is kept, is no failure.
func (r *removal) noteResult(rec *store.Record, err error) {
	h := r.manager.happening(r.options, happenedRemoved, r.cause())
	_, kept := errors.AsType[*KeptError](err)
	switch {
	case r.removed && !isRemoved(*rec, r.env.ID):
	case err == nil, kept, errors.Is(err, ErrNotReady), errors.Is(err, context.Canceled):
		return
	default:
		h = r.manager.happening(r.options, failed, "removal: "+visible.FirstLine(err.Error()))
		if failure, ok := errors.AsType[*beanstalk.Failure](err); ok {
			h.Log = r.manager.config.Mask(failure.Details())
		}
	}
	h.ID = r.env.ID
	note(rec, h)
}

// isRemoved reports whether the record says that the environment of that id was removed, and not
// restored since.
func isRemoved(rec store.Record, id string) (removed bool) {
	for _, h := range rec.History {
		if h.ID == id && (h.What == happenedRemoved || h.What == Restored) {
			removed = h.What == happenedRemoved
		}
	}
	return removed && id != ""
}

// reason returns why or by whom the environment is removed.
func (r *removal) reason() string {
	if cause := r.cause(); cause != "" {
		return cause
	}
	return "removed" + r.options.byWhom()
}

// cause returns why the environment is removed, "" where a person has only asked for it.
func (r *removal) cause() string { return cmp.Or(r.options.Reason, r.why) }

// run removes everything that belongs to the environment.
func (r *removal) run(ctx context.Context) error {
	if r.env.ID != "" {
		if err := r.terminate(ctx); err != nil {
			return err
		}
		r.removed = true
	}
	if r.noWait && len(r.manager.announcers()) == 0 {
		return nil
	}
	rec, err := r.store.Read(ctx, r.env.Name)
	if err != nil {
		r.options.warn(fmt.Errorf("%w: its messages stay as they are", err))
	}
	if r.noWait {
		r.announce(ctx, rec)
		return nil
	}
	if err = r.removeVersions(ctx); err == nil {
		err = r.removeImages(ctx, rec)
	}
	r.announce(ctx, rec)
	return err
}

// announce updates the environment's messages, which the record names, to say that it was removed, or
// that it can no longer be restored. It posts no new message.
func (r *removal) announce(ctx context.Context, rec store.Record) {
	m := r.manager
	told := !r.removed || isRemoved(rec, r.env.ID)
	if len(m.announcers()) == 0 || r.heir != "" || told && (rec.Restorable == nil || r.restorable != nil) {
		return
	}
	n := m.newsOf(NewsRemoved, m.environment(r.env, nil, &rec))
	if was := rec.Restorable; was != nil && n.ID == "" {
		n.ID, n.Commit, n.Feature = was.ID, was.Commit, cmp.Or(n.Feature, rec.Feature)
		n.Subject, n.Email, n.BuildURL = was.LastDeploy.Subject, was.LastDeploy.Email, was.LastDeploy.BuildURL
	}
	n.URL, n.Expires, n.Protected = "", time.Time{}, ""
	if r.restorable != nil {
		n.Restorable = r.restorable.At.Add(m.config.Days.RestoreFor).UTC()
	}
	if n.Reason = r.reason(); told {
		n.Reason, n.Note = "", "it can no longer be restored"
	}
	n.Buttons = r.buttons()
	r.moved = m.updateMessages(ctx, m.announcers(), rec, n, r.options.Pressed, r.options)
}

// terminate terminates the environment and returns when it has gone. First it waits until AWS has
// finished the changes of operations that were killed or hold no lease.
func (r *removal) terminate(ctx context.Context) error {
	item := "environment " + r.env.Name + " (" + r.env.ID + ")"
	for !r.env.State.Gone() {
		op, err := r.lease.beanstalk.Terminate(ctx, r.env)
		switch {
		case err == nil && r.noWait:
			r.env.State = Terminating
		case err == nil:
			if _, err = r.manager.beanstalk.Wait(ctx, op, nil); err == nil {
				r.receipt.Remove(item)
			}
			return err
		case errors.Is(err, ErrNotFound):
			r.env.State = Terminating // another's termination, or an attempt of ours whose answer was lost
		case !errors.Is(err, ErrNotReady) || r.yields:
			return err
		default:
			if err := r.settle(ctx); err != nil {
				return err
			}
		}
	}
	if r.noWait {
		r.receipt.Retain(item, "AWS is removing it")
		return nil
	}
	_, err := r.manager.settle(ctx, r.env, r.options)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("terminate environment %s: its termination was given up, and it is Ready again", r.env.Name)
}

// settle waits until the environment may be changed: the next attempt reads it again. One that went away
// meanwhile is Terminating from then on.
func (r *removal) settle(ctx context.Context) error {
	r.options.note("AWS is at work on environment %s: waiting until it may be terminated", r.env.Name)
	_, err := r.manager.settle(ctx, r.env, r.options)
	if errors.Is(err, ErrNotFound) {
		r.env.State = Terminating
		return nil
	}
	return err
}

// removeVersions takes away the versions and bundles that were made for the environment, except those
// that another environment, such as a clone, runs: AWS itself would delete them.
func (r *removal) removeVersions(ctx context.Context) error {
	if err := r.readUsers(ctx); err != nil {
		return err
	}
	// What is named after the environment belongs to the one that lives under that name now.
	if r.heir != "" {
		r.receipt.Retain("versions, bundles and image tags", "environment "+r.heir+" has been launched under the name")
		r.retained = true
		return nil
	}
	versions, err := r.versions(ctx)
	if err != nil {
		return err
	}
	bundles, err := r.store.Bundles(ctx, r.env.Name, Versions(r.env.Name))
	if err != nil {
		return err
	}
	var failures []error
	for _, label := range sortedUnion(versions, slices.Collect(maps.Keys(bundles))) {
		if user, ok := r.users[label]; ok {
			r.receipt.Retain("version "+label, "environment "+user+" runs it")
			r.retained = true
			continue
		}
		if r.restorable != nil && label == r.restorable.Version {
			r.receipt.Retain("version "+label, r.neededByRestore())
			continue
		}
		failures = append(failures, r.removeVersion(ctx, label, slices.Contains(versions, label), bundles[label]))
	}
	return errors.Join(failures...)
}

// versions returns the labels of those that were made for the environment. Those of others that are
// called alike stay.
func (r *removal) versions(ctx context.Context) (labels []string, err error) {
	all, err := r.manager.beanstalk.AllVersions(ctx, r.env.Application)
	for _, v := range all {
		switch {
		case !IsVersionOf(v.Label, r.env.Name):
		case store.IsBundleKey(v.Key, v.Label):
			labels = append(labels, v.Label)
		default:
			r.receipt.Retain("version "+v.Label, foreignBundle(v))
		}
	}
	return labels, err
}

// foreignBundle tells why a version is not ours whose bundle lies elsewhere.
func foreignBundle(v beanstalk.Version) string {
	return fmt.Sprintf("the bundle of version %s is %q, which is none of ours", v.Label, v.Key)
}

func (r *removal) removeVersion(ctx context.Context, label string, registered bool, bundle string) error {
	if registered {
		if err := r.lease.beanstalk.DeleteVersion(ctx, r.env.Application, label); err != nil {
			r.retain("version "+label, err)
			return err
		}
		r.receipt.Remove("version " + label)
	}
	if bundle != "" {
		if err := r.lease.bundles.DeleteBundle(ctx, bundle); err != nil {
			r.retain("bundle "+bundle, err)
			return err
		}
		r.receipt.Remove("bundle " + bundle)
	}
	return nil
}

// retain notes that something stays because of an error.
func (r *removal) retain(item string, err error) {
	r.receipt.Retain(item, r.manager.config.Mask(err.Error()))
}

// neededByRestore tells until when the environment can be restored.
func (r *removal) neededByRestore() string {
	return "beansprout restore needs it, until " + r.restorable.At.Add(r.manager.config.Days.RestoreFor).UTC().Format(time.RFC3339)
}

// removeImages takes the environment's tags off its images. ECR deletes an image with its last tag.
func (r *removal) removeImages(ctx context.Context, rec store.Record) error {
	if r.manager.config.Repository.Unused && !hasImages(rec) {
		return nil
	}
	repository := r.manager.config.Repository.Name
	tags, err := r.manager.images.Tags(ctx, repository)
	if errors.Is(err, ecr.ErrNoRepository) {
		return nil
	}
	if err != nil {
		return err
	}
	needed := func(tag string) bool { return r.needs(tag) != "" }
	if err := r.manager.adopt(ctx, &r.lease, r.env.Name, tags, needed); err != nil {
		return err
	}
	stale := r.manager.stale(ctx, r.env.Name, tags, needed)
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		if reason := r.needs(tag); IsLiveTagOf(tag, r.manager.region, r.env.Name) && reason != "" {
			r.receipt.Retain("image tag "+repository+":"+tag, reason)
		} else if reason, stays := stale.stay[tag]; stays {
			r.receipt.Retain("image tag "+repository+":"+tag, reason)
		}
	}
	removed, err := r.lease.images.Untag(ctx, repository, sortedUnion(stale.gone))
	for _, tag := range removed {
		r.receipt.Remove("image tag " + repository + ":" + tag)
	}
	return err
}

// hasImages reports whether a record names images. An application without any may have had some
// before.
func hasImages(rec store.Record) bool {
	return len(rec.Images)+len(rec.Before.Images) > 0 || rec.Restorable != nil && len(rec.Restorable.Images) > 0
}

// needs returns the reason why the image with a live tag must stay, or "". The images of other
// environments' versions are not known, and those for Restore only if the record names them.
func (r *removal) needs(tag string) string {
	kept := r.restorable
	switch {
	case r.retained:
		return "a version was kept that may need the image"
	case kept != nil && (kept.Images == nil || slices.Contains(r.manager.regional(r.env.Name, kept.Images), tag)):
		return r.neededByRestore()
	}
	return ""
}

// noteRestorable notes what Restore would need of the environment.
func (r *removal) noteRestorable(rec store.Record) {
	e := r.env
	if !r.keepRestorable || r.manager.config.Days.RestoreFor <= 0 || !IsVersionOf(e.Version, e.Name) {
		return
	}
	r.restorable = &store.Restorable{At: rec.At, ID: e.ID, Version: e.Version}
	if rec.Environment == e.ID {
		r.restorable.OwnedSettings, r.restorable.LastDeploy = rec.OwnedSettings, rec.LastDeploy
	}
	if rec.Environment == e.ID && rec.Version == e.Version {
		r.restorable.Commit, r.restorable.Images, r.restorable.Digests = rec.Commit, rec.Images, rec.Digests
	}
}

// keepLast is noteRestorable where the environment has gone already: AWS tells which one went last,
// and the record what it adds to that.
func (r *removal) keepLast(ctx context.Context) error {
	days := r.manager.config.Days
	if !r.keepRestorable || days.RestoreFor <= 0 {
		return nil
	}
	rec, err := r.store.Read(ctx, r.env.Name)
	if err != nil && !errors.Is(err, store.ErrGarbage) {
		return err
	}
	now := rec.At
	if now.IsZero() {
		now = time.Now()
	}
	rows, err := r.manager.beanstalk.Terminated(ctx, r.env.Application, now.Add(-days.RestoreFor))
	if err != nil {
		return err
	}
	r.restorable = lastOf(rows, r.env.Name, rec.Restorable)
	return nil
}

// lastOf returns what Restore needs of the environment of that name that went last, nil where none did.
// was is what the record noted of one.
func lastOf(rows []Env, name string, was *store.Restorable) (last *store.Restorable) {
	for _, e := range rows {
		if e.Name != name || !IsVersionOf(e.Version, name) || last != nil && !e.Updated.After(last.At) {
			continue
		}
		last = &store.Restorable{ID: e.ID, Version: e.Version}
		if was != nil && was.ID == e.ID && was.Version == e.Version {
			*last = *was
		}
		last.At = e.Updated
	}
	return last
}
