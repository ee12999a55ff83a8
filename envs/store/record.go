package store

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// ErrGarbage is reported when an object isn't a record. Instances of the environments may be
// able to write to the bucket.
var ErrGarbage = errors.New("not a record of beansprout's")

// maxRecordBytes is the size of the largest record that is read; half of it that of the largest
// one that is written.
const maxRecordBytes = 64 << 10

// Record is what changes about one environment. It is valid only while Environment is the id of
// the living one; what orders requests (RequestNumber, Requested, Removals, Lease) always is. Some JSON keys
// are older than the names here, and stay for the records that there are.
type Record struct {
	// Counter is raised by every write: equal bytes have equal ETags, and a record that was
	// changed and changed back must not look unchanged.
	Counter int64 `json:"counter"`
	// Write is a random text of the last write. By it a writer that got no answer sees whether
	// its write succeeded.
	Write string `json:"write,omitempty"`

	RequestNumber int64       `json:"ticket,omitempty"`    // the last one given
	Requested     string      `json:"asked,omitempty"`     // its commit
	Removals      int64       `json:"teardowns,omitempty"` // how often a person removed the feature
	Lease         *LeaseOwner `json:"lease,omitempty"`     // nil while the lease is free

	Environment    string             `json:"environment,omitempty"` // its id
	Feature        string             `json:"feature,omitempty"`
	Application    string             `json:"application,omitempty"` // of the feature; none in records of older versions
	Version        string             `json:"version,omitempty"`     // label of what runs
	Commit         string             `json:"commit,omitempty"`      // that Version was made of
	Images         []string           `json:"images,omitempty"`      // live tags of what runs
	Digests        []string           `json:"digests,omitempty"`     // of these images, in their order; none in records of older versions
	Deployed       int64              `json:"ran,omitempty"`         // number of the request that made Version run
	Before         Run                `json:"before,omitzero"`       // what ran before, for a rollback
	Earlier        []Run              `json:"earlier,omitempty"`     // what ran before that, the newest first
	OwnedSettings                     // embedded: its JSON keys are the record's
	Message        Message            `json:"message,omitzero"`   // of Slack
	Messages       map[string]Message `json:"messages,omitempty"` // of other announcers, by name
	Extended       time.Time          `json:"extended,omitzero"`  // an expiry later than the computed one
	Protected      *Protection        `json:"kept,omitempty"`
	Durations      map[string]float64 `json:"durations,omitempty"` // seconds that launch, deploy, configure and terminate last took
	Outcome        *Outcome           `json:"outcome,omitempty"`
	RemovalStarted time.Time          `json:"tried,omitzero"`    // when its last removal started
	Stuck          string             `json:"stuck,omitempty"`   // why the last removal of what the environment has left failed; "" since a later request
	Restorable     *Restorable        `json:"removed,omitempty"` // of a tombstone: what a restore needs; nil when there is nothing to restore
	LastDeploy     LastDeploy         `json:"last,omitzero"`
	Warned         *Warning           `json:"warned,omitempty"`  // nil while no owner was warned of the expiry
	Attempt        *WarningAttempt    `json:"warning,omitempty"` // a warning that was begun and is not known to be delivered
	MissingSince   time.Time          `json:"missing,omitzero"`  // since when the feature's branch was not listed any more
	Presses        []string           `json:"presses,omitempty"` // hashes of the last tokens of buttons that were pressed: each acts once
	History        []Happening        `json:"history,omitempty"` // the newest last

	// At is when the record was read or written, by S3's clock.
	At time.Time `json:"-"`
}

// Run is a version that an environment has run.
type Run struct {
	Version string   `json:"version,omitempty"` // its label
	Commit  string   `json:"commit,omitempty"`
	Images  []string `json:"images,omitempty"`  // its live tags
	Digests []string `json:"digests,omitempty"` // of these images, in their order
}

// earlierLimit is how many runs a record keeps in Earlier.
const earlierLimit = 8

// Current returns the run of the version that runs.
func (r *Record) Current() Run { return Run{r.Version, r.Commit, r.Images, r.Digests} }

