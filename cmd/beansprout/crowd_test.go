package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/localcloud"
	"beansprout/localcloud/fault"
)

// throttled opens a cloud that throttles as AWS does: two describes a second and fifteen at once
// for the whole account, and some of the writes. What is to be built has been built.
func throttled(t *testing.T) *lab {
	needEngine(t)
	l := newLab(t, localcloud.Config{Describes: fault.Rate{PerSecond: 2, Burst: 15}, CreateTime: transition, UpdateTime: transition})
	l.must("up", "--feature", "first")
	l.limit = time.Hour
	writes := fault.Rule{Service: "elasticbeanstalk", Operation: "writes", Kind: fault.Throttle, Probability: 0.3, Seed: 1}
	if err := l.cloud.Inject(writes); err != nil {
		t.Fatal(err)
	}
	return l
}

// together runs the binary n times at once, and returns how each run ended.
func (l *lab) together(n int, args func(int) []string, variables func(int) []string) []ended {
	l.Helper()
	runs := make([]ended, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { runs[i] = l.run(l.command(args(i), variables(i)...), nil) })
	}
	all.Wait()
	return runs
}

// TestACrowdOfFeatures launches many features at once. That takes hardly longer than the
// calls that it makes must take where all share two describes a second.
func TestACrowdOfFeatures(t *testing.T) {
	n := 12
	if soak() {
		n = 100
	}
	l := throttled(t)
	l.write("beansprout.yaml", "application: hello\nartifact: app.zip\nenvironment: {platform: Docker running on 64bit Amazon Linux 2023}\n")
	l.zip("app.zip", "Dockerfile")
	began := l.logged()
	start := time.Now()
	feature := func(i int) string { return fmt.Sprintf("feature-%d", i) }
	runs := l.together(n, func(i int) []string { return []string{"up", "--feature", feature(i)} }, func(int) []string { return nil })
	took := time.Since(start)
	calls := l.logged()[len(began):]
	for i, r := range runs {
		if r.code != 0 || !strings.HasPrefix(r.stdout, "http://"+l.name(feature(i))+".localhost:") {
			t.Errorf("%v", r)
		}
	}
	if got := strings.Count(environmentLines(l.holdings()), ": Ready, Green"); got != n+1 {
		t.Errorf("%d environments are Ready and Green, want %d", got, n+1)
	}
	answered, refused := metered(calls)
	unavoidable := time.Duration(max(0, answered-15)) * time.Second / 2
	ratio := took.Seconds() / max(1, unavoidable.Seconds())
	t.Logf("%d features in %.0f s: %d calls, of which %d metered (and %d refused), which must take %.0f s: ratio %.2f; load %s",
		n, took.Seconds(), len(calls), answered, refused, unavoidable.Seconds(), ratio, loadAverage())
	if soak() && ratio > 1.5 {
		t.Errorf("the ratio is over 1.5")
	}
}

// TestACrowdOfCommits brings up one feature from many commits at once: the last to have
// asked runs in the end, and those that came too late to deploy anything say so.
func TestACrowdOfCommits(t *testing.T) {
	n := 5
	if soak() {
		n = 10
	}
	l := throttled(t)
	commit := func(i int) string { return strings.Repeat(fmt.Sprintf("%x", i+1), 40) }
	runs := l.together(n,
		func(int) []string { return l.up("--json") },
		func(i int) []string { return []string{"GIT_COMMIT=" + commit(i)} })
	superseded := 0
	outcomes := map[string]string{}
	for i, r := range runs {
		var said struct{ Outcome, Commit, URL string }
		if err := json.Unmarshal([]byte(r.stdout), &said); err != nil || r.code != 0 {
			t.Errorf("%v: %v", err, r)
			continue
		}
		outcomes[commit(i)[:7]] = said.Outcome
		if said.Outcome == "superseded" {
			superseded++
			if said.URL != "" || !strings.Contains(r.stderr, "superseded") {
				t.Errorf("superseded, and yet: %v", r)
			}
		}
	}
	var record struct {
		Asked, Commit string
		Ticket, Ran   int64
	}
	if err := json.Unmarshal(l.record("login"), &record); err != nil {
		t.Fatal(err)
	}
	t.Logf("%v; the last to ask was %.7s with ticket %d, and %.7s runs, ticket %d; load %s", outcomes, record.Asked, record.Ticket, record.Commit, record.Ran, loadAverage())
	if record.Ticket != int64(n) || record.Ran != record.Ticket || record.Commit != record.Asked {
		t.Errorf("the ledger says %+v", record)
	}
	if superseded == 0 || outcomes[record.Asked[:min(7, len(record.Asked))]] == "superseded" {
		t.Errorf("%d of %d were superseded", superseded, n)
	}
	if lines := environmentLines(l.holdings()); strings.Count(lines, "NAME") != 2 || !strings.Contains(lines, " @ "+record.Asked) {
		t.Errorf("what runs is %s", lines)
	}
}

// zip makes an archive of empty files in the application's directory.
func (l *lab) zip(name string, files ...string) {
	l.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, f := range files {
		if _, err := w.Create(f); err != nil {
			l.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		l.Fatal(err)
	}
	l.write(name, archive.String())
}

// logged reads the cloud's whole log of requests, which it keeps longer on disk than in memory.
func (l *lab) logged() []localcloud.Entry {
	l.Helper()
	var all []localcloud.Entry
	for _, name := range []string{"requests.log.1", "requests.log"} {
		f, err := os.Open(filepath.Join(l.home, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			l.Fatal(err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var e localcloud.Entry
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				l.Fatal(err)
			}
			all = append(all, e)
		}
	}
	return all
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

// loadAverage is what the machine has to do besides, of which every figure speaks.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
