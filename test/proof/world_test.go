package proof

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/test/oracle"
)

// world is an application with some environments, of us and of others, its users and its janitor.
type world struct {
	*field
	random      *rand.Rand
	application string
	policy      oracle.Policy
	users       *envs.Manager
	janitor     *janitor.Janitor
	remote      *remote // nil where branches do not matter
	restoreFor  time.Duration
	features    []string
	releases    []string // versions that are not ours

	skew    time.Duration // of the janitor's clock
	silent  bool          // Slack takes nothing
	working sync.WaitGroup
	changed int    // counts contents of deploys
	said    string // by the last calm sweep

	mu       sync.Mutex
	calls    int            // of this sweep
	back     time.Duration  // by which the clock went back in this sweep, after what was read then
	jumped   time.Duration  // by which it went back and forth: it may have hidden that much of the skew
	plans    map[int]func() // what happens before the nth call of this sweep
	failing  map[int]error  // how the nth call ends
	removed  map[string]time.Time
	last     map[string]removal // by the name of the environment
	problems []string
}

// removal is the last one of an environment of a name.
type removal struct {
	version string
	at      time.Time
}

// chance reports true once in n times.
func (w *world) chance(n int) bool { return w.random.IntN(n) == 0 }

func pick[T any](w *world, all ...T) T { return all[w.random.IntN(len(all))] }

func newWorld(f *field, seed uint64, number int) *world {
	w := &world{
		field: f, random: rand.New(rand.NewPCG(seed, uint64(number))), application: fmt.Sprintf("shop%d", number),
		removed: map[string]time.Time{}, last: map[string]removal{},
	}
	w.policy = oracle.Policy{Account: f.account, TTL: pick(w, 0, 36*hours, 5*days, 5*days)}
	w.restoreFor = pick(w, 0, 3*days)
	cfg := envs.Config{Application: w.application, Days: envs.Days{TTL: w.policy.TTL, Least: days, RestoreFor: w.restoreFor}}
	if w.chance(2) {
		w.policy.Warn = days
		cfg.Announcers = map[string]envs.Announcer{"Slack": crier{w}}
	}
	w.users = f.manager("user", nil, envs.Config{Application: w.application, Days: envs.Days{TTL: 5 * days, Least: days, RestoreFor: w.restoreFor}})
	w.janitor = &janitor.Janitor{
		Environments: f.manager("janitor", w.observe, cfg), Options: envs.Options{By: "janitor"}, Warn: w.policy.Warn, MaxDeletions: 100, Max: pick(w, 0, 100, 100),
		Now: func() time.Time { return f.now().Add(w.skew) },
	}
	if w.chance(3) {
		w.remote = newRemote(f)
		w.policy.Settle = hours
		w.janitor.Branches = janitor.Branches{Remote: w.remote.server.URL + "/shop.git", After: hours}
	}
	w.populate()
	return w
}

// crier is Slack, which takes warnings unless it is silent.
type crier struct{ *world }

func (c crier) Announce(_ context.Context, at envs.MessageRef, _ envs.News) (envs.MessageRef, error) {
	if c.silent {
		return at, errors.New("Slack is down")
	}
	return envs.MessageRef{Channel: "C1", Timestamp: "1.1"}, nil
}

// observe sees each call: it judges removals, and has the plans come true.
func (w *world) observe(c call) error {
	w.mu.Lock()
	w.calls++
	plan, failure := w.plans[w.calls], w.failing[w.calls]
	w.mu.Unlock()
	if plan != nil {
		done := make(chan struct{})
		w.working.Go(func() { defer close(done); plan() })
		select { // what waits for the janitor's lease must not be waited for
		case <-done:
		case <-time.After(100 * time.Millisecond):
		}
	}
	switch c.action {
	case "TerminateEnvironment":
		w.judge(c.form.Get("EnvironmentId"))
	case "DeleteApplicationVersion":
		w.judgeVersion(c.form.Get("VersionLabel"))
	}
	return failure
}