// Succeed makes run the current one, and what ran until now the one before.
func (r *Record) Succeed(run Run) {
	if was := r.Current(); was.Version != run.Version {
		earlier := append([]Run{r.Before}, r.Earlier...)
		earlier = slices.DeleteFunc(earlier, func(e Run) bool { return e.Version == "" || e.Version == was.Version || e.Version == run.Version })
		r.Before, r.Earlier = was, earlier[:min(len(earlier), earlierLimit)]
	}
	r.Version, r.Commit, r.Images, r.Digests = run.Version, run.Commit, run.Images, run.Digests
}

// Run returns what the record knows about a version that ran, or false when it knows nothing.
func (r *Record) Run(version string) (Run, bool) {
	for _, run := range append([]Run{r.Current(), r.Before}, r.Earlier...) {
		if run.Version == version && version != "" {
			return run, true
		}
	}
	if gone := r.Restorable; gone != nil && gone.Version == version && version != "" {
		return Run{gone.Version, gone.Commit, gone.Images, gone.Digests}, true
	}
	return Run{}, false
}

// Message is where an announcer's message about the environment is.
type Message struct {
	Channel   string `json:"channel,omitempty"` // its id, not its name
	Timestamp string `json:"timestamp,omitempty"`
	Posted    string `json:"posted,omitempty"` // the channel as slack.channel named it
	Seal      string `json:"seal,omitempty"`   // an HMAC; without it the rest is not trusted
}

// Protection is why a person protects an environment from the janitor.
type Protection struct {
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// Outcome is how the last operation that changed the environment ended.
type Outcome struct {
	Verb          string    `json:"verb,omitempty"`
	Result        string    `json:"result,omitempty"`
	Reason        string    `json:"reason,omitempty"`
	Version       string    `json:"version,omitempty"`
	RequestNumber int64     `json:"ticket,omitempty"`
	At            time.Time `json:"at,omitzero"`
}

// LastDeploy is what later messages tell of the last deploy that succeeded.
type LastDeploy struct {
	At       time.Time `json:"at,omitzero"`
	TTL      string    `json:"ttl,omitempty"` // how long the environment lives, as in "5d"
	Subject  string    `json:"subject,omitempty"`
	Email    string    `json:"email,omitempty"` // of the commit's author
	Owner    string    `json:"owner,omitempty"`
	BuildURL string    `json:"build,omitempty"`
}

// Warning is that the environment's end was announced.
type Warning struct {
	At      time.Time `json:"at,omitzero"`
	Expires time.Time `json:"expires,omitzero"` // the end that was announced: it is no warning of another one
}

// WarningAttempt is a warning on its way. It counts as no warning: it keeps two janitors from posting
// the same one.
type WarningAttempt struct {
	At      time.Time `json:"at,omitzero"` // zero where it has ended and may be made again at once
	Expires time.Time `json:"expires,omitzero"`
	Token   string    `json:"token,omitempty"` // of the process that makes it
	Told    []string  `json:"told,omitempty"`  // announcers that have delivered it
}

// Restorable is what a restore needs of an environment that the janitor removed.
type Restorable struct {
	At         time.Time  `json:"at,omitzero"`
	ID         string     `json:"id,omitempty"`      // the environment's
	Version    string     `json:"version,omitempty"` // label of what ran
	Commit     string     `json:"commit,omitempty"`  // that Version was made of
	Images     []string   `json:"images,omitempty"`  // its live tags
	Digests    []string   `json:"digests,omitempty"` // of these images, in their order
	LastDeploy LastDeploy `json:"last,omitzero"`
	OwnedSettings
}

// NumberRequest gives the next request number to a deploy of commit. After the largest number it
// starts over.
func (r *Record) NumberRequest(commit string) int64 {
	last := max(r.RequestNumber, r.Deployed)
	if last == math.MaxInt64 {
		last, r.Deployed = 0, 0
	}
	r.RequestNumber, r.Requested, r.Stuck = last+1, commit, ""
	return r.RequestNumber
}

// SetEnvironment sets the id of the environment that the record is about. What the record said
// about an earlier environment of the name is dropped, except its messages, its durations, its
// history, its presses and what orders requests.
func (r *Record) SetEnvironment(id string) {
	if r.Environment != id {
		r.clear()
		r.Environment = id
	}
}

// MakeTombstone reduces the record to what orders requests, its history, its presses and what a
// restore needs; nil when there is nothing to restore. The messages stay only with a restore, which
// updates them.
func (r *Record) MakeTombstone(restorable *Restorable) {
	message, messages := r.Message, r.Messages
	r.clear()
	r.Restorable, r.Message, r.Messages = restorable, Message{}, nil
	if restorable != nil {
		r.Message, r.Messages = message, messages
	}
}

func (r *Record) clear() {
	*r = Record{
		Counter: r.Counter, Write: r.Write, RequestNumber: r.RequestNumber, Requested: r.Requested, Removals: r.Removals,
		Lease: r.Lease, Feature: r.Feature, Application: r.Application, Message: r.Message, Messages: r.Messages, Durations: r.Durations, At: r.At,
		Presses: r.Presses, History: r.History,
	}
}

// parse decodes a record; the text may be hostile.
func parse(text []byte) (r Record, err error) {
	if len(text) > maxRecordBytes {
		return r, fmt.Errorf("%w: over %d bytes", ErrGarbage, maxRecordBytes)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrGarbage, err)
	}
	r.sanitize()
	return r, nil
}

