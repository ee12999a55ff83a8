package bench

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud"
	"beansprout/localcloud/fault"
	"beansprout/test/lab"
)

// latency is how long each call takes that BenchmarkRounds measures.
const latency = 80 * time.Millisecond

// rounds returns how many groups of calls follow one another. Calls that overlap are one group: a
// call begins the next one when it starts after a call of the group has ended.
func rounds(calls []localcloud.Entry) (n int) {
	var end time.Time
	for _, e := range slices.SortedFunc(slices.Values(calls), func(a, b localcloud.Entry) int { return a.Time.Compare(b.Time) }) {
		ends := e.Time.Add(time.Duration(e.Millis) * time.Millisecond)
		switch {
		case n == 0 || !e.Time.Before(end):
			n, end = n+1, ends
		case ends.Before(end):
			end = ends
		}
	}
	return n
}

func TestRoundsAreGroupsOfCallsThatDoNotOverlap(t *testing.T) {
	for _, tt := range []struct {
		name  string
		calls [][2]int64 // start and length, in milliseconds
		want  int
	}{
		{"none", nil, 0},
		{"one", [][2]int64{{0, 80}}, 1},
		{"two at once", [][2]int64{{0, 80}, {10, 80}}, 1},
		{"one after the other", [][2]int64{{0, 80}, {80, 80}, {170, 80}}, 3},
		{"in another order", [][2]int64{{170, 80}, {0, 80}, {80, 80}}, 3},
		{"a short one ends the round", [][2]int64{{0, 300}, {10, 20}, {40, 80}}, 2},
		{"a long one does not hold up the others", [][2]int64{{0, 300}, {10, 80}, {100, 80}, {190, 80}}, 3},
	} {
		var calls []localcloud.Entry
		for _, c := range tt.calls {
			calls = append(calls, localcloud.Entry{Time: time.UnixMilli(c[0]), Millis: c[1]})
		}
		if got := rounds(calls); got != tt.want {
			t.Errorf("%s: %d rounds, want %d", tt.name, got, tt.want)
		}
	}
}

// BenchmarkRounds measures what the distance from AWS costs: the calls of whole runs, and how many
// of them wait for one another.
func BenchmarkRounds(b *testing.B) {
	lab.NeedEngine(b)
	l := lab.New(b, localcloud.Config{Faults: []fault.Rule{{Service: "*", Operation: "*", Kind: fault.Slow, For: latency}}})
	t := newTable(fmt.Sprintf("Rounds of calls, with every call delayed by %v", latency), "Beansprout", "")
	measure := func(name string, mostRounds, mostCalls float64, args []string) {
		before := len(l.Cloud.Calls())
		took := timed(b, func() error { return shell(asOnAWS(l, args)) })
		time.Sleep(latency) // until the last call is logged
		calls := l.Cloud.Calls()[before:]
		t.counts(name+": rounds", "", mostRounds, float64(rounds(calls)))
		t.counts(name+": calls", "", mostCalls, float64(len(calls)))
		t.says(name, "s", took.Seconds())
	}
	timed(b, func() error { return shell(asOnAWS(l, l.Up())) })
	for i := 0; b.Loop(); i++ {
		measure("nothing changed", 4, 10, l.Up())
		l.Write("web/page", fmt.Sprint("page ", i))
		measure("one small image changed", 22, 34, l.Up())
		measure("list of one environment", 2, 4, []string{"list"})
	}
	t.print()
}

// asOnAWS returns a command that finds the cloud as it finds AWS. With --local, each up asks the
// registry more often.
func asOnAWS(l *lab.Lab, args []string) *exec.Cmd {
	cloud := l.Running()
	cmd := l.Command(args, "AWS_ENDPOINT_URL="+cloud.Endpoint, "AWS_REGION="+lab.Region, "AWS_ACCESS_KEY_ID="+cloud.Key, "AWS_SECRET_ACCESS_KEY="+cloud.Secret)
	cmd.Args = slices.DeleteFunc(cmd.Args, func(arg string) bool { return strings.HasPrefix(arg, "--local") })
	return cmd
}
