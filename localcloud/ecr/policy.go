package ecr

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"beansprout/pattern"
)

// policy is a lifecycle policy as in the ECR user guide ("Lifecycle policy properties"), without the
// archive storage class.
type policy struct {
	Rules []rule `json:"rules"`
}

type rule struct {
	RulePriority int       `json:"rulePriority"`
	Description  string    `json:"description"`
	Selection    selection `json:"selection"`
	Action       struct {
		Type string `json:"type"`
	} `json:"action"`
}

type selection struct {
	TagStatus      string   `json:"tagStatus"`
	TagPatternList []string `json:"tagPatternList"`
	TagPrefixList  []string `json:"tagPrefixList"`
	CountType      string   `json:"countType"`
	CountUnit      string   `json:"countUnit"`
	CountNumber    int      `json:"countNumber"`
}

// parsePolicy reads a policy and returns its rules by priority. It refuses what ECR refuses, and
// names the place.
func parsePolicy(text string) (p policy, err error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return policy{}, fmt.Errorf("could not map policyString into LifecyclePolicy: byte %d: %w", dec.InputOffset(), err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return policy{}, errors.New("could not map policyString into LifecyclePolicy: it goes on after its end")
	}
	if n := len(p.Rules); n < 1 || n > 50 {
		return policy{}, fmt.Errorf("/rules: has %d elements, must have 1 to 50", n)
	}
	for i, r := range p.Rules {
		for _, check := range []func() string{r.wrong, r.Selection.wrongTags, r.Selection.wrongCount} {
			if wrong := check(); wrong != "" {
				return policy{}, fmt.Errorf("/rules/%d%s", i, wrong)
			}
		}
	}
	slices.SortStableFunc(p.Rules, func(a, b rule) int { return cmp.Compare(a.RulePriority, b.RulePriority) })
	return p, p.checkTogether()
}

func (r rule) wrong() string {
	switch {
	case r.RulePriority < 1:
		return "/rulePriority: must be a whole number of at least 1"
	case utf8.RuneCountInString(r.Description) > 256:
		return "/description: is longer than 256 characters"
	case r.Action.Type != "expire":
		return `/action/type: not found in enum (possible values: ["expire"])`
	}
	return ""
}

func (s selection) wrongTags() string {
	tagged := s.TagStatus == "tagged"
	switch {
	case !tagged && s.TagStatus != "untagged" && s.TagStatus != "any":
		return `/selection/tagStatus: not found in enum (possible values: ["any","tagged","untagged"])`
	case tagged && (len(s.TagPatternList) > 0) == (len(s.TagPrefixList) > 0):
		return "/selection: tagged needs exactly one of tagPatternList and tagPrefixList"
	case !tagged && (s.TagPatternList != nil || s.TagPrefixList != nil):
		return "/selection: tagPatternList and tagPrefixList go with tagged only"
	case slices.ContainsFunc(s.TagPrefixList, func(p string) bool { return !prefixForm.MatchString(p) }):
		return "/selection/tagPrefixList: a prefix has the characters of a tag"
	case slices.ContainsFunc(s.TagPatternList, func(p string) bool { return !patternForm.MatchString(p) || strings.Count(p, "*") > 4 }):
		return "/selection/tagPatternList: a pattern has the characters of a tag and up to four *"
	}
	return ""
}

var (
	prefixForm  = pattern.New(`^[A-Za-z0-9._-]+$`)
	patternForm = pattern.New(`^[A-Za-z0-9._*-]+$`)
)

func (s selection) wrongCount() string {
	byAge := s.CountType == "sinceImagePushed"
	switch {
	case !byAge && s.CountType != "imageCountMoreThan":
		return `/selection/countType: not found in enum (possible values: ["imageCountMoreThan","sinceImagePushed"])`
	case byAge && s.CountUnit != "days":
		return "/selection/countUnit: sinceImagePushed needs days"
	case !byAge && s.CountUnit != "":
		return "/selection/countUnit: goes with sinceImagePushed only"
	case s.CountNumber < 1:
		return "/selection/countNumber: must be a whole number of at least 1"
	}
	return ""
}

// checkTogether checks the rules against each other. They must be sorted by priority.
func (p policy) checkTogether() error {
	untagged := 0
	for i, r := range p.Rules {
		if i > 0 && r.RulePriority == p.Rules[i-1].RulePriority {
			return fmt.Errorf("/rules: rulePriority %d is used twice", r.RulePriority)
		}
		if r.Selection.TagStatus == "any" && i < len(p.Rules)-1 {
			return fmt.Errorf("/rules: the rule for any, %d, must have the highest rulePriority", r.RulePriority)
		}
		if r.Selection.TagStatus == "untagged" {
			untagged++
		}
	}
	if untagged > 1 {
		return errors.New("/rules: only one rule may select untagged images")
	}
	return nil
}
