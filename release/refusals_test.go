package release

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/release/aws"
)

// quietWorld returns a world of one pair of groups of four, in which nothing happens by itself.
func quietWorld(plan Plan) *world {
	w := newWorld(plan, 4, rand.New(rand.NewPCG(1, 1)))
	for _, g := range w.groups {
		g.Grace = time.Minute
	}
	return w
}

func TestWhatStandsAgainstAReleaseIsRefusedWithItsNextStep(t *testing.T) {
	const old, idle = "web-0-blue", "web-0-green"
	image := "shop/web@" + digest
	soon := func(w *world) *time.Time { at := w.now.Add(3 * time.Minute); return &at }
	for want, change := range map[string]func(*world, *Facts){
		"no side is idle":                      func(w *world, f *Facts) { w.groups[idle].Sizes = aws.Sizes{Min: 1, Max: 2, Desired: 2} },
		"both sides are idle":                  func(w *world, f *Facts) { w.groups[old].Sizes = aws.Sizes{Max: 4} },
		"does not serve":                       func(w *world, f *Facts) { w.groups[old].Desired, w.groups[idle].Desired = 0, 1 },
		"1 instances are left":                 func(w *world, f *Facts) { w.left(idle, aws.Standby) },
		"i-left is in Standby":                 func(w *world, f *Facts) { w.left(old, aws.Standby) },
		"i-left is being terminated":           func(w *world, f *Facts) { w.left(old, "Terminating:Wait") },
		`"Warmed:Running", which is not known`: func(w *world, f *Facts) { w.left(old, "Warmed:Running") },
		"MinSize is 1":                         func(w *world, f *Facts) { w.groups[idle].Min = 1 },
		"Launch is suspended":                  func(w *world, f *Facts) { w.suspend(old, "Launch") },
		"Terminate is suspended":               func(w *world, f *Facts) { w.suspend(idle, "Terminate") },
		"AddToLoadBalancer is suspended":       func(w *world, f *Facts) { w.suspend(idle, "AddToLoadBalancer") },
		"MaxSize is 2":                         func(w *world, f *Facts) { w.groups[old].Max = 2 },
		"the grace period is 0":                func(w *world, f *Facts) { w.groups[idle].Grace = 0 },
		"does not exist":                       func(w *world, f *Facts) { w.groups[idle].Missing = true },
		"is being deleted":                     func(w *world, f *Facts) { w.groups[old].Status = "Delete in progress" },
		"has a warm pool":                      func(w *world, f *Facts) { w.groups[old].WarmPool = true },
		"classic load balancers":               func(w *world, f *Facts) { w.groups[old].LoadBalancers = []string{"classic"} },
		"instance refresh (r-1)": func(w *world, f *Facts) {
			f.Refreshes[idle] = aws.Refreshes{Refreshes: []aws.Refresh{{ID: "r-1", Status: "InProgress"}}, At: w.now}
		},
		"not those of the plan": func(w *world, f *Facts) { w.groups[old].TargetGroups = nil },
		"launch template":       func(w *world, f *Facts) { w.groups[old].Template.Version = "2" },
		"would be no way back":  func(w *world, f *Facts) { delete(w.groups[old].Tags, w.plan.VersionTag) },
		`action "night" is due`: func(w *world, f *Facts) { w.groups[old].schedules[0].Start = soon(w) },
		`at 2030-01-02T03:15:00Z, befor`: func(w *world, f *Facts) {
			w.groups[old].schedules[0] = aws.Schedule{Name: "x", Recurrence: "15 12 * * *", TimeZone: "Asia/Seoul"}
		},
		`action "unreadable" is due`: func(w *world, f *Facts) {
			w.groups[old].schedules[0] = aws.Schedule{Name: "unreadable", Recurrence: "TZ=0"}
		},
		"type StepScaling":               func(w *world, f *Facts) { w.groups[old].policies[0].Type = "StepScaling" },
		"a metric that can't":            func(w *world, f *Facts) { w.groups[old].policies[0].Tracking.Customized.Unreadable = true },
		"of its own":                     func(w *world, f *Facts) { w.groups[idle].policies = w.groups[old].policies },
		"not in the registry":            func(w *world, f *Facts) { f.Images[image] = Image{Missing: true, At: w.now} },
		`image is for ["arm64"]`:         func(w *world, f *Facts) { f.Images[image] = Image{Architectures: []string{"arm64"}, At: w.now} },
		"image " + image + " was not":    func(w *world, f *Facts) { delete(f.Images, image) },
		"target group tg-0 does not":     func(w *world, f *Facts) { f.TargetGroups["tg-0"] = aws.TargetGroup{Missing: true, At: w.now} },
		"target group tg-0 was not read": func(w *world, f *Facts) { delete(f.TargetGroups, "tg-0") },
		"was removed":                    func(w *world, f *Facts) { w.edited = []aws.Rule{} },
	} {
		plan := newPlan(1)
		plan.Schedules = MoveThem
		w := quietWorld(plan)
		if all := Refusals(plan, w.facts(), w.now); len(all) > 0 {
			t.Fatalf("a good world is refused: %v", all)
		}
		f := w.facts()
		images, targets, refreshes := f.Images, f.TargetGroups, f.Refreshes
		change(w, &f)
		f = w.facts()
		f.Images, f.TargetGroups, f.Refreshes = images, targets, refreshes
		all := Refusals(plan, f, w.now)
		if !slices.ContainsFunc(all, func(r Refusal) bool { return strings.Contains(r.String(), want) && r.Next != "" && r.About != "" }) {
			t.Errorf("got %v, want: %s", all, want)
		}
	}
}

