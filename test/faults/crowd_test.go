package faults

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/localcloud"
	"beansprout/localcloud/fault"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// throttled opens a cloud that throttles as AWS does: two describes a second and fifteen at once
// for the whole account, and some of the writes. What is to be built has been built.
func throttled(t *testing.T) *lab.Lab {
	lab.NeedEngine(t)
	l := lab.New(t, localcloud.Config{Describes: fault.Rate{PerSecond: 2, Burst: 15}, CreateTime: transition, UpdateTime: transition})
	l.Must("up", "--feature", "first")
	l.Limit = time.Hour
	writes := fault.Rule{Service: "elasticbeanstalk", Operation: "writes", Kind: fault.Throttle, Probability: 0.3, Seed: 1}
	must.Succeed(t, l.Cloud.Inject(writes))
	return l
}

// atOnce runs the binary n times at once, and returns how each run ended.
func atOnce(l *lab.Lab, n int, args func(int) []string, variables func(int) []string) []lab.Ended {
	l.Helper()
	runs := make([]lab.Ended, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { runs[i] = l.Run(l.Command(args(i), variables(i)...), nil) })
	}
	all.Wait()
	return runs
}

// TestACrowdOfFeatures launches many features at once. That takes hardly longer than the
// calls that it makes must take where all share two describes a second.
func TestACrowdOfFeatures(t *testing.T) {
	n := 12
	if lab.Soak() {
		n = 100
	}
	l := throttled(t)
	l.Write("beansprout.yaml", "application: hello\nartifact: app.zip\nenvironment: {platform: Docker running on 64bit Amazon Linux 2023}\n")
	l.Zip("app.zip", "Dockerfile")
	began := l.Logged()
	start := time.Now()
	feature := func(i int) string { return fmt.Sprintf("feature-%d", i) }
	runs := atOnce(l, n, func(i int) []string { return []string{"up", "--feature", feature(i)} }, func(int) []string { return nil })
	took := time.Since(start)
	calls := l.Logged()[len(began):]
	for i, r := range runs {
		if r.Code != 0 || !strings.HasPrefix(r.Stdout, "http://"+l.Name(feature(i))+".localhost:") {
			t.Errorf("%v", r)
		}
	}
	if got := strings.Count(lab.EnvironmentLines(l.Holdings()), ": Ready, Green"); got != n+1 {
		t.Errorf("%d environments are Ready and Green, want %d", got, n+1)
	}
	answered, refused := metered(calls)
	unavoidable := time.Duration(max(0, answered-15)) * time.Second / 2
	ratio := took.Seconds() / max(1, unavoidable.Seconds())
	t.Logf("%d features in %.0f s: %d calls, of which %d metered (and %d refused), which must take %.0f s: ratio %.2f; load %s",
		n, took.Seconds(), len(calls), answered, refused, unavoidable.Seconds(), ratio, lab.LoadAverage())
	if lab.Soak() && ratio > 1.5 {
		t.Errorf("the ratio is over 1.5")
	}
}

// TestACrowdOfCommits brings up one feature from many commits at once: the last to have
// asked runs in the end, and those that came too late to deploy anything say so.
func TestACrowdOfCommits(t *testing.T) {
	n := 5
	if lab.Soak() {
		n = 10
	}
	l := throttled(t)
	commit := func(i int) string { return strings.Repeat(fmt.Sprintf("%x", i+1), 40) }
	runs := atOnce(l, n,
		func(int) []string { return l.Up("--json") },
		func(i int) []string { return []string{"GIT_COMMIT=" + commit(i)} })
	superseded := 0
	outcomes := map[string]string{}
	for i, r := range runs {
		var said struct{ Outcome, Commit, URL string }
		if err := json.Unmarshal([]byte(r.Stdout), &said); err != nil || r.Code != 0 {
			t.Errorf("%v: %v", err, r)
			continue
		}
		outcomes[commit(i)[:7]] = said.Outcome
		if said.Outcome == "superseded" {
			superseded++
			if said.URL != "" || !strings.Contains(r.Stderr, "superseded") {
				t.Errorf("superseded, and yet: %v", r)
			}
		}
	}
	var record struct {
		Requested string `json:"asked"`
		Commit    string
		Number    int64 `json:"ticket"`
		Deployed  int64 `json:"ran"`
	}
	must.Succeed(t, json.Unmarshal(l.Record("login"), &record))
	t.Logf("%v; the last to ask was %.7s with number %d, and %.7s runs, number %d; load %s", outcomes, record.Requested, record.Number, record.Commit, record.Deployed, lab.LoadAverage())
	if record.Number != int64(n) || record.Deployed != record.Number || record.Commit != record.Requested {
		t.Errorf("the record says %+v", record)
	}
	if superseded == 0 || outcomes[record.Requested[:min(7, len(record.Requested))]] == "superseded" {
		t.Errorf("%d of %d were superseded", superseded, n)
	}
	if lines := lab.EnvironmentLines(l.Holdings()); strings.Count(lines, "NAME") != 2 || !strings.Contains(lines, " @ "+record.Requested) {
		t.Errorf("what runs is %s", lines)
	}
}

// metered counts the calls that share AWS's token bucket: those that it let through, and
// those that it refused.
func metered(calls []localcloud.Entry) (answered, refused int) {
	for _, e := range calls {
		if e.Service != "elasticbeanstalk" || !slices.Contains([]string{"DescribeEnvironments", "DescribeEvents", "ListTagsForResource"}, e.Action) {
			continue
		}
		if e.Fault == fault.Throttle {
			refused++
		} else {
			answered++
		}
	}
	return answered, refused
}
