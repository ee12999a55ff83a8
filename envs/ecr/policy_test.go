package ecr

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"beansprout/test/must"
)

const (
	live      = `{"action":{"type":"expire"},"description":"beansprout: what environments live on stays","rulePriority":%d,"selection":{"countNumber":999999,"countType":"imageCountMoreThan","tagPrefixList":["live-"],"tagStatus":"tagged"}}`
	byContent = `{"action":{"type":"expire"},"description":"beansprout: images by content go","rulePriority":%d,"selection":{"countNumber":1,"countType":"sinceImagePushed","countUnit":"days","tagPrefixList":["ctx-"],"tagStatus":"tagged"}}`
	byID      = `{"action":{"type":"expire"},"description":"beansprout: images by id go","rulePriority":%d,"selection":{"countNumber":1,"countType":"sinceImagePushed","countUnit":"days","tagPrefixList":["id-"],"tagStatus":"tagged"}}`
	theirs    = `{"action":{"type":"expire"},"description":"release","rulePriority":%d,"selection":{"countNumber":1.0e1,"countType":"imageCountMoreThan","tagPatternList":["v*"],"tagStatus":"tagged"}}`
	anyImage  = `{"action":{"new":null,"type":"expire"},"rulePriority":%d,"selection":{"countNumber":90,"countType":"sinceImagePushed","countUnit":"days","tagStatus":"any"}}`
)

// with returns a policy that has the rules under these priorities.
func with(priorities []int, rules ...string) string {
	for i, rule := range rules {
		rules[i] = fmt.Sprintf(rule, priorities[i])
	}
	return `{"rules":[` + strings.Join(rules, ",") + `]}`
}

func TestOurRulesComeFirst(t *testing.T) {
	first := []int{1, 2, 3, 4, 5}
	ours := with(first, live, byContent, byID)
	for _, tt := range []struct {
		name, have string
		days       int
		want       string // "" for no change
	}{
		{"no policy", `{"rules":[]}`, 1, ours},
		{"ours", ours, 1, ""},
		{"ours under other priorities, written otherwise", strings.ReplaceAll(with([]int{30, 10, 20}, byID, live, byContent), ",", " , "), 1, ""},
		{"other days", ours, 7, strings.ReplaceAll(ours, `"countNumber":1,`, `"countNumber":7,`)},
		{"theirs", with([]int{10, 900}, theirs, anyImage), 1, with(first, live, byContent, byID, theirs, anyImage)},
		{"theirs ahead of ours", with(first, theirs, live, byContent, byID, anyImage), 1, with(first, live, byContent, byID, theirs, anyImage)},
		{"theirs behind ours", with([]int{1, 2, 3, 40, 50}, live, byContent, byID, theirs, anyImage), 1, ""},
		{"out of order", with([]int{5, 4, 3, 2, 1}, anyImage, theirs, byID, byContent, live), 1, ""},
		{"one of ours changed by hand", with(first, live, byContent, strings.Replace(byID, `"id-"`, `"i"`, 1)), 1, ours},
		{"one of ours twice", with(first, live, byContent, byID, byID), 1, ours},
		{"ours no longer", with(first, live, byContent, byID, theirs), 0, with(first, live, theirs)},
		{"ours alone no longer", ours, 0, `{"rules":[]}`},
		{"never, and theirs might take what lives", with([]int{7}, anyImage), 0, with(first, live, anyImage)},
		{"never, and what lives is shielded", with(first, live, theirs), 0, ""},
		{"never, and no policy", `{"rules":[]}`, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules, err := decodePolicy(tt.have)
			must.Succeed(t, err)
			renewed, changed, _ := withOurRules(rules, tt.days)
			got, err := encodePolicy(renewed)
			if err != nil || changed != (tt.want != "") || changed && got != tt.want {
				t.Errorf("changed %v, %v, to\n%s, want\n%s", changed, err, got, tt.want)
			}
		})
	}
}

