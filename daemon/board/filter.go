package board

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"beansprout/spelling"
	"beansprout/visible"
)

// filter is what the address of a list says. The zero filter shows all that lives, by feature.
type filter struct {
	Search      string // words that feature, commit, subject, owner or name must contain
	Owner       string
	State       string // a state, due or protected; removed alone shows what does not live
	Application string
	Sort        string // key of a column, with "-" in front where the order is the other way round
}

// states are what a list can be filtered by, in the order in which they are offered.
var states = []string{stateRunning, stateLaunching, stateUpdating, stateRemoving, stateFailing, markDue, markProtected, stateRemoved}

// sorts are the columns of the table.
var sorts = []struct {
	key, label string
	compare    func(a, b row) int
}{
	{"feature", "Feature", func(a, b row) int { return strings.Compare(strings.ToLower(a.Feature), strings.ToLower(b.Feature)) }},
	{"state", "State", func(a, b row) int { return cmp.Compare(slices.Index(states, a.State), slices.Index(states, b.State)) }},
	{"commit", "Commit", func(a, b row) int { return strings.Compare(a.Subject, b.Subject) }},
	{"owner", "Owner", func(a, b row) int { return strings.Compare(strings.ToLower(a.Owner), strings.ToLower(b.Owner)) }},
	{"age", "Age", func(a, b row) int { return -a.Created.At.Compare(b.Created.At) }},
	{"deployed", "Last deploy", func(a, b row) int { return -a.Deployed.At.Compare(b.Deployed.At) }},
	{"expires", "Time left", func(a, b row) int { return compareEnds(a.end(), b.end()) }},
}

// end returns when a row has no time left: that of a removed one is for a restore.
func (r row) end() time.Time {
	if r.State == stateRemoved {
		return r.Until.At
	}
	return r.Expires.At
}

// compareEnds compares two times of which the zero one never comes.
func compareEnds(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		return -a.Compare(b)
	}
	return a.Compare(b)
}

// wordLimit is how many characters a value in an address has.
const wordLimit = 200

// parseFilter reads the query of an address. What it does not know it ignores, and says so.
func parseFilter(q url.Values) (f filter, complaints []string) {
	get := func(key string) string { return visible.Line(q.Get(key), wordLimit) }
	f = filter{Search: get("q"), Owner: get("owner"), State: strings.ToLower(get("state")), Application: get("application"), Sort: strings.ToLower(get("sort"))}
	if f.State != "" && !slices.Contains(states, f.State) {
		complaints = append(complaints, unknown("state", f.State, states))
		f.State = ""
	}
	var known []string
	for _, s := range sorts {
		known = append(known, s.key)
	}
	if f.Sort != "" && !slices.Contains(known, strings.TrimPrefix(f.Sort, "-")) {
		complaints = append(complaints, unknown("column", f.Sort, known))
		f.Sort = ""
	}
	return f, complaints
}

func unknown(kind, value string, known []string) string {
	text := fmt.Sprintf("There is no %s %q", kind, visible.Text(value))
	if near := spelling.Nearest(value, known); near != "" {
		return text + fmt.Sprintf(". Was %q meant?", near)
	}
	return text + ", but " + strings.Join(known, ", ") + "."
}

// passes reports whether the filter lets a row pass.
func (f filter) passes(l *line) bool {
	removed := l.State == stateRemoved
	switch {
	case removed != (f.State == stateRemoved), f.State != "" && !l.is(f.State):
		return false
	case f.Owner != "" && !strings.EqualFold(l.Owner, visible.Text(f.Owner)):
		return false
	case f.Application != "" && l.Application != visible.Text(f.Application):
		return false
	}
	for _, word := range strings.Fields(strings.ToLower(f.Search)) {
		if !l.has(word) {
			return false
		}
	}
	return true
}

// has reports whether a search for a word in lower case finds the line. A whole commit finds it by its beginning.
func (l *line) has(word string) bool {
	commit := strings.ToLower(l.ShortCommit)
	return strings.Contains(l.search, word) || len(commit) > 6 && strings.HasPrefix(word, commit)
}

// sort sorts lines, which are by key, as the filter says; equal ones by key.
func (f filter) sort(lines []*line) {
	key, descending := strings.CutPrefix(f.Sort, "-")
	for _, s := range sorts {
		if s.key == key || key == "" && s.key == sorts[0].key {
			slices.SortStableFunc(lines, func(a, b *line) int {
				if descending {
					a, b = b, a
				}
				return s.compare(a.row, b.row)
			})
		}
	}
}

// address returns the address of the list with this filter.
func (f filter) address() string {
	q := url.Values{}
	for key, value := range map[string]string{"q": f.Search, "owner": f.Owner, "state": f.State, "application": f.Application, "sort": f.Sort} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

// columns returns the headings of the table.
func (f filter) columns() []column {
	var all []column
	for i, s := range sorts {
		c, by := column{Key: s.key, Label: s.label, Sorted: "none"}, f
		by.Sort = s.key
		switch {
		case f.Sort == s.key, f.Sort == "" && i == 0:
			c.Sorted, by.Sort = "ascending", "-"+s.key
		case f.Sort == "-"+s.key:
			c.Sorted = "descending"
		}
		if by.Sort == sorts[0].key {
			by.Sort = ""
		}
		c.Link = by.address()
		all = append(all, c)
	}
	return all
}
