package fault

import (
	"strings"
	"testing"
	"time"
)

func TestBucket(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name  string
		rate  Rate
		calls []time.Duration // since the start
		want  string          // y: let through, n: not
	}{
		{"full at first", Rate{2, 3}, []time.Duration{0, 0, 0, 0}, "yyyn"},
		{"one token every half second", Rate{2, 1}, []time.Duration{0, 499 * ms, 500 * ms, 500 * ms, 1000 * ms}, "ynyny"},
		{"a refused call costs nothing", Rate{2, 1}, []time.Duration{0, 100 * ms, 200 * ms, 300 * ms, 500 * ms}, "ynnny"},
		{"never fuller than full", Rate{2, 2}, []time.Duration{0, time.Hour, time.Hour, time.Hour}, "yyyn"},
		{"fractions are kept", Rate{2, 2}, []time.Duration{0, 0, 250 * ms, 500 * ms, 750 * ms, 1000 * ms}, "yynyny"},
		{"slow", Rate{0.1, 1}, []time.Duration{0, 9999 * ms, 10000 * ms}, "yny"},
		{"clock set back", Rate{2, 1}, []time.Duration{time.Hour, 0, 499 * ms, 500 * ms}, "yyny"},
	} {
		b, got, start := bucket{Rate: tt.rate}, "", time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		for _, at := range tt.calls {
			if b.take(start.Add(at)) {
				got += "y"
			} else {
				got += "n"
			}
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestBucketKeepsItsRate(t *testing.T) {
	b, through := bucket{Rate: Rate{2, 15}}, 0
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for at := time.Duration(0); at <= 100*time.Second; at += 7 * time.Millisecond {
		if b.take(start.Add(at)) {
			through++
		}
	}
	if through != 15+199 { // the last token comes with the second 100, the last call at 99.995
		t.Errorf("%d calls in 100 s, want 214", through)
	}
}

func TestOnlyTheDescribesShareTheBucket(t *testing.T) {
	s, got := New(Rate{1, 2}), ""
	for _, call := range []Call{
		{Service: "elasticbeanstalk", Operation: "DescribeEnvironments"}, {Service: "elasticbeanstalk", Operation: "ListTagsForResource"},
		{Service: "elasticbeanstalk", Operation: "DescribeEvents"}, {Service: "elasticbeanstalk", Operation: "UpdateEnvironment"},
		{Service: "ecr", Operation: "ListTagsForResource"}, {Service: "elasticbeanstalk", Operation: "DescribeApplicationVersions"},
	} {
		r, _ := s.decide(call, "")
		got += (string(r.Kind) + ".")[:1]
	}
	if got != "..t..." {
		t.Errorf("throttled: %s", got)
	}
}

func TestParseRate(t *testing.T) {
	if r, err := ParseRate("2/15"); err != nil || r != (Rate{2, 15}) {
		t.Errorf("2/15: %v, %v", r, err)
	}
	for _, text := range []string{"", "2", "2/", "/15", "0/15", "2/0", "-2/15", "2/-1", "NaN/1", "Inf/1", "1e9/1", "2/15/3", "2/1e3"} {
		if r, err := ParseRate(text); err == nil || !strings.Contains(err.Error(), "such as 2/15") {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
}

func FuzzParseRate(f *testing.F) {
	for _, seed := range []string{"2/15", "0.001/1000000", "1e6/1", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRate(text)
		if err != nil {
			return
		}
		b, now := bucket{Rate: r}, time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		if !b.take(now) || r.Burst == 1 && b.take(now) {
			t.Errorf("%q: a full bucket of %d does not let that many through", text, r.Burst)
		}
	})
}
