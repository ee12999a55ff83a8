package release

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"beansprout/release/aws"
)

// drain is how long the model's instances are on their way to Standby or to their end.
const drain = 30 * time.Second

// A world is a small model of groups and a load balancer, for one walk of a release.
type world struct {
	plan    Plan
	rng     *rand.Rand
	now     time.Time
	groups  map[string]*simGroup
	count   int             // of instances ever launched
	broken  map[string]bool // versions whose instances never get healthy
	failing bool            // checks of URLs fail
	edited  []aws.Rule      // in place of the plan's rules
}

type simGroup struct {
	aws.Group
	plan      Group
	machines  []*machine
	schedules []aws.Schedule
	policies  []aws.Policy
}

type machine struct {
	id, version string
	state       aws.Lifecycle
	since       time.Time // of the state
	target      aws.TargetState
	dead        bool
}

func newWorld(plan Plan, size int, rng *rand.Rand) *world {
	w := &world{plan: plan, rng: rng, now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), groups: map[string]*simGroup{}, broken: map[string]bool{}}
	for _, p := range plan.pairs() {
		old := &simGroup{plan: p.Old, Group: aws.Group{Name: p.Old.Name, Sizes: aws.Sizes{Min: min(1, size), Max: size + 4, Desired: size}}}
		old.Tags = map[string]aws.Tag{plan.VersionTag: {Value: "r40", Propagate: true}, ReleaseTag: {Value: "production-40", Propagate: true}}
		idle := &simGroup{plan: p.New, Group: aws.Group{Name: p.New.Name, Sizes: aws.Sizes{Max: size + 2}}}
		idle.Suspended = []string{aws.AZRebalance, aws.AlarmNotification, aws.ScheduledActions}
		idle.Tags = map[string]aws.Tag{plan.VersionTag: {Value: "r39"}}
		start, nine := w.now.Add(24*time.Hour), 9
		old.schedules = []aws.Schedule{{Name: "night", Recurrence: "0 22 * * *", TimeZone: "Asia/Seoul", Start: &start, Desired: &nine}}
		old.policies = []aws.Policy{{Name: "cpu", Type: aws.TargetTracking, Enabled: true, Tracking: &aws.Tracking{Target: 50,
			Customized: &aws.CustomizedMetric{Name: "cpu", Dimensions: []aws.Dimension{{Name: "AutoScalingGroupName", Value: p.Old.Name}}}}}}
		w.groups[p.Old.Name], w.groups[p.New.Name] = old, idle
		for _, g := range []*simGroup{old, idle} {
			g.TargetGroups, g.Template, g.HealthCheck = g.plan.TargetGroups, g.plan.Template, g.plan.HealthCheck
		}
	}
	for range 3 {
		w.advance(time.Minute)
	}
	return w
}

func (g *simGroup) with(states ...aws.Lifecycle) (found []*machine) {
	for _, m := range g.machines {
		if slices.Contains(states, m.state) {
			found = append(found, m)
		}
	}
	return found
}

func (g *simGroup) machine(id string) *machine {
	for _, m := range g.machines {
		if m.id == id {
			return m
		}
	}
	return nil
}

func (w *world) set(m *machine, state aws.Lifecycle, target aws.TargetState) {
	m.state, m.since, m.target = state, w.now, target
}

// advance lets time go by, and every group do what it does by itself.
func (w *world) advance(d time.Duration) {
	w.now = w.now.Add(d)
	for _, name := range slices.Sorted(maps.Keys(w.groups)) {
		g := w.groups[name]
		for _, m := range g.machines {
			w.age(m)
		}
		g.machines = slices.DeleteFunc(g.machines, func(m *machine) bool { return m.state == "" })
		w.reconcile(g)
	}
}

func (w *world) age(m *machine) {
	age := w.now.Sub(m.since)
	switch {
	case m.dead && m.state == aws.InService:
		w.set(m, aws.Terminating, aws.Draining)
	case m.state == aws.Pending && age >= 10*time.Second:
		w.set(m, aws.InService, aws.Initial)
	case m.state == aws.InService && m.target != aws.Healthy && age >= 10*time.Second:
		m.target = aws.Healthy
		if w.broken[m.version] {
			m.target = aws.Unhealthy
		}
	case m.state == aws.InService && w.broken[m.version] && m.target == aws.Healthy:
		m.target = aws.Unhealthy
	case m.state == aws.EnteringStandby && age >= drain:
		w.set(m, aws.Standby, "")
	case m.state == aws.EnteringStandby && m.target == aws.Initial && age >= 10*time.Second:
		m.target = aws.Healthy
	case m.state == aws.Terminating && age >= drain:
		w.set(m, "", "")
	}
}

// reconcile launches and terminates until a group has what it wants.
func (w *world) reconcile(g *simGroup) {
	active := g.with(aws.Pending, aws.InService)
	for range g.Desired - len(active) {
		w.count++
		m := &machine{id: fmt.Sprintf("i-%04d", w.count), version: g.Tags[w.plan.VersionTag].Value}
		w.set(m, aws.Pending, "")
		g.machines = append(g.machines, m)
	}
	w.rng.Shuffle(len(active), func(i, j int) { active[i], active[j] = active[j], active[i] })
	for i := range max(len(active)-g.Desired, 0) {
		w.set(active[i], aws.Terminating, aws.Draining)
	}
}

