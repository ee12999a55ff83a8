package ecr

import (
	"fmt"
	"strings"
	"testing"
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

func TestOurRulesAreAheadOfThoseOfOthers(t *testing.T) {
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
			if err != nil {
				t.Fatal(err)
			}
			renewed, changed := renew(rules, tt.days)
			got, err := encodePolicy(renewed)
			if err != nil || changed != (tt.want != "") || changed && got != tt.want {
				t.Errorf("changed %v, %v, to\n%s, want\n%s", changed, err, got, tt.want)
			}
		})
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
		renewed, _ := renew(rules, days)
		text, err = encodePolicy(renewed)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodePolicy(text)
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if _, changed := renew(again, days); changed {
			t.Errorf("%s is changed again", text)
		}
	})
}
