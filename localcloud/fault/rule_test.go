package fault

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Rule{
		"elasticbeanstalk:UpdateEnvironment:throttle:count=3": {Service: "elasticbeanstalk", Operation: "UpdateEnvironment", Kind: Throttle, Count: 3},
		"*:*:error": {Service: "*", Operation: "*", Kind: Internal},
		"s3:Get*:slow:for=1m30s,skip=2,probability=0.25,seed=7": {
			Service: "s3", Operation: "Get*", Kind: Slow, For: 90 * time.Second, Skip: 2, Probability: 0.25, Seed: 7},
		"registry:PUT /v2/shop/*:reset-after": {Service: "registry", Operation: "PUT /v2/shop/*", Kind: ResetAfter},
		"s3:reads:stale":                      {Service: "s3", Operation: "reads", Kind: Stale},
		"ecr:writes:timeout-after":            {Service: "ecr", Operation: "writes", Kind: TimeoutAfter},
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestParseNamesTheMistake(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "want SERVICE:OPERATION:KIND",
		"s3:GetObject":                          "want SERVICE:OPERATION:KIND",
		"sqs:SendMessage:error":                 `no service is called "sqs"; there are [elasticbeanstalk ecr`,
		"s3::error":                             `"" is no operation`,
		"s3:Get*Object:error":                   `"Get*Object" is no operation`,
		"s3:GetObject:thorttle":                 `no kind is called "thorttle"; there are [throttle error empty html timeout-before`,
		"s3:GetObject:error:cuont=1":            `no option is called "cuont"; there are count`,
		"s3:GetObject:error:count=0":            `"0" is no value for count`,
		"s3:GetObject:error:count=x":            `"x" is no value for count`,
		"s3:GetObject:error:count":              `"" is no value for count`,
		"s3:GetObject:error:":                   `no option is called ""`,
		"s3:GetObject:error:skip=-1":            "cannot be negative",
		"s3:GetObject:error:seed=-1":            `"-1" is no value for seed`,
		"s3:*:error:probability=0":              `"0" is no value for probability`,
		"s3:*:error:probability=2":              "probability must be more than 0 and at most 1",
		"s3:*:error:probability=NaN":            "probability must be",
		"s3:*:error:for=1s":                     "error does not last",
		"s3:*:slow":                             "slow needs for=DURATION",
		"s3:*:timeout-before:for=1":             `"1" is no value for for`,
		"s3:*:timeout-before:for=-1s":           "cannot be negative",
		"s3:PutObject:stale":                    "PutObject is no read",
		"s3:writes:stale":                       "writes is no read",
		"s3:*:error:count=99999999999999999999": "is no value for count",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"elasticbeanstalk:UpdateEnvironment:throttle:count=3", "s3:Get*:slow:for=2s,skip=1,probability=0.5,seed=9", "*:reads:stale", "::::", "s3:*:error:count=1,count=2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		if err := r.Check(); err != nil {
			t.Errorf("Parse(%q) accepted what Check refuses: %v", text, err)
		}
		if s := New(Rate{}); s.Inject(r) != nil || !strings.HasPrefix(text, r.Service+":"+r.Operation+":"+string(r.Kind)) {
			t.Errorf("Parse(%q) = %+v", text, r)
		}
	})
}

func TestWhichCallsARuleCovers(t *testing.T) {
	for _, tt := range []struct {
		rule, service, operation string
		want                     bool
	}{
		{"s3:GetObject:error", "s3", "GetObject", true},
		{"s3:GetObject:error", "s3", "GetObjectTagging", false},
		{"s3:GetObject:error", "ecr", "GetObject", false},
		{"s3:Get*:error", "s3", "GetObjectTagging", true},
		{"*:*:error", "registry", "PUT /v2/shop/manifests/1", true},
		{"*:*:error", "beansprout", "ClearFaults", false}, // else the rule could not be removed
		{"*:reads:error", "ecr", "BatchGetImage", true},
		{"*:reads:error", "registry", "HEAD /v2/shop/manifests/1", true},
		{"*:reads:error", "elasticbeanstalk", "RequestEnvironmentInfo", false},
		{"*:writes:error", "ecr", "BatchDeleteImage", true},
		{"*:writes:error", "s3", "HeadObject", false},
		{"*:*:stale", "s3", "PutObject", false},
		{"*:*:stale", "s3", "GetObject", true},
	} {
		r, err := Parse(tt.rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.covers(Call{Service: tt.service, Operation: tt.operation}); got != tt.want {
			t.Errorf("%s covers %s %s: %v, want %v", tt.rule, tt.service, tt.operation, got, tt.want)
		}
	}
}

func TestHowOftenARuleStrikes(t *testing.T) {
	for _, tt := range []struct {
		rules []string
		want  string // a letter per call: . or the rule's kind
	}{
		{[]string{"s3:*:error"}, "eeeeee"},
		{[]string{"s3:*:error:count=2"}, "ee...."},
		{[]string{"s3:*:error:skip=3,count=2"}, "...ee."},
		{[]string{"s3:*:error:count=1", "s3:*:throttle:count=2"}, "ett..."}, // a rule does not count the calls of the one before
		{[]string{"s3:*:error:skip=1", "s3:*:throttle:skip=1"}, ".eeeee"},
		{[]string{"ecr:*:error", "s3:*:throttle:skip=5"}, ".....t"},
		{[]string{"s3:*:stale"}, "......"}, // there is nothing to repeat
	} {
		s := New(Rate{})
		for _, text := range tt.rules {
			r, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Inject(r); err != nil {
				t.Fatal(err)
			}
		}
		got := ""
		for range tt.want {
			r, _ := s.decide(Call{Service: "s3", Operation: "GetObject"}, "")
			got += (string(r.Kind) + ".")[:1]
		}
		if got != tt.want {
			t.Errorf("%v: %s, want %s", tt.rules, got, tt.want)
		}
	}
}

func TestEqualSeedsGiveEqualResults(t *testing.T) {
	struck := func(seed uint64) (hits []bool) {
		s := New(Rate{})
		if err := s.Inject(Rule{Service: "s3", Operation: "*", Kind: Internal, Probability: 0.3, Seed: seed}); err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			r, _ := s.decide(Call{Service: "s3", Operation: "GetObject"}, "")
			hits = append(hits, r.Kind != "")
		}
		return hits
	}
	a, again, b := struck(1), struck(1), struck(2)
	n := 0
	for _, hit := range a {
		if hit {
			n++
		}
	}
	if n < 250 || n > 350 || !slices.Equal(a, again) || slices.Equal(a, b) {
		t.Errorf("%d of 1000 at 0.3; same seed equal: %v, other seed equal: %v", n, slices.Equal(a, again), slices.Equal(a, b))
	}
}

func TestInvalidRulesAreNotInjected(t *testing.T) {
	s := New(Rate{})
	right, wrong := Rule{Service: "s3", Operation: "*", Kind: Internal}, Rule{Service: "s3", Operation: "*", Kind: "fire"}
	if err := s.Inject(right, wrong); err == nil || len(s.rules) != 0 {
		t.Errorf("err = %v, %d rules", err, len(s.rules))
	}
}