func TestTheProtectingRuleIsSetFirstWhenNotAllFit(t *testing.T) {
	for _, tt := range []struct{ others, want, missing int }{{47, 3, 0}, {48, 2, 1}, {49, 1, 2}, {50, 0, 3}} {
		var others []rule
		for i := range tt.others {
			others = append(others, othersRule(fmt.Sprintf("v%d", i), "").at(i+1))
		}
		renewed, changed, missing := withOurRules(others, 1)
		ours := renewed[:tt.want]
		if changed != (tt.want > 0) || missing != tt.missing || len(renewed) != tt.others+tt.want || tt.want > 0 && !ours[0].keepsAll() || slices.ContainsFunc(renewed[tt.want:], rule.isOwn) {
			t.Errorf("%d rules of others: %d rules, changed %v, %d missing", tt.others, len(renewed), changed, missing)
		}
		if _, changed, _ := withOurRules(renewed, 1); changed {
			t.Errorf("%d rules of others: what was written is changed again", tt.others)
		}
	}
	long := othersRule("v", strings.Repeat("x", maxPolicyChars-600)).at(1)
	if renewed, _, missing := withOurRules([]rule{long}, 1); missing != 2 || !renewed[0].keepsAll() {
		t.Errorf("a policy of almost AWS's length: %d rules are missing", missing)
	}
}

func othersRule(prefix, description string) rule {
	r := tagged("", prefix, older(9))
	r[keyDescription] = description
	return r
}

func TestTheFirstRuleThatSelectsAnImageDecides(t *testing.T) {
	const (
		shield  = `{"rulePriority":%d,"selection":{"tagStatus":"tagged","tagPatternList":["live-*"],"countType":"imageCountMoreThan","countNumber":999999}}`
		builds  = `{"rulePriority":%d,"description":"builds","selection":{"tagStatus":"tagged","tagPrefixList":["ctx-"],"countType":"sinceImagePushed","countUnit":"days","countNumber":3}}`
		both    = `{"rulePriority":%d,"selection":{"tagStatus":"tagged","tagPatternList":["live-*web*","v*"],"countType":"imageCountMoreThan","countNumber":3}}`
		loose   = `{"rulePriority":%d,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":1}}`
		all     = `{"rulePriority":%d,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":100}}`
		strange = `{"rulePriority":%d}`
	)
	tags := []string{"live-eu-west-1-shop-x-web-0123456789ab", "ctx-0"}
	for _, tt := range []struct {
		policy string
		tags   []string
		want   string
	}{
		{with([]int{1, 2}, live, all), tags, ""},
		{with([]int{1, 2}, shield, all), tags, ""},
		{with([]int{1, 2, 3}, builds, live, all), tags, `rule 1 ("builds")`},
		{with([]int{1, 2}, loose, both), tags, ""},
		{with([]int{1, 2}, loose, both), append(tags, "v1"), "rule 2"},
		{with([]int{1, 2}, loose, all), tags, "rule 2"},
		{with([]int{7}, strange), tags, "rule 7"},
		{with([]int{1, 2}, live, all), []string{"ctx-0"}, "rule 2"},
		{`{"rules":[]}`, tags, ""},
	} {
		rules, err := decodePolicy(tt.policy)
		if got := (Lifecycle{rules}).Takes(tt.tags); err != nil || got != tt.want {
			t.Errorf("%s takes %q by %q, %v; want %q", tt.policy, tt.tags, got, err, tt.want)
		}
	}
}

func TestAPolicyThatIsNotUnderstoodIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "null x", `[]`, `{"rules":{}}`, `{"rules":[1]}`, `{"rules":[{}]}`, `{"rules":[{"rulePriority":"1"}]}`,
		`{"rules":[{"rulePriority":0}]}`, `{"rules":[{"rulePriority":1.5}]}`, `{"rules":[null]}`,
		`{"rules":[],"version":2}`, `{"rules":[]}{}`,
	} {
		if rules, err := decodePolicy(text); err == nil {
			t.Errorf("%s: %v", text, rules)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(with([]int{9, 4, 7}, anyImage, live, theirs), 1)
	f.Add(`{"rules":[{"rulePriority":1,"description":7}]}`, 0)
	f.Fuzz(func(t *testing.T, text string, days int) {
		rules, err := decodePolicy(text)
		if err != nil || days < 0 {
			return
		}
		renewed, _, _ := withOurRules(rules, days)
		text, err = encodePolicy(renewed)
		must.Succeed(t, err)
		again, err := decodePolicy(text)
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if _, changed, _ := withOurRules(again, days); changed {
			t.Errorf("%s is changed again", text)
		}
	})
}
