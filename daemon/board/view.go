package board

import (
	"html/template"
	"strings"
	"time"
)

// What the templates show. All texts that others wrote are on one line and without secrets, and characters that
// mislead a reader are written as escapes; html/template escapes the rest. A link is "" where there is none, or
// else it is of http, https or the board itself.

// page is what both pages begin with.
type page struct {
	Title   string
	Viewer  string // the name of the person who looks, "" where that is not known
	LogOut  bool   // the viewer has logged in here
	Live    bool   // acts are possible
	Login   string // the address of the page that logs a person in; "" where one is known, or acts are not possible
	Head    template.HTML
	Reading string // where the stream of changes goes on: /changes?since={{.Reading}}
	Now     moment // AWS's clock when the page was made
	Style   string // addresses of the style sheet and the script
	Script  string
	Icon    string
}

// head is the part of both pages that the stream sends with each change: template "head".
type head struct {
	Counts  []count
	Notices []notice // what is old, left out or wrong
}

// count is a number on top of the page, with the view that shows what it counts.
type count struct {
	State string // as the address filters by it: running, due, protected, failing
	Label string
	N     int
	Link  string
}

// notice is a sentence above the table.
type notice struct {
	Text  string
	Since moment // zero where the notice has no time
}

// listPage is the data of list.html.
type listPage struct {
	page
	Filter     filter
	Complaints []string // what in the address is not understood
	Owners     []option
	States     []option
	Apps       []option // applications; one at most where there is no choice
	Columns    []column
	Rows       []template.HTML // those that the filter lets pass, sorted; each by template "row"
	Others     []template.HTML // living ones that it does not; none while it asks for removed ones
	All        int             // how many live
	Read       bool            // something has been read: that nothing is shown means that nothing is there
}

// option is a choice of a filter.
type option struct {
	Value, Label string
	Selected     bool
}

// column is a column of the table, whose heading sorts.
type column struct {
	Key    string // as the address sorts by it
	Label  string
	Link   string // sorts by it, or in the other direction
	Sorted string // ascending, descending, or none
}

// row is a feature in the table: template "row". Two rows are the same if they are equal.
type row struct {
	Key         string // application/name of the environment: stable
	Page        string // address of the feature's page
	Application string
	Feature     string
	Source      string // what the feature is: branch, fork or name; "" where that is not known
	Name        string // of the environment
	ID          string // of the environment, "" of a removed one
	State       string // running, launching, updating, removing, failing or removed
	Marks       string // all states that filter: State, and due, protected; between spaces
	Detail      string // what AWS calls the state, where that says more
	Health      string // Green, Yellow, Red or Grey
	HealthText  string // the same in words: Ok, Warning, Severe ...
	URL         string
	Commit      string // whole
	ShortCommit string
	Subject     string
	Owner       string
	Created     moment
	Deployed    moment // the last deploy that succeeded
	Expires     moment // zero where it never expires, or that is not known
	Removed     moment // of a removed one
	Until       moment // of a removed one: restore brings it back until then; zero where it can't
	Over        bool   // Expires or Until is over
	Protection  string // by whom or what it is protected, and why; "" where it is not
	Build       string // of the CI's run
	Fate        string // remove, warn, wait, kept or unknown: what the next sweep would say
	Why         string // in words
	Swept       string // what the last sweep said that the board can't know, and when
	Work        string // who is at work on it
	Failure     string // how the last operation failed
}

// Host returns the first part of the URL's host, which tells environments apart.
func (r row) Host() string {
	_, host, _ := strings.Cut(r.URL, "://")
	name, _, _ := strings.Cut(host, ".")
	return name
}

// moment is a time of which pages show how long ago it was, or how long until it is. The zero moment is unknown.
type moment struct {
	At    time.Time
	Exact string // RFC 3339 in UTC, for <time datetime>
	Text  string // as in "3d", or "in 2h"; when the page was made
}

// Plain returns the moment for people: date and time in UTC.
func (m moment) Plain() string { return m.At.UTC().Format("2006-01-02 15:04:05 UTC") }

// Age returns how long ago the moment was, as in "3d".
func (m moment) Age() string { return strings.TrimSuffix(m.Text, " ago") }

// featurePage is the data of feature.html.
type featurePage struct {
	page
	Key  string        // of the feature's row; the stream of changes takes it as feature={{.Key}}
	Name string        // of the feature
	Live template.HTML // what changes while the page is open: template "live"
	Mark string        // of Live: the stream sends what has another one
	Logs string        // address of the page with the end of its logs, "" where there are none
	Acts []form
}

// logsPage is the data of logs.html: the end of the logs of a feature's instances.
type logsPage struct {
	page
	Name    string // of the feature
	Feature string // address of its page
	Text    string // several lines
	Failure string // why they can't be read
	Waiting bool   // AWS is gathering them
}

// live is the part of a feature's page that the stream sends when it changes: template "live".
type live struct {
	Row       row
	Timeline  []entry // the newest first
	Versions  []version
	Unread    []string // what could not be read, and why
	Following bool     // something is at work: events come while the page is open
}

// entry is something that has happened.
type entry struct {
	At       moment
	Kind     string // event of AWS's, or deployed, failed, extended, protected, warned, pressed, removed, restored ...
	Severity string // of an event: INFO, WARN, ERROR ...
	By       string
	Text     string
	Failure  bool
	Build    string // link to the build that did it
	Log      string // of a failure, its last lines
	Earlier  bool   // of an environment before this one
}

// version is what the environment runs or has run.
type version struct {
	Label       string
	ShortCommit string
	Owner       string
	Created     moment
	State       string // running, restorable, lost, unused or unknown
	Reason      string
}

// form is a form that acts; it leads to /act.
type form struct {
	Act     string // extend, protect, unprotect, remove, restore or rollback
	Label   string // of its button
	Hint    string // what it does, in a sentence
	Fields  []field
	Reason  bool // it takes a reason, which may be required
	Confirm bool // it takes the feature's name in the field "confirm"; its act is not undone without harm

	version string // that a rollback deploys
}

// field is a hidden field of a form.
type field struct{ Name, Value string }

// missingPage is the data of missing.html: a feature that nothing is known about.
type missingPage struct {
	page
	Name    string
	Similar []link
}

// link is a link with its text.
type link struct{ Text, To string }
