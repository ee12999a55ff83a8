package ecr

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func lifecyclePolicy(rules ...string) string {
	return `{"rules":[` + strings.Join(rules, ",") + `]}`
}

func ageRule(priority int, selection string, days int) string {
	return fmt.Sprintf(`{"rulePriority":%d,"selection":{%s,"countType":"sinceImagePushed","countUnit":"days","countNumber":%d},"action":{"type":"expire"}}`, priority, selection, days)
}

func countRule(priority int, selection string, count int) string {
	return fmt.Sprintf(`{"rulePriority":%d,"selection":{%s,"countType":"imageCountMoreThan","countNumber":%d},"action":{"type":"expire"}}`, priority, selection, count)
}

const (
	anyImage = `"tagStatus":"any"`
	untagged = `"tagStatus":"untagged"`
)

func prefixes(list ...string) string {
	return `"tagStatus":"tagged","tagPrefixList":["` + strings.Join(list, `","`) + `"]`
}

func patterns(list ...string) string {
	return `"tagStatus":"tagged","tagPatternList":["` + strings.Join(list, `","`) + `"]`
}

func TestExpire(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	image := func(digest string, days float64, tags ...string) aged {
		return aged{Digest: digest, Tags: tags, Pushed: now.Add(-time.Duration(days * 24 * float64(time.Hour)))}
	}
	betaProd := []aged{image("A", 10, "beta-1", "prod-1"), image("B", 9, "beta-2", "prod-2"), image("C", 8, "beta-3")}
	children := []aged{image("list", 5, "v1"), {Digest: "child", Pushed: now.AddDate(0, 0, -5), Listed: true}}
	for _, tt := range []struct {
		name   string
		policy string
		images []aged
		want   string
	}{
		{"older than a day", lifecyclePolicy(ageRule(1, anyImage, 1)), []aged{image("A", 1.01, "x"), image("B", 0.99), image("C", 1, "y")}, "A"},
		{"untagged only", lifecyclePolicy(ageRule(1, untagged, 1)), []aged{image("A", 2, "x"), image("B", 2)}, "B"},
		{"newest stay", lifecyclePolicy(countRule(1, anyImage, 2)), betaProd, "A"},
		{"prefix", lifecyclePolicy(ageRule(1, prefixes("beta-3"), 1)), betaProd, "C"},
		{"all prefixes of a list", lifecyclePolicy(ageRule(1, prefixes("beta", "prod"), 1)), betaProd, "A B"},
		{"pattern", lifecyclePolicy(ageRule(1, patterns("*-2"), 1)), betaProd, "B"},
		{"pattern is anchored", lifecyclePolicy(ageRule(1, patterns("beta"), 1)), betaProd, ""},
		{"all patterns of a list", lifecyclePolicy(ageRule(1, patterns("*-1", "prod*"), 1)), betaProd, "A"},
		{"a rule sees what a higher one took, and takes nothing it saw (user guide A)",
			lifecyclePolicy(countRule(1, prefixes("prod"), 1), countRule(2, prefixes("beta"), 1)), betaProd, "A"},
		{"the same the other way round (user guide B)",
			lifecyclePolicy(countRule(1, prefixes("beta"), 1), countRule(2, prefixes("prod"), 1)), betaProd, "A B"},
		{"priorities count, not places", lifecyclePolicy(countRule(2, prefixes("beta"), 1), countRule(1, prefixes("prod"), 1)), betaProd, "A"},
		{"a live tag shields", lifecyclePolicy(countRule(1, patterns("live-*"), 99999), ageRule(2, patterns("b-*"), 1)),
			[]aged{image("A", 5, "b-1"), image("B", 5, "b-2", "live-shop-x-web-012345"), image("C", 0.5, "b-3")}, "A"},
		{"a shield of lower priority shields nothing", lifecyclePolicy(ageRule(1, patterns("b-*"), 1), countRule(2, patterns("live-*"), 99999)),
			[]aged{image("B", 5, "b-2", "live-1")}, "B"},
		{"a list's images stay with it", lifecyclePolicy(ageRule(1, untagged, 1)), children, ""},
		{"a list goes before its images", lifecyclePolicy(ageRule(1, anyImage, 1)), children, "list"},
		{"a count without end", lifecyclePolicy(ageRule(1, anyImage, 999999999)), betaProd, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := parsePolicy(tt.policy)
			if err != nil {
				t.Fatal(err)
			}
			gone := expire(p, tt.images, now)
			slices.Sort(gone)
			if got := strings.Join(gone, " "); got != tt.want {
				t.Errorf("gone %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParsePolicyRefuses(t *testing.T) {
	rule := ageRule(1, anyImage, 1)
	swap := func(old, new string) string { return lifecyclePolicy(strings.Replace(rule, old, new, 1)) }
	many := make([]string, 51)
	for i := range many {
		many[i] = ageRule(i+1, prefixes("a"), 1)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"no JSON", `{"rules":`, "byte "},
		{"another type", swap(`"countNumber":1`, `"countNumber":"1"`), "countNumber"},
		{"a fraction", swap(`"countNumber":1`, `"countNumber":1.5`), "countNumber"},
		{"an unknown key", swap(`"selection"`, `"color":1,"selection"`), `"color"`},
		{"two documents", lifecyclePolicy(rule) + "{}", "goes on"},
		{"no rules", `{"rules":[]}`, "/rules: has 0"},
		{"too many rules", lifecyclePolicy(many...), "/rules: has 51"},
		{"priority 0", swap(`"rulePriority":1`, `"rulePriority":0`), "/rules/0/rulePriority"},
		{"no priority", swap(`"rulePriority":1,`, ``), "/rules/0/rulePriority"},
		{"a priority twice", lifecyclePolicy(ageRule(1, untagged, 1), rule), "used twice"},
		{"a long description", swap(`"selection"`, `"description":"`+strings.Repeat("한", 257)+`","selection"`), "/rules/0/description"},
		{"another action", swap(`"expire"`, `"archive"`), "/rules/0/action/type"},
		{"another tag status", swap(`"any"`, `"some"`), "/rules/0/selection/tagStatus"},
		{"tagged without a list", lifecyclePolicy(ageRule(1, `"tagStatus":"tagged"`, 1)), "exactly one"},
		{"tagged with an empty list", lifecyclePolicy(ageRule(1, `"tagStatus":"tagged","tagPrefixList":[]`, 1)), "exactly one"},
		{"tagged with both lists", lifecyclePolicy(ageRule(1, prefixes("a")+`,"tagPatternList":["a"]`, 1)), "exactly one"},
		{"any with a list", lifecyclePolicy(ageRule(1, anyImage+`,"tagPrefixList":["a"]`, 1)), "tagged only"},
		{"untagged with an empty list", lifecyclePolicy(ageRule(1, untagged+`,"tagPatternList":[]`, 1)), "tagged only"},
		{"an empty prefix", lifecyclePolicy(ageRule(1, prefixes(""), 1)), "tagPrefixList"},
		{"a star in a prefix", lifecyclePolicy(ageRule(1, prefixes("a*"), 1)), "tagPrefixList"},
		{"an empty pattern", lifecyclePolicy(ageRule(1, patterns(""), 1)), "tagPatternList"},
		{"five stars", lifecyclePolicy(ageRule(1, patterns("*a*b*c*d*"), 1)), "tagPatternList"},
		{"a class in a pattern", lifecyclePolicy(ageRule(1, patterns("[a-z]"), 1)), "tagPatternList"},
		{"another count", swap(`sinceImagePushed`, `sinceImagePulled`), "/rules/0/selection/countType"},
		{"age without a unit", swap(`"countUnit":"days",`, ``), "needs days"},
		{"age in hours", swap(`"days"`, `"hours"`), "needs days"},
		{"a count with a unit", swap(`sinceImagePushed`, `imageCountMoreThan`), "sinceImagePushed only"},
		{"0 days", swap(`"countNumber":1`, `"countNumber":0`), "/rules/0/selection/countNumber"},
		{"no number", swap(`,"countNumber":1`, ``), "/rules/0/selection/countNumber"},
		{"any before another", lifecyclePolicy(rule, ageRule(2, untagged, 1)), "highest rulePriority"},
		{"two rules for untagged", lifecyclePolicy(ageRule(1, untagged, 1), countRule(2, untagged, 1)), "only one rule"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parsePolicy(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ...%s...", err, tt.want)
			}
		})
	}
}

func TestParsePolicyAccepts(t *testing.T) {
	for _, text := range []string{
		lifecyclePolicy(ageRule(7, untagged, 1), countRule(3, patterns("*test*1*2*3", "test*1*2*3*"), 5), ageRule(9, anyImage, 365)),
		lifecyclePolicy(countRule(1, patterns("*"), 1)),
	} {
		if _, err := parsePolicy(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(lifecyclePolicy(ageRule(1, prefixes("a"), 1), countRule(2, anyImage, 3)), "a-1")
	f.Add(lifecyclePolicy(ageRule(1, patterns("*a*"), 1), countRule(2, untagged, 3)), "b")
	f.Add(`{"rules":[{"rulePriority":1}]}`, "")
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text, tag string) {
		p, err := parsePolicy(text)
		if err != nil {
			return
		}
		images := []aged{{Digest: "a", Tags: []string{tag}}, {Digest: "b", Pushed: now}, {Digest: "c", Listed: true}}
		gone := expire(p, images, now)
		slices.Sort(gone)
		if len(slices.Compact(slices.Clone(gone))) != len(gone) || slices.Contains(gone, "c") {
			t.Errorf("expired %v", gone)
		}
	})
}
