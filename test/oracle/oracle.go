// Package oracle says what may be removed. It follows the rules of the product and shares no code with
// it: names are hashed, tags, descriptions and records are read in its own way. Tests compare the two.
package oracle

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	days = 24 * time.Hour
	year = 365 * days
)

// Policy is what the owner of an application has decided.
type Policy struct {
	Account string
	TTL     time.Duration // of environments that carry none; 0 where there is none
	Warn    time.Duration // 0 where no owner is warned
	Settle  time.Duration // how long a branch must be gone; 0 where branches do not matter
}

// Facts are what is known about an environment at one moment.
type Facts struct {
	Row     Row
	Tags    map[string]string
	Record  string    // its text, "" where there is none
	Written time.Time // when the record was written last
	Now     time.Time
	Gone    bool // the remote does not list its branch
}

// Record is a record as the oracle reads it.
type Record struct {
	Environment string
	Extended    time.Time
	Protected   *struct{} `json:"kept"`
	Lease       *struct {
		Verb    string
		Renewed time.Time
	}
	Missing time.Time
	Warned  *struct{ At, Expires time.Time }
	Last    struct {
		At  time.Time
		TTL string
	}
}

// LongestRecord is how long a record may be.
const LongestRecord = 64 << 10

// ParseRecord reads a record. ok is false where the text is none.
func ParseRecord(text string) (e Record, ok bool) {
	if text == "" {
		return e, true
	}
	return e, len(text) <= LongestRecord && json.Unmarshal([]byte(text), &e) == nil
}

// about returns what the record says of an environment: nothing, where it is another one's.
func (e Record) about(id string) Record {
	if e.Environment != id {
		return Record{Lease: e.Lease}
	}
	return e
}

// Keeps returns why an environment must stay, "" where it must go. unsure is set where a few seconds
// decide.
func (p Policy) Keeps(f Facts) (reason string, unsure bool) {
	if reason := p.foreign(f); reason != "" {
		return reason, false
	}
	rec, ok := ParseRecord(f.Record)
	rec = rec.about(f.Row.EnvironmentId)
	switch {
	case f.Row.Status != "Ready":
		return "it is " + f.Row.Status, false
	case f.Tags["beansprout:lifecycle"] != "ephemeral":
		return "its lifecycle is " + f.Tags["beansprout:lifecycle"], false
	case !ok:
		return "its record can't be read", false
	case rec.Protected != nil:
		return "it is protected", false
	}
	if rec.Lease != nil && rec.Lease.Verb != "janitor" {
		renewed := f.Written
		if rec.Lease.Renewed.Before(renewed) {
			renewed = rec.Lease.Renewed
		}
		if over, close := before(f.Now, renewed.Add(leaseTime), rec.Lease.Verb+" has its lease until "); over != "" || close {
			return over, close
		}
	}
	return p.young(f, rec)
}

// leaseTime is how long a lease lasts after it was renewed.
const leaseTime = time.Minute

// foreign returns why an environment is not ours, or "".
func (p Policy) foreign(f Facts) string {
	feature := f.Tags["beansprout:feature"]
	switch {
	case feature == "" || f.Tags["beansprout:created"] == "" || f.Tags["beansprout:lifecycle"] == "":
		return "a tag is missing"
	case !strings.HasSuffix("-"+f.Row.EnvironmentName, "-"+hashOf(p.Account, f.Row.ApplicationName, feature)):
		return "its name is another feature's"
	case !strings.EqualFold(strings.Split(f.Row.CNAME, ".")[0], f.Row.EnvironmentName):
		return "its address is another one"
	}
	return ""
}

// hashOf is the end of the name of a feature's environment.
func hashOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00") + "\x00"))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:10]
}

