package release

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/release/aws"
	"beansprout/test/must"
)

const (
	digest = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	person = "arn:aws:sts::123456789012:assumed-role/release-team/mina"
)

// newPlan returns a plan of one component with so many pairs of groups.
func newPlan(pairs int) Plan {
	p := Plan{
		Number: 41, VersionTag: "docker:image:version", Schedules: Switch,
		Service:       Service{Name: "production"},
		Steps:         []Step{{Instances: 1, For: time.Minute}, {Approve: true}, {All: true}},
		Approvers:     []string{"arn:aws:iam::123456789012:role/release-*"},
		PrepareWithin: 15 * time.Minute, ApproveWithin: 24 * time.Hour, WatchFor: 15 * time.Minute, KeepOld: time.Hour,
	}
	c := Component{Name: "web", Artifact: Artifact{Repository: "shop/web", Digest: digest, Version: "r41-11111111", Architecture: "amd64"}}
	for i := range pairs {
		n := string(rune('0' + i))
		c.Pairs = append(c.Pairs, Pair{newGroup("web-"+n+"-blue", n), newGroup("web-"+n+"-green", n)})
		p.Rules = append(p.Rules, aws.Rule{ARN: "rule-" + n, Forwards: []aws.Forward{{TargetGroup: "tg-" + n, Weight: 1}}})
	}
	p.Service.Components = []Component{c}
	return p
}

func newGroup(name, targets string) Group {
	return Group{Name: name, TargetGroups: []string{"tg-" + targets}, Template: aws.Template{ID: "lt-1", Version: "1"}, HealthCheck: "ELB"}
}

func TestADigestCoversAllButSizesAndOrder(t *testing.T) {
	p := newPlan(2)
	p.Service.Components[0].Pairs[0].Old.TargetGroups = []string{"a", "b"}
	want := p.Digest()
	same := newPlan(2)
	same.Service.Components[0].Pairs[0].Old.TargetGroups = []string{"b", "a"}
	slices.Reverse(same.Rules)
	slices.Reverse(same.Service.Components[0].Pairs)
	same.Sizes = map[string]aws.Sizes{"web-0-blue": {Desired: 4}}
	if same.Digest() != want {
		t.Error("sizes and order are in the digest")
	}
	if same.Rules[0].ARN != "rule-1" || same.Sizes == nil {
		t.Error("computing the digest has changed the plan")
	}
	for what, change := range map[string]func(*Plan){
		"artifact":   func(p *Plan) { p.Service.Components[0].Artifact.Digest = "sha256:2" },
		"group":      func(p *Plan) { p.Service.Components[0].Pairs[1].New.Name = "other" },
		"attachment": func(p *Plan) { p.Service.Components[0].Pairs[1].New.TargetGroups = nil },
		"template":   func(p *Plan) { p.Service.Components[0].Pairs[1].New.Template.Version = "2" },
		"rule":       func(p *Plan) { p.Rules[0].Forwards[0].Weight = 2 },
		"step":       func(p *Plan) { p.Steps[0].Instances = 2 },
		"approvers":  func(p *Plan) { p.Approvers = []string{"*"} },
		"number":     func(p *Plan) { p.Number = 42 },
	} {
		other := newPlan(2)
		other.Service.Components[0].Pairs[0].Old.TargetGroups = []string{"a", "b"}
		if change(&other); other.Digest() == want {
			t.Errorf("the digest does not cover: %s", what)
		}
	}
}

func TestAPlanThatCanNotWorkIsRefused(t *testing.T) {
	must.Succeed(t, newPlan(2).Check())
	for want, change := range map[string]func(*Plan){
		"no components":           func(p *Plan) { p.Service.Components = nil },
		"has no groups":           func(p *Plan) { p.Service.Components[0].Pairs = nil },
		"named twice":             func(p *Plan) { p.Service.Components[0].Pairs[0].New.Name = "web-0-blue" },
		"no version or no digest": func(p *Plan) { p.Service.Components[0].Artifact.Version = "" },
		"one of instances":        func(p *Plan) { p.Steps[0].All = true },
		"no step starts all":      func(p *Plan) { p.Steps = p.Steps[:2] },
		"more than one step":      func(p *Plan) { p.Steps = append(p.Steps, Step{Approve: true}) },
		"no approver is named":    func(p *Plan) { p.Approvers = nil },
		"the tag of versions":     func(p *Plan) { p.VersionTag = ReleaseTag },
		"want switch or move":     func(p *Plan) { p.Schedules = "" },
		"missing or negative":     func(p *Plan) { p.PrepareWithin = 0 },
	} {
		p := newPlan(1)
		change(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want: %s", err, want)
		}
	}
}