func (w *world) judge(id string) {
	w.wire.mu.Lock()
	r := *w.wire.of("janitor", id)
	w.wire.mu.Unlock()
	r.Gone = w.remote.lacks(r.Tags)
	w.mu.Lock()
	defer w.mu.Unlock()
	problem := wrong(w.policy, r, time.Now())
	if problem == "" && w.skew.Abs()-w.jumped > time.Minute+10*time.Second {
		problem = "the janitor's clock is wrong"
	}
	if problem != "" {
		w.problems = append(w.problems, fmt.Sprintf("%s is removed, and %s: %+v", id, problem, r.Facts))
	}
	now := w.now()
	w.removed[id], w.last[r.Row.EnvironmentName] = now, removal{r.Row.VersionLabel, now}
}

func (w *world) judgeVersion(label string) {
	living := map[string]bool{} // what a user has removed meanwhile was running when the janitor was told
	for _, r := range w.rows(w.application) {
		living[r.EnvironmentId] = !r.Gone()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, gone := range w.last {
		if age := w.now().Sub(gone.at); gone.version == label && age < w.restoreFor-time.Minute-w.back {
			w.problems = append(w.problems, fmt.Sprintf("version %s is removed %v after %s, which ran it last", label, age, name))
		}
	}
	if slices.Contains(w.releases, label) {
		w.problems = append(w.problems, "version "+label+" of others is removed")
	}
	w.wire.mu.Lock()
	defer w.wire.mu.Unlock()
	for key, r := range w.wire.told {
		if strings.HasPrefix(key, "janitor ") && r.Row.ApplicationName == w.application && r.Row.VersionLabel == label && living[r.Row.EnvironmentId] && !r.Row.Gone() {
			w.problems = append(w.problems, "version "+label+" is removed, and "+r.Row.EnvironmentName+" runs it")
		}
	}
}

// populate makes environments of all kinds.
func (w *world) populate() {
	w.Helper()
	if _, err := w.bare.CreateApplication(w.Context(), &elasticbeanstalk.CreateApplicationInput{ApplicationName: &w.application}); err != nil {
		w.Fatal(err)
	}
	n := 3 + w.random.IntN(4)
	if w.janitor.Max == 0 && w.chance(3) {
		n = 15
	}
	for i := range n {
		feature := fmt.Sprintf(pick(w, "f%d", "fix/some-%d", "PR-%d", "kim:patch-%d"), i)
		w.features = append(w.features, feature)
		if w.remote != nil && !w.chance(3) {
			w.remote.add(feature)
		}
		if w.chance(6) {
			w.deploy(feature)
		} else {
			w.create(feature, w.name(feature))
		}
	}
	w.settled(w.application)
}

func (w *world) name(feature string) string { return envs.Name(w.account, w.application, feature) }

// lifespans are what descriptions and tags say, and some that say nothing.
var lifespans = []string{"36h", "2d", "5d", "5d", "1d12h", "3d from deploy", "2d least 6h", "4d from deploy least 2d", "", "0s", "-5d", "five", "d"}

// create makes an environment as Beansprout would have made it, or another client.
func (w *world) create(feature, name string) {
	lifespan := pick(w, lifespans...)
	description := feature + " @ 1a2b3c4"
	if lifespan != "" {
		description += " for " + lifespan
	}
	description += pick(w, "", " ~0123456789abcdef0123", " by Kim", " by kim for 9d")
	labels := map[string]string{
		"beansprout:feature": feature, "beansprout:created": w.now().UTC().Format(time.RFC3339), "beansprout:lifecycle": "ephemeral",
		"beansprout:source": pick(w, "branch", "branch", "name", "fork", ""), "beansprout:ttl": lifespan,
	}
	switch w.random.IntN(12) {
	case 0:
		delete(labels, pick(w, "beansprout:feature", "beansprout:created", "beansprout:lifecycle"))
	case 1:
		labels["beansprout:lifecycle"] = pick(w, "keep", "KEEP", "forever", "keep ")
	case 2: // a clone
		labels["beansprout:feature"] = pick(w, w.features...)
		name = "shop-" + pick(w, "abcdefghij", "zyxwvutsrq") + fmt.Sprint(w.random.IntN(90)+10)
		description = pick(w, description, "")
	case 3: // a stranger
		clear(labels)
		name, description = fmt.Sprintf("production-%s-%d", w.application, w.random.IntN(1000)), pick(w, "", "the shop")
	case 4:
		description = pick(w, "", "edited by hand", "other @ 1a2b3c4 for 1h")
	}
	in := &elasticbeanstalk.CreateEnvironmentInput{
		ApplicationName: &w.application, EnvironmentName: &name, CNAMEPrefix: &name, Description: &description, PlatformArn: &w.platform,
		OptionSettings: []types.ConfigurationOptionSetting{{
			Namespace: aws.String("aws:autoscaling:launchconfiguration"), OptionName: aws.String("IamInstanceProfile"), Value: aws.String("aws-elasticbeanstalk-ec2-role"),
		}},
	}
	for key, value := range labels {
		if value != "" {
			in.Tags = append(in.Tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
		}
	}
	made, err := w.bare.CreateEnvironment(w.Context(), in)
	if err != nil {
		return // there is one of that name already
	}
	id := aws.ToString(made.EnvironmentId)
	if w.chance(3) {
		w.putRecord(name, w.hostileRecord(id))
	}
	if w.chance(12) {
		w.wire.mu.Lock()
		w.wire.forged[id] = map[string]string{pick(w, "DateCreated", "DateCreated", "DateUpdated"): ""}
		for element := range w.wire.forged[id] {
			w.wire.forged[id][element] = pick(w, "", "<"+element+">9999-12-31T23:59:59Z</"+element+">", "<"+element+">1970-01-01T00:00:00Z</"+element+">")
		}
		w.wire.mu.Unlock()
	}
}

func (w *world) deploy(feature string) {
	ctx, cancel := context.WithTimeout(w.Context(), 30*time.Second)
	defer cancel()
	w.mu.Lock()
	w.changed++
	content := fmt.Sprint(w.application, " ", w.changed)
	w.mu.Unlock()
	d := deployment(feature, content)
	d.Commit = strings.ReplaceAll(content, " ", "-")
	_, _ = w.users.Deploy(ctx, d, envs.Options{By: "user"}) // what stands in its way may be anything
}

// hostileRecord is what a record of that environment could say.
func (w *world) hostileRecord(id string) string {
	now := w.now()
	instant := func() string {
		return pick(w, now.Add(-40*days), now.Add(-2*days), now.Add(-hours), now.Add(hours), now.Add(3*days), now.Add(400*days), time.Unix(0, 0)).UTC().Format(time.RFC3339)
	}
	parts := []string{
		`"extended":"` + instant() + `"`, `"kept":{"by":"kim"}`, `"warned":{"at":"` + instant() + `","expires":"` + instant() + `"}`,
		`"missing":"` + instant() + `"`, `"last":{"at":"` + instant() + `","ttl":"` + pick(w, "1s", "9d", "90000d", "-1d", "x") + `"}`,
		`"lease":{"verb":"up","holder":"another","host":"elsewhere","pid":7,"renewed":"` + instant() + `"}`, `"tried":"` + instant() + `"`,
		`"extended":"9999-12-31T23:59:59Z"`, `"presses":["a","b"]`, `"warned":null`, `"removed":{"id":"e-x","version":"production-1"}`,
	}
	text := `{"counter":` + fmt.Sprint(w.random.IntN(9)) + `,"environment":"` + pick(w, id, id, id, "e-other", "") + `"`
	for range w.random.IntN(4) {
		if part := pick(w, parts...); !strings.Contains(text, part[:strings.Index(part, ":")]) {
			text += "," + part
		}
	}
	return pick(w, text+"}", text+"}", text+"}", text+"}", text, "[]", "{}", "null", "\x00\xff", "{"+strings.Repeat(" ", oracle.LongestRecord)+"}", "")
}