// facts reads the whole world at once.
func (w *world) facts() Facts {
	f := Facts{
		Groups: map[string]aws.Group{}, Schedules: map[string]aws.Schedules{}, Policies: map[string]aws.Policies{}, Refreshes: map[string]aws.Refreshes{},
		TargetGroups: map[string]aws.TargetGroup{}, Machines: map[string]aws.Machine{}, Images: map[string]Image{}, Checks: map[string]Check{}, Rules: aws.Rules{Rules: w.plan.Rules, At: w.now},
	}
	if w.edited != nil {
		f.Rules.Rules = w.edited
	}
	for _, c := range w.plan.Service.Components {
		f.Checks[c.Name] = Check{Failed: w.failing, Reason: "503", At: w.now}
		f.Images[c.Artifact.Repository+"@"+c.Artifact.Digest] = Image{Architectures: []string{"amd64"}, At: w.now}
	}
	for name, g := range w.groups {
		g.At = w.now
		shown := g.Group
		shown.Suspended, shown.Tags, shown.Instances = slices.Clone(g.Suspended), maps.Clone(g.Tags), nil
		f.Schedules[name] = aws.Schedules{Actions: slices.Clone(g.schedules), At: w.now}
		f.Policies[name] = aws.Policies{Policies: slices.Clone(g.policies), At: w.now}
		f.Refreshes[name] = aws.Refreshes{At: w.now}
		for _, m := range g.machines {
			shown.Instances = append(shown.Instances, aws.Instance{ID: m.id, Lifecycle: m.state})
			state := aws.Running
			if m.dead {
				state = aws.Terminated
			}
			f.Machines[m.id] = aws.Machine{ID: m.id, State: state, Tags: map[string]string{w.plan.VersionTag: m.version}, At: w.now}
		}
		f.Groups[name] = shown
	}
	for _, r := range w.plan.Rules {
		arn := r.Forwards[0].TargetGroup
		t := aws.TargetGroup{ARN: arn, Targets: map[string]aws.Target{}, At: w.now}
		for _, g := range w.groups {
			for _, m := range g.machines {
				if m.target != "" && slices.Contains(g.plan.TargetGroups, arn) {
					t.Targets[m.id] = aws.Target{State: m.target}
				}
			}
		}
		f.TargetGroups[arn] = t
	}
	return f
}

// apply carries out a move as AWS would, and returns AWS's refusal.
func (w *world) apply(m Move) error {
	g := w.groups[m.Group]
	switch m.Kind {
	case Resize:
		return g.resize(m, w)
	case SetTag:
		g.Tags[m.Key] = m.Tag
	case RemoveTag:
		delete(g.Tags, m.Key)
	case Suspend:
		g.Suspended = slices.Compact(slices.Sorted(slices.Values(append(g.Suspended, m.Processes...))))
	case Resume:
		g.Suspended = slices.DeleteFunc(g.Suspended, func(p string) bool { return slices.Contains(m.Processes, p) })
	case PutSchedules:
		for _, s := range m.Schedules {
			g.schedules = append(slices.DeleteFunc(g.schedules, func(o aws.Schedule) bool { return o.Name == s.Name }), s)
		}
	case RemoveSchedules:
		g.schedules = slices.DeleteFunc(g.schedules, func(o aws.Schedule) bool { return slices.Contains(m.Names, o.Name) })
	case PutPolicy:
		g.policies = append(slices.DeleteFunc(g.policies, func(o aws.Policy) bool { return o.Name == m.Policy.Name }), m.Policy)
	case RemovePolicy:
		g.policies = slices.DeleteFunc(g.policies, func(o aws.Policy) bool { return slices.Contains(m.Names, o.Name) })
	default:
		return w.applyTo(g, m)
	}
	return nil
}

func (g *simGroup) resize(m Move, w *world) error {
	s := g.Sizes
	for to, from := range map[*int]*int{&s.Min: m.Min, &s.Max: m.Max, &s.Desired: m.Desired} {
		if from != nil {
			*to = *from
		}
	}
	if m.Desired == nil {
		s.Desired = min(max(s.Desired, s.Min), s.Max)
	}
	if s.Min < 0 || s.Desired < s.Min || s.Desired > s.Max {
		return fmt.Errorf("desired capacity %d must be between %d and %d", s.Desired, s.Min, s.Max)
	}
	g.Sizes = s
	w.reconcile(g)
	return nil
}

// applyTo carries out a move that names instances.
func (w *world) applyTo(g *simGroup, move Move) error {
	want := map[MoveKind]aws.Lifecycle{EnterStandby: aws.InService, ExitStandby: aws.Standby, Register: aws.EnteringStandby, Terminate: aws.Standby}[move.Kind]
	if want == "" || len(move.IDs) == 0 || len(move.IDs) > 20 && move.Kind != Register {
		return fmt.Errorf("a %q of %d ids", move.Kind, len(move.IDs))
	}
	for _, id := range move.IDs {
		m := g.machine(id)
		if m == nil || m.state != want {
			return fmt.Errorf("the instance %s is not in %s", id, want)
		}
		switch move.Kind {
		case EnterStandby:
			g.Desired--
			w.set(m, aws.EnteringStandby, aws.Draining)
		case ExitStandby:
			g.Desired++
			w.set(m, aws.Pending, "")
		case Register:
			m.target = aws.Initial
		case Terminate:
			w.set(m, aws.Terminating, "")
		}
	}
	if g.Desired < g.Min || g.Desired > g.Max {
		return fmt.Errorf("desired capacity %d of %s is not between %d and %d", g.Desired, g.Name, g.Min, g.Max)
	}
	w.reconcile(g)
	return nil
}