// left adds an instance in a state to a group.
func (w *world) left(group string, state aws.Lifecycle) {
	w.groups[group].machines = append(w.groups[group].machines, &machine{id: "i-left", state: state})
}

func (w *world) suspend(group, process string) {
	w.groups[group].Suspended = append(w.groups[group].Suspended, process)
}

func TestAnEditStopsAReleaseBeforeTrafficMoves(t *testing.T) {
	const old, idle = "web-0-blue", "web-0-green"
	for want, edit := range map[string]func(*world){
		"load balancers of web-0-blue":             func(w *world) { w.groups[old].TargetGroups = []string{"other"} },
		"template of web-0-green":                  func(w *world) { w.groups[idle].Template.Version = "2" },
		"health check of web-0-blue":               func(w *world) { w.groups[old].HealthCheck = "EC2" },
		"docker:image:version of web-0-blue was":   func(w *world) { w.groups[old].Tags[w.plan.VersionTag] = aws.Tag{Value: "x"} },
		"docker:image:version of web-0-green is":   func(w *world) { w.groups[idle].Tags[w.plan.VersionTag] = aws.Tag{Value: "x"} },
		"Launch is suspended":                      func(w *world) { w.suspend(old, "Launch") },
		"web-0-blue does not exist":                func(w *world) { w.groups[old].Missing = true },
		"web-0-green is being deleted":             func(w *world) { w.groups[idle].Status = "Delete in progress" },
		"warm pool":                                func(w *world) { w.groups[idle].WarmPool = true },
		"Warmed:Stopped":                           func(w *world) { w.left(old, "Warmed:Stopped") },
		"rule rule-0 was edited":                   func(w *world) { w.edited = []aws.Rule{{ARN: "rule-0"}} },
		"rule rule-0 was removed":                  func(w *world) { w.edited = []aws.Rule{} },
		"rule another was added":                   func(w *world) { w.edited = append(slices.Clone(w.plan.Rules), aws.Rule{ARN: "another"}) },
		`action "new" of web-0-blue was added`:     func(w *world) { w.groups[old].schedules = append(w.groups[old].schedules, aws.Schedule{Name: "new"}) },
		`the policy "cpu" of web-0-blue was added`: func(w *world) { w.groups[old].policies[0].Enabled = false },
	} {
		plan := newPlan(1)
		plan.Schedules = MoveThem
		k := newWalk(plan, 4, rand.New(rand.NewPCG(1, 1)))
		k.approve()
		err := k.run(func(i int) {
			if k.record.Phase == Shifting && k.edited == nil && k.last.Kind == Enter {
				edit(k.world)
			}
			if k.last.Kind == Halt {
				k.record.Outcome = Aborted
			}
		})
		if k.last.Kind != End || k.record.Phase != Shifting || err == nil {
			t.Errorf("%s: it went on to %s", want, k.record.Phase)
		}
		f := k.facts()
		k.record.Outcome = ""
		if m := Next(plan, k.record, f, k.now); m.Kind != Halt || !strings.Contains(m.Reason, want) {
			t.Errorf("got %s %q, want: %s", m.Kind, m.Reason, want)
		}
		if n := f.Groups[old].Count(aws.EnteringStandby, aws.Standby); n > 0 {
			t.Errorf("%s: %d instances have left the traffic", want, n)
		}
	}
}

func TestWhatMakesAReleaseSlowOrUnsureIsSaid(t *testing.T) {
	plan := newPlan(1)
	w := quietWorld(plan)
	if all := Warnings(plan, w.facts()); len(all) > 0 {
		t.Fatalf("a good world has warnings: %q", all)
	}
	plan.Service.Components[0].Pairs[0].Old.HealthCheck = "EC2"
	plan.Service.Components[0].Pairs[0].New.Template.Version = "$Latest"
	f := w.facts()
	f.TargetGroups["tg-0"] = aws.TargetGroup{Delay: 5 * time.Minute}
	all := Warnings(plan, f)
	for i, want := range []string{"web-0-blue has EC2 health checks", "delay of tg-0 is 5m0s", "web-0-green starts what $Latest"} {
		if len(all) != 3 || !strings.Contains(all[i], want) {
			t.Errorf("got %q, want %d: %s", all, i, want)
		}
	}
}