func TestARecordIsReadAsItWasWrittenAndWithoutItsApproval(t *testing.T) {
	p := newPlan(1)
	r := Record{Plan: p, Digest: p.Digest(), Phase: Waiting, Step: 1, Approval: &Approval{Number: 41, Digest: p.Digest(), By: person}}
	r.Note(Move{Kind: Resize, Group: "web\x1b[31m\n" + strings.Repeat("x", 1000), IDs: make([]string, 100)}, time.Unix(0, 0))
	text, err := r.Marshal()
	must.Succeed(t, err)
	got, err := ParseRecord(text)
	must.Succeed(t, err)
	again, err := got.Marshal()
	must.Succeed(t, err)
	if string(again) != string(text) {
		t.Errorf("written again it is\n%s, want\n%s", again, text)
	}
	if got.Approval != nil {
		t.Error("an approval was read from a record")
	}
	forged := strings.Replace(string(text), `"phase"`, `"approval":{"number":41,"by":"`+person+`"},"Approval":{"by":"x"},"phase"`, 1)
	if got, err = ParseRecord([]byte(forged)); err != nil || got.Approval != nil {
		t.Errorf("a forged approval: %v, %v", got.Approval, err)
	}
	if n := got.Notes[0]; len(n.Group) > 400 || strings.ContainsAny(n.Group, "\x1b\n") || len(n.IDs) != idLimit {
		t.Errorf("the note is %+v", n)
	}
}

func TestWhatIsNoRecordIsRefused(t *testing.T) {
	p := newPlan(1)
	good := Record{Plan: p, Digest: p.Digest(), Phase: Waiting}
	for what, change := range map[string]func(*Record){
		"digest": func(r *Record) { r.Plan.Service.Name = "staging" },
		"step":   func(r *Record) { r.Step = 3 },
		"plan":   func(r *Record) { r.Plan.VersionTag = ""; r.Digest = r.Plan.Digest() },
		"size":   func(r *Record) { r.Phase = Phase(strings.Repeat("x", recordLimitBytes)) },
	} {
		r := good
		change(&r)
		text, err := json.Marshal(r)
		must.Succeed(t, err)
		if _, err := ParseRecord(text); !errors.Is(err, ErrNoRecord) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := ParseRecord([]byte("[]")); !errors.Is(err, ErrNoRecord) {
		t.Errorf("a list: %v", err)
	}
	good.Reason = strings.Repeat("x", recordLimitBytes)
	if text, err := good.Marshal(); err != nil || len(text) > 4<<10 {
		t.Errorf("a long reason: %d bytes, %v", len(text), err)
	}
}

func TestOnlyApproversApprove(t *testing.T) {
	p := newPlan(1)
	p.FourEyes = true
	good := Approval{Number: 41, Digest: p.Digest(), By: person}
	starter := Request{By: "arn:aws:iam::123456789012:user/jun"}
	if why := good.refusal(p, starter); why != "" {
		t.Fatal(why)
	}
	for want, change := range map[string]func(*Approval){
		"another plan":    func(a *Approval) { a.Digest = digest },
		"for another":     func(a *Approval) { a.Number = 40 },
		"may not approve": func(a *Approval) { a.By = "arn:aws:sts::123456789012:assumed-role/other/release-team" },
		"other/release-1": func(a *Approval) { a.By = "arn:aws:iam::123456789012:role/other/release-1" },
		"another person": func(a *Approval) {
			a.By, starter.By = person, "arn:aws:sts::123456789012:assumed-role/release-team/mina-2"
		},
	} {
		a := good
		starter.By = "arn:aws:iam::123456789012:user/jun"
		change(&a)
		if why := a.refusal(p, starter); !strings.Contains(why, want) {
			t.Errorf("got %q, want: %s", why, want)
		}
	}
	if MayApprove([]string{"*"}, "") || (*Approval)(nil).refusal(p, starter) == "" {
		t.Error("an empty name may approve")
	}
}
