package janitor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
)

// wood is a house whose environments are young, with a remote that lists these branches besides main.
func wood(features []string, listed ...string) (*Janitor, *shelf) {
	j, s := house()
	for _, f := range features {
		s.add(f, time.Hour)
	}
	s.quiet = true
	j.Branches = Branches{Remote: "https://example.com/shop", After: time.Hour}
	grow(j, listed...)
	return j, s
}

// grow has the remote list these branches besides main.
func grow(j *Janitor, listed ...string) {
	names := map[string]bool{"main": true}
	for _, name := range listed {
		names[name] = true
	}
	j.listing.list = func(context.Context) (map[string]bool, error) { return names, nil }
}

// age lets time pass for the janitor and for AWS, but for no environment.
func (s *shelf) age(j *Janitor, d time.Duration) {
	s.survey.Now = s.survey.Now.Add(d)
	now := s.survey.Now
	j.Now = func() time.Time { return now }
	s.survey.Last = s.note
}

func sweepLive(t *testing.T, j *Janitor) Report {
	t.Helper()
	report, err := j.Sweep(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestABranchThatIsGoneForLongEnoughTakesItsEnvironmentWithIt(t *testing.T) {
	j, s := wood([]string{"gone", "there"}, "there")
	if report, err := j.Sweep(t.Context(), false); err != nil || report.Count(Wait) != 1 || len(s.missing) > 0 || s.noted != -1 {
		t.Errorf("dry: %q, %v, noted %q", said(report), err, s.missing)
	}
	if report := sweepLive(t, j); report.Count(Wait) != 1 || strings.Join(s.missing, ",") != "gone true" {
		t.Errorf("first: %q, noted %q", said(report), s.missing)
	}
	s.age(j, 59*time.Minute)
	if report := sweepLive(t, j); report.Count(Wait) != 1 || len(s.removed) > 0 {
		t.Errorf("too early: %q", said(report))
	}
	s.age(j, time.Minute)
	report := sweepLive(t, j)
	checkSweep(t, s, report, "gone removed", "gone")
	if len(s.missing) != 1 || len(s.note.Missing) > 0 {
		t.Errorf("it was noted %q, and for the next sweep %q", s.missing, s.note.Missing)
	}
}

func TestABranchThatCameBackIsMissedAnew(t *testing.T) {
	j, s := wood([]string{"flickers", "there"}, "there")
	sweepLive(t, j)
	grow(j, "there", "flickers")
	s.age(j, time.Hour)
	sweepLive(t, j)
	if strings.Join(s.missing, ",") != "flickers true,flickers false" {
		t.Errorf("noted %q", s.missing)
	}
	s.record("flickers").MissingSince = noon // as if that had not been cleared
	grow(j, "there")
	s.age(j, 2*time.Hour)
	if report := sweepLive(t, j); report.Count(Wait) != 1 || len(s.removed) > 0 {
		t.Errorf("gone again: %q", said(report))
	}
}

func TestWhatARecordSaysAloneShortensNoWait(t *testing.T) {
	j, s := wood([]string{"gone", "there"}, "there")
	s.record("gone").MissingSince = noon.AddDate(-1, 0, 0)
	if report := sweepLive(t, j); report.Count(Wait) != 1 || len(s.removed) > 0 {
		t.Errorf("no sweep has seen it: %q", said(report))
	}
	j, s = wood([]string{"there"}, "there")
	s.record("there").MissingSince = noon.AddDate(-1, 0, 0)
	s.survey.Last.Missing = []string{"e-there"}
	if report := sweepLive(t, j); report.Young != 1 || len(s.removed) > 0 {
		t.Errorf("it is there: %q", said(report))
	}
}

func TestNothingIsRemovedForItsBranchThatWasNotMadeForOne(t *testing.T) {
	for _, tt := range []struct {
		feature, source, want string
	}{
		{"gone", envs.SourceBranch, ""},
		{"gone", envs.SourceName, "do not say that it was made for a branch"},
		{"gone", envs.SourceFork, "do not say that it was made for a branch"},
		{"gone", "", "do not say that it was made for a branch"},
		{"kim:gone", envs.SourceBranch, "expires in 23h"},
		{"PR-7", envs.SourceBranch, "expires in 23h"},
		{"mr-12", envs.SourceBranch, "expires in 23h"},
	} {
		j, s := wood([]string{tt.feature, "there"}, "there")
		s.candidate(tt.feature).Environment.Source = tt.source
		s.record(tt.feature).MissingSince = noon.Add(-2 * time.Hour)
		s.survey.Last.Missing = []string{"e-" + tt.feature}
		report := sweepLive(t, j)
		d := report.Decisions[0]
		if (d.Action == Removed) != (tt.want == "") || !strings.Contains(d.Reason, tt.want) {
			t.Errorf("%s, source %q: %s because %q", tt.feature, tt.source, d.Action, d.Reason)
		}
		if s.expired = nil; tt.want != "" {
			s.survey.Last = s.note
			if sweepLive(t, j); len(s.expired) > 0 {
				t.Errorf("%s, source %q: its tags are read in each sweep", tt.feature, tt.source)
			}
		}
	}
}

func TestBranchesThatAreNotKnownRemoveNothing(t *testing.T) {
	refused := errors.New("it asks for a password")
	for _, tt := range []struct {
		name   string
		change func(j *Janitor, s *shelf)
		want   string
	}{
		{"the remote refuses", func(j *Janitor, _ *shelf) {
			j.listing.list = func(context.Context) (map[string]bool, error) { return nil, refused }
		}, "asks for a password"},
		{"more than three and more than half are gone", func(j *Janitor, s *shelf) {
			for i := range 3 {
				s.add(fmt.Sprint("also-", i), time.Hour)
			}
		}, "probably a mistake"},
	} {
		j, s := wood([]string{"gone", "there"}, "there")
		s.add("old", 48*time.Hour)
		grow(j, "there", "old")
		s.record("gone").MissingSince = noon.Add(-2 * time.Hour)
		s.survey.Last.Missing = []string{"e-gone"}
		tt.change(j, s)
		report := sweepLive(t, j)
		checkSweep(t, s, report, "old removed", "old")
		if !errors.Is(report.Unlisted, ErrBranches) || !strings.Contains(report.Unlisted.Error(), tt.want) || strings.Join(s.note.Missing, "") != "e-gone" {
			t.Errorf("%s: %v, noted %q", tt.name, report.Unlisted, s.note.Missing)
		}
	}
}

func TestThreeBranchesMayGoAtOnceOrHalf(t *testing.T) {
	for _, tt := range []struct {
		gone, there int
		trusted     bool
	}{{3, 0, true}, {4, 0, false}, {4, 3, false}, {4, 4, true}, {6, 5, false}, {6, 6, true}} {
		var features, listed []string
		for i := range tt.gone {
			features = append(features, fmt.Sprint("gone-", i))
		}
		for i := range tt.there {
			listed = append(listed, fmt.Sprint("there-", i))
		}
		j, _ := wood(append(features, listed...), listed...)
		if report := prepared(t, j); (report.Unlisted == nil) != tt.trusted {
			t.Errorf("%d of %d gone: %v", tt.gone, tt.gone+tt.there, report.Unlisted)
		}
	}
}

// Of eight branches four may be gone, of seven not.
func TestOnlyBranchesOfLivingEnvironmentsOfOursCount(t *testing.T) {
	for name, change := range map[string]func(*Janitor, *envs.Candidate){
		"what counts":               func(*Janitor, *envs.Candidate) {},
		"what has lost its address": func(_ *Janitor, c *envs.Candidate) { c.Proved = false },
		"what is going away":        func(_ *Janitor, c *envs.Candidate) { c.Environment.State = envs.Terminating },
		"what a person has named": func(j *Janitor, c *envs.Candidate) {
			j.listing.sources = map[string]string{c.Environment.ID: envs.SourceName}
		},
	} {
		j, s := wood([]string{"a", "b", "c", "d", "1", "2", "3", "4"}, "1", "2", "3", "4")
		change(j, s.candidate("4"))
		if report := prepared(t, j); (report.Unlisted == nil) != (name == "what counts") {
			t.Errorf("%s: %v", name, report.Unlisted)
		}
	}
}

// The next sweep believes no record that this one could not write.
func TestWhatCouldNotBeNotedIsMissedAnew(t *testing.T) {
	j, s := wood([]string{"gone", "there"}, "there")
	s.record("gone").MissingSince = noon.AddDate(-1, 0, 0)
	s.unwritten = errors.New("access denied")
	if report, err := j.Sweep(t.Context(), true); !errors.Is(err, s.unwritten) || len(s.note.Missing) > 0 {
		t.Errorf("%q, %v, and for the next sweep it noted %q", said(report), err, s.note.Missing)
	}
}

func TestTheBranchesAreListedAgainJustBeforeARemoval(t *testing.T) {
	j, s := wood([]string{"gone", "there"}, "there")
	s.record("gone").MissingSince = noon.Add(-2 * time.Hour)
	s.survey.Last.Missing = []string{"e-gone"}
	for _, tt := range []struct {
		name   string
		second func() (map[string]bool, error)
		want   string
	}{
		{"it is there again", func() (map[string]bool, error) { return map[string]bool{"gone": true}, nil }, "there again"},
		{"the remote is silent", func() (map[string]bool, error) { return nil, errors.New("no answer") }, "no answer"},
	} {
		lists := 0
		j.listing.at, j.looked = time.Time{}, nil
		j.listing.list = func(context.Context) (map[string]bool, error) {
			if lists++; lists == 1 {
				return map[string]bool{"main": true, "there": true}, nil
			}
			return tt.second()
		}
		report := prepared(t, j)
		j.listing.at = time.Now().Add(-2 * listingMaxAge)
		j.act(t.Context(), &report, true)
		if d := report.Decisions[0]; d.Action != Keep || !strings.Contains(d.Reason, tt.want) || lists != 2 || len(s.removed) > 0 {
			t.Errorf("%s: %s because %q after %d lists", tt.name, d.Action, d.Reason, lists)
		}
	}
}

func TestTheRemovalsOfASweepShareOneList(t *testing.T) {
	j, s := wood([]string{"a", "b", "c", "there", "too", "as well"}, "there", "too", "as well")
	for _, f := range []string{"a", "b", "c"} {
		s.record(f).MissingSince = noon.Add(-2 * time.Hour)
		s.survey.Last.Missing = append(s.survey.Last.Missing, "e-"+f)
	}
	lists, list := 0, j.listing.list
	j.listing.list = func(ctx context.Context) (map[string]bool, error) { lists++; return list(ctx) }
	if sweepLive(t, j); len(s.removed) != 3 || lists != 1 {
		t.Errorf("removed %q with %d lists", s.removed, lists)
	}
}

func TestWhatAnEnvironmentWasMadeForIsForgottenWithIt(t *testing.T) {
	j, s := wood([]string{"gone", "there"}, "there")
	sweepLive(t, j) // reads the tags of what seems to be made for a branch that is gone
	known := len(j.listing.sources)
	s.survey.Environments = s.survey.Environments[1:]
	if sweepLive(t, j); known != 1 || len(j.listing.sources) != 0 {
		t.Errorf("%d were known, and then %v", known, j.listing.sources)
	}
}