// sanitize corrects values that beansprout never writes and with which it couldn't go on.
func (r *Record) sanitize() {
	for _, n := range []*int64{&r.Counter, &r.RequestNumber, &r.Deployed, &r.Removals} {
		*n = max(*n, 0)
	}
	if r.Counter == math.MaxInt64 {
		r.Counter = 0
	}
	if r.Removals == math.MaxInt64 {
		r.Removals = 0
	}
	for _, t := range []*time.Time{&r.Extended, &r.RemovalStarted, &r.MissingSince} {
		*t = valid(*t)
	}
	r.sanitizeTexts()
}

// slackAnnouncer is the announcer whose message has its own key in the record.
const slackAnnouncer = "Slack"

// MessageOf returns where the message of an announcer is, the zero Message when it has none.
func (r Record) MessageOf(announcer string) Message {
	if announcer == slackAnnouncer {
		return r.Message
	}
	return r.Messages[announcer]
}

// SetMessage sets where the message of an announcer is.
func (r *Record) SetMessage(announcer string, m Message) {
	if announcer == slackAnnouncer {
		r.Message = m
		return
	}
	messages := map[string]Message{announcer: m}
	for name, other := range r.Messages {
		if name != announcer {
			messages[name] = other
		}
	}
	r.Messages = messages
}

// OwnedSettings are the names, "namespace:name", of the settings that Beansprout gave an
// environment. Instances may be able to write the record, but not the environment's description,
// which holds the digest of one of the first two lists.
type OwnedSettings struct {
	Settings []string `json:"settings,omitempty"`
	// FormerSettings is the other list that the digest may belong to: the list from before an
	// update, or after an update that removed settings the list that still had them.
	FormerSettings []string `json:"listed,omitempty"`
	// BlankSettings are settings that were removed because AWS rejected their empty value: that
	// they have AWS's default is no difference.
	BlankSettings []string `json:"blank,omitempty"`
}

// Confirmed returns the settings that the digest confirms.
func (o OwnedSettings) Confirmed(digest string) []string {
	switch digest {
	case SettingsDigest(o.Settings):
		return o.Settings
	case SettingsDigest(o.FormerSettings):
		return slices.DeleteFunc(slices.Clone(o.Settings), func(name string) bool { return !slices.Contains(o.FormerSettings, name) })
	}
	return nil
}

// Updated returns o for an update to the settings with these names. digest is what the
// description holds until then; the list that it belongs to stays confirmed.
func (o OwnedSettings) Updated(names []string, digest string) OwnedSettings {
	now := OwnedSettings{Settings: names, BlankSettings: o.BlankSettings}
	for _, list := range [][]string{names, o.Settings, o.FormerSettings} {
		if SettingsDigest(list) == digest {
			if !slices.Equal(list, names) {
				now.FormerSettings = list
			}
			break
		}
	}
	return now
}

// SettingsDigest returns 20 hex digits that identify a list of settings' names, in any order.
// The description holds it, which instances can't write: it confirms such a list in the record,
// which they may be able to write.
func SettingsDigest(names []string) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(slices.Values(names)) {
		fmt.Fprintf(sum, "%q\n", name)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))[:20]
}