// young returns why the days of an environment are not over, or its owner does not know of it.
func (p Policy) young(f Facts, rec Record) (reason string, unsure bool) {
	end, known := p.expiry(f, rec)
	if !known {
		return "nothing tells when it ends", false
	}
	if wait := max(p.Settle, p.Warn); f.Gone && p.Settle > 0 && !rec.Missing.IsZero() && rec.Missing.Add(wait).Before(end) {
		end = rec.Missing.Add(wait)
	}
	reason, unsure = before(f.Now, end, "it ends at ")
	if reason != "" || p.Warn == 0 {
		return reason, unsure
	}
	if rec.Warned == nil || !rec.Warned.Expires.Equal(end) || rec.Warned.At.After(f.Now) {
		return fmt.Sprintf("its owner was not warned of the end at %v", end), unsure
	}
	soon, close := before(f.Now, rec.Warned.At.Add(p.Warn), "its owner was warned, and it stays until ")
	return soon, unsure || close
}

// before returns a reason where the time has not come, and whether that is a matter of seconds.
func before(now, end time.Time, why string) (reason string, unsure bool) {
	if now.Before(end) {
		reason = why + end.UTC().Format(time.RFC3339)
	}
	return reason, now.Sub(end).Abs() < 15*time.Second
}

// expiry is the latest of the instants that the rules name.
func (p Policy) expiry(f Facts, rec Record) (end time.Time, known bool) {
	created, err := time.Parse(time.RFC3339, f.Row.DateCreated)
	if err != nil || created.Year() < 2011 {
		return end, false
	}
	carried, ok := carriedDays(f)
	if !ok {
		carried = lifespan{ttl: p.TTL, least: min(days, p.TTL)}
	}
	if carried.ttl <= 0 {
		return end, false
	}
	deployed := created
	if updated, err := time.Parse(time.RFC3339, f.Row.DateUpdated); err == nil && updated.After(deployed) {
		deployed = updated
	}
	if at := rec.Last.At; !at.IsZero() && at.Before(deployed) {
		deployed = at
		if deployed.Before(created) {
			deployed = created
		}
	}
	from := created
	if carried.fromDeploy {
		from = deployed
	}
	delayed := rec.Extended
	if longer, ok := lifespanOf(rec.Last.TTL); ok {
		delayed = last(delayed, from.Add(longer.ttl))
	}
	if limit := f.Now.Add(year); delayed.After(limit) {
		delayed = limit
	}
	return last(from.Add(carried.ttl), deployed.Add(carried.least), delayed), true
}

func last(times ...time.Time) (latest time.Time) {
	for _, t := range times {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}

// lifespan is how long an environment lives by what it carries.
type lifespan struct {
	ttl, least time.Duration
	fromDeploy bool
}

// carriedDays are those in an environment's description, or else in its tag.
func carriedDays(f Facts) (lifespan, bool) {
	if rest, ok := strings.CutPrefix(f.Row.Description, f.Tags["beansprout:feature"]+" @ "); ok {
		rest, _, _ = strings.Cut(rest, " by ")
		rest = regexp.MustCompile(` ~[0-9a-f]{20}$`).ReplaceAllString(rest, "")
		if _, text, ok := strings.Cut(rest, " for "); ok {
			if l, ok := lifespanOf(text); ok {
				return l, true
			}
		}
	}
	return lifespanOf(f.Tags["beansprout:ttl"])
}

var lifespanText = regexp.MustCompile(`^(?:([0-9]{1,6})d)?([0-9hms]*)( from deploy)?(?: least (?:([0-9]{1,6})d)?([0-9hms]*))?$`)

func lifespanOf(text string) (l lifespan, ok bool) {
	m := lifespanText.FindStringSubmatch(text)
	if m == nil {
		return l, false
	}
	if l.ttl = spanOf(m[1], m[2]); l.ttl <= 0 {
		return l, false
	}
	l.least, l.fromDeploy = min(days, l.ttl), m[3] != ""
	if strings.Contains(text, " least ") {
		l.least = min(spanOf(m[4], m[5]), l.ttl)
	}
	return l, true
}

func spanOf(whole, rest string) time.Duration {
	n, _ := strconv.Atoi(whole)
	d, _ := time.ParseDuration(rest)
	return time.Duration(n)*days + d
}

// Row is an environment as a describe tells.
type Row struct {
	EnvironmentId, EnvironmentName, ApplicationName, Description, CNAME, Status, VersionLabel, DateCreated, DateUpdated string
}

// Gone reports whether it is being removed, or was.
func (r Row) Gone() bool { return r.Status == "Terminating" || r.Status == "Terminated" }
