package proof

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	registry "github.com/google/go-containerregistry/pkg/v1/remote"

	"beansprout/envs"
	"beansprout/notify"
	"beansprout/notify/notifytest"
	"beansprout/test/source"
)

var staff = []notifytest.User{{ID: "U0KIM", Name: "kim", Email: "kim@example.com"}, {ID: "U0LEE", Name: "lee", Email: "lee@example.com"}}

// branches are those of the remote, and those that were.
type branches struct {
	month *month
	all   []*branch
	count int
}

// branch is one that people work on.
type branch struct {
	name  string
	dies  int // the sweep after which it is deleted
	dead  int // for how many sweeps it has been
	edits int // of its content
}

// bear makes a branch, which lives for up to ten days.
func (b *branches) bear() {
	b.count++
	one := &branch{name: fmt.Sprintf("feature/%d", b.count), dies: b.month.done.sweeps + 2 + b.month.random.IntN(40)}
	b.month.remote.add(one.name)
	b.all = append(b.all, one)
}

// end deletes all branches.
func (b *branches) end() {
	for _, one := range b.all {
		b.month.remote.remove(one.name)
	}
}

// people returns what people do until the next sweep. All that is random is decided now.
func (m *month) people() (all []func()) {
	for _, b := range m.branches.all {
		if b.dies <= m.done.sweeps {
			m.remote.remove(b.name)
			b.dead++
		}
		if do := m.habit(b); do != nil {
			all = append(all, do)
		}
	}
	const longGone = 30 // nobody thinks of it any more
	m.branches.all = slices.DeleteFunc(m.branches.all, func(b *branch) bool { return b.dead > longGone })
	return all
}

// habit returns what somebody does about a branch, nil for nothing.
func (m *month) habit(b *branch) func() {
	who := staff[m.random.IntN(len(staff))]
	draw := m.random.IntN(100)
	switch {
	case b.dead > 0 && draw < 4, b.dead == 0 && draw < 3:
		return func() { m.restore(b, who) }
	case b.dead > 0:
		return nil
	case b.edits == 0 || draw < 18:
		b.edits++
		d := m.deployment(b, who)
		return func() { m.deploy(d) }
	case draw < 26:
		action := []notify.Action{notify.ActionExtend, notify.ActionProtect, notify.ActionUnprotect, notify.ActionUnprotect, notify.ActionRestore}[m.random.IntN(5)]
		return func() { m.press(b, action, who) }
	case draw < 28:
		return func() { m.press(b, notify.ActionRemove, who) }
	case draw < 34:
		return m.with(b, func(ctx context.Context, of *envs.Manager, e envs.Environment) error {
			_, err := of.Extend(ctx, e, days, envs.Options{By: who.Name})
			return err
		})
	case draw < 36:
		return m.with(b, func(ctx context.Context, of *envs.Manager, e envs.Environment) error {
			_, err := of.Remove(ctx, e, envs.RemoveOptions{Options: envs.Options{By: who.Name}})
			return err
		})
	}
	return nil
}

// bot returns Slack as one process knows it.
func (m *month) bot() *notify.Slack { return notify.New(notifytest.Token, m.slack.URL, "#qa", nil) }

// runTime is how long people wait for what they have asked for.
const runTime = 2 * time.Minute

// run does something as a process of its own, and counts whether it failed.
func (m *month) run(do func(context.Context, *envs.Manager) error) {
	ctx, cancel := context.WithTimeout(m.Context(), runTime)
	defer cancel()
	if err := do(ctx, m.managerOf("user", nil, m.bot())); err != nil && !expected(err) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.done.failed++
	}
}

// with returns what does something with a branch's environment, where there is one.
func (m *month) with(b *branch, do func(context.Context, *envs.Manager, envs.Environment) error) func() {
	return func() {
		m.run(func(ctx context.Context, of *envs.Manager) error {
			e, err := of.Get(ctx, shop, b.name)
			if err != nil {
				return err
			}
			return do(ctx, of, e)
		})
	}
}

func (m *month) deployment(b *branch, who notifytest.User) envs.Deployment {
	content := fmt.Sprintf("%s-%d", strings.ReplaceAll(b.name, "/", "-"), b.edits)
	d := deployment(b.name, content)
	d.Base.Platform, d.Origin, d.Owner, d.Email, d.Source = "ECS running on 64bit Amazon Linux 2023", envs.SourceBranch, who.Name, who.Email, imaged{source.Page(content)}
	return d
}

func (m *month) deploy(d envs.Deployment) {
	m.run(func(ctx context.Context, of *envs.Manager) error {
		_, err := of.Deploy(ctx, d, envs.Options{By: d.Owner})
		m.mu.Lock()
		defer m.mu.Unlock()
		m.done.deploys++
		return err
	})
}

// restore brings back what was removed, if that is possible: twice, because a call may go wrong.
func (m *month) restore(b *branch, who notifytest.User) {
	for range 2 {
		m.run(func(ctx context.Context, of *envs.Manager) error {
			e, err := of.Restorable(ctx, shop, b.name)
			if err != nil || !e.State.Gone() {
				return err
			}
			_, err = of.Restore(ctx, e, envs.RestoreOptions{Options: envs.Options{By: who.Name}, Check: envs.HealthCheck{Off: true}})
			if err == nil {
				m.mu.Lock()
				defer m.mu.Unlock()
				m.done.restores++
			}
			return err
		})
	}
}

// press presses a button of the branch's newest message that has it.
func (m *month) press(b *branch, action notify.Action, who notifytest.User) {
	for _, message := range slices.Backward(m.slack.Messages()) {
		has := slices.ContainsFunc(message.Buttons(), func(b notifytest.Button) bool { return b.Action == string(action) })
		if !has || !strings.Contains(message.Text, "`"+b.name+"`") {
			continue
		}
		m.logged.expected.Add(1)
		if _, err := m.slack.Press(message, string(action), who); err != nil {
			m.logged.expected.Add(-1)
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.done.presses++
		return
	}
}

// pressLog counts the presses that a daemon has handled.
type pressLog struct{ expected, handled atomic.Int64 }

func (l *pressLog) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

func (l *pressLog) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`"msg":"press"`)) {
		l.handled.Add(1)
	}
	return len(line), nil
}

// settle waits until all presses are handled that Slack was told of.
func (l *pressLog) settle(t testing.TB) {
	t.Helper()
	for range 60_000 {
		if l.handled.Load() >= l.expected.Load() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("of %d presses %d are handled", l.expected.Load(), l.handled.Load())
}

// imaged is the source of a bundle and of one image, which has its content.
type imaged struct{ source.Page }

func (s imaged) Images(ctx context.Context, t envs.Target) ([]envs.Image, error) {
	uri, err := t.Registry.Repository(ctx)
	if err != nil {
		return nil, err
	}
	user, password, err := t.Registry.Login(ctx, uri, []string{"web"})
	if err != nil {
		return nil, err
	}
	image, err := mutate.Config(empty.Image, v1.Config{Labels: map[string]string{"content": string(s.Page)}})
	if err != nil {
		return nil, err
	}
	tag, err := name.NewTag(uri+":id-"+string(s.Page), name.Insecure)
	if err != nil {
		return nil, err
	}
	if err := registry.Write(tag, image, registry.WithContext(ctx), registry.WithAuth(&authn.Basic{Username: user, Password: password})); err != nil {
		return nil, err
	}
	digest, err := image.Digest()
	return []envs.Image{{Name: "web", Reference: uri + "@" + digest.String(), Digest: digest.String(), Platform: "linux/" + t.Architecture}}, err
}
