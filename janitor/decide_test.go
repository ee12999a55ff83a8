package janitor

import (
	"maps"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
)

const account = "123456789012"

// noon is when every test takes place, by AWS's clock and by ours.
var noon = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

// sprout returns an environment of ours as AWS describes it, made so long before noon,
// with its tags.
func sprout(id, feature string, age time.Duration) (envs.Env, envs.Tags) {
	created := noon.Add(-age)
	name := envs.Name(account, "shop", feature)
	return envs.Env{
		ID: id, Name: name, Application: "shop", CNAME: name + ".us-east-1.elasticbeanstalk.com",
		State: envs.Ready, Version: name + "-v1", Created: created, Updated: created,
		Description: envs.Describe(feature, "abc1234", "Kim"),
	}, envs.NewTags(feature, "Kim", created)
}

func TestDecideRemovesOnlyWhatIsProvedOursAndExpired(t *testing.T) {
	j := &Janitor{Account: account, Lifetime: envs.Lifetime{TTL: 24 * time.Hour}}
	tests := []struct {
		name   string
		change func(row, e *envs.Env, tags envs.Tags)
		want   string // a part of the reason; "" means remove
	}{
		{"ours and expired", func(_, _ *envs.Env, _ envs.Tags) {}, ""},
		{"expired at this very instant", func(row, e *envs.Env, _ envs.Tags) { setAge(row, e, 24*time.Hour) }, ""},
		{"a second too young", func(row, e *envs.Env, _ envs.Tags) { setAge(row, e, 24*time.Hour-time.Second) }, "not over before 2025-06-01T12:00:01Z"},
		{"no date", func(row, e *envs.Env, _ envs.Tags) { row.Created, e.Created = time.Time{}, time.Time{} }, "no date"},
		{"deleted by hand meanwhile", func(_, e *envs.Env, _ envs.Tags) { e.State = envs.Terminating }, "gone already"},
		{"being deployed", func(_, e *envs.Env, _ envs.Tags) { e.State = envs.Updating }, "is Updating: next sweep"},
		{"a state that AWS invents tomorrow", func(_, e *envs.Env, _ envs.Tags) { e.State = "Pondering" }, "is Pondering: next sweep"},
		{"no tags", func(_, _ *envs.Env, tags envs.Tags) { clear(tags) }, "no tag beansprout:feature"},
		{"no date in the tags", func(_, _ *envs.Env, tags envs.Tags) { delete(tags, envs.TagCreated) }, "no tag beansprout:created"},
		{"a clone", func(row, e *envs.Env, _ envs.Tags) { row.Name, e.Name = "copy", "copy" }, "looks like a clone"},
		{"another feature's tags", func(_, _ *envs.Env, tags envs.Tags) { tags[envs.TagFeature] = "other" }, "looks like a clone"},
		{"swapped", func(row, e *envs.Env, _ envs.Tags) { row.CNAME, e.CNAME = "www.example.com", "www.example.com" }, "looks swapped"},
		{"protected", func(_, _ *envs.Env, tags envs.Tags) { tags[envs.TagLifecycle] = " KEEP" }, "is protected"},
		{"protected in a word we don't know", func(_, _ *envs.Env, tags envs.Tags) { tags[envs.TagLifecycle] = "forever" }, `"forever", which is unknown`},
		{"another environment's answer", func(_, e *envs.Env, _ envs.Tags) { e.ID = "e-other" }, "another environment"},
		{"redeployed meanwhile", func(_, e *envs.Env, _ envs.Tags) { e.Version = "v2" }, "just changed"},
		{"changed meanwhile", func(_, e *envs.Env, _ envs.Tags) { e.Updated = noon }, "just changed"},
		{"made anew meanwhile", func(_, e *envs.Env, _ envs.Tags) { e.Created = e.Created.Add(-time.Second) }, "just changed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			row, tags := sprout("e-login", "login", 48*time.Hour)
			e := row
			tt.change(&row, &e, tags)
			got := j.decide(row, e, tags, noon)
			checkReason(t, got, tt.want)
		})
	}
}

func setAge(row, e *envs.Env, age time.Duration) {
	row.Created = noon.Add(-age)
	row.Updated = row.Created
	*e = *row
}

func checkReason(t *testing.T, got Decision, want string) {
	t.Helper()
	action := Keep
	if want == "" {
		action = Remove
	}
	if got.Action != action || !strings.Contains(got.Reason, want) {
		t.Errorf("got %s because %q, want %s because %q", got.Action, got.Reason, action, want)
	}
}

func TestDecideCountsFromTheLastDeployWhenAskedTo(t *testing.T) {
	row, tags := sprout("e-login", "login", 48*time.Hour)
	row.Updated = noon.Add(-time.Hour)
	for _, tt := range []struct {
		fromDeploy bool
		want       string
	}{
		{false, ""},
		{true, "not over before 2025-06-02T11:00:00Z"},
	} {
		j := &Janitor{Account: account, Lifetime: envs.Lifetime{TTL: 24 * time.Hour, FromDeploy: tt.fromDeploy}}
		checkReason(t, j.decide(row, row, tags, noon), tt.want)
	}
}

func TestDecideFillsInWhatTheTagsSay(t *testing.T) {
	row, tags := sprout("e-login", "feature/login", 48*time.Hour)
	j := &Janitor{Account: account, Lifetime: envs.Lifetime{TTL: time.Hour}}
	got := j.decide(row, row, tags, noon)
	if got.Env.Feature != "feature/login" || got.Env.Owner != "Kim" || !maps.Equal(got.tags, tags) {
		t.Errorf("got %+v", got)
	}
	if want := noon.Add(-47 * time.Hour); !got.Expiry.Equal(want) {
		t.Errorf("expiry: got %v, want %v", got.Expiry, want)
	}
}

func TestTooManyIsTheLargerOfTenAndHalfOfOurs(t *testing.T) {
	for _, tt := range []struct {
		due, ours, override int
		refused             bool
	}{
		{0, 0, 0, false},
		{10, 10, 0, false},
		{11, 11, 0, true},
		{11, 21, 0, true},
		{11, 22, 0, false},
		{50, 100, 0, false},
		{51, 100, 0, true},
		{51, 100, 51, false},
		{52, 100, 51, true},
		{3, 100, 2, true},
	} {
		if got := tooMany(tt.due, tt.ours, tt.override); got != "" != tt.refused {
			t.Errorf("tooMany(%d, %d, %d) = %q, want refused: %v", tt.due, tt.ours, tt.override, got, tt.refused)
		}
	}
}

func TestInStepAllowsAMinute(t *testing.T) {
	for _, tt := range []struct {
		skew    time.Duration
		refused bool
	}{
		{0, false},
		{time.Minute, false},
		{-time.Minute, false},
		{time.Minute + time.Second, true},
		{-time.Minute - time.Second, true},
		{100 * 365 * 24 * time.Hour, true},
	} {
		if err := inStep(noon.Add(tt.skew), noon); err != nil != tt.refused {
			t.Errorf("%v apart: got %v, want refused: %v", tt.skew, err, tt.refused)
		}
	}
	if inStep(noon, time.Time{}) == nil {
		t.Error("an AWS without a clock was believed")
	}
}
