package pullrequest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/test/must"
)

// deployments are those of a run that builds this change.
func (f *fake) deploymentsOf(c Change, workflow bool) *Deployments {
	f.Helper()
	account := kinds[0].account(f)
	account.Workflow = workflow
	d, err := NewDeployments(account, c)
	must.Succeed(f.T, err)
	d.Limit = 10 * time.Second
	return d
}

func (f *fake) wantStates(what string, want ...string) {
	f.Helper()
	if got := f.states(); !slices.Equal(got, want) {
		f.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestDeploymentsFollowTheEnvironment(t *testing.T) {
	k := kinds[0]
	f, a := k.fake(t), newAccount(t)
	building := func(c Change) map[string]envs.Announcer {
		return map[string]envs.Announcer{GitHubDeployments: f.deploymentsOf(c, false)}
	}
	works := func(what string, warnings []string, err error) {
		t.Helper()
		if err != nil || len(warnings) != 0 {
			t.Errorf("%s: %v, %q", what, err, warnings)
		}
	}
	headCommit := strings.Repeat("cd", 20)
	change := Change{Project: "acme/shop", Number: 12, Commit: headCommit}
	r, warnings, err := a.up(building(change), "login", "one")
	works("create", warnings, err)
	f.wantStates("create", success)
	first := f.deployments[0]
	if last := first.states[len(first.states)-1]; first.Ref != headCommit || first.Environment != r.Environment.Name || first.states[0].State != inProgress ||
		last.EnvironmentURL != r.Environment.URL() || last.LogURL != "https://ci/7" || !strings.HasPrefix(last.Description, "Until 20") {
		t.Errorf("%+v", first)
	}
	change.Commit = ""
	_, warnings, err = a.up(building(change), "login", "two")
	works("redeploy", warnings, err)
	f.wantStates("redeploy", inactive, success)
	if f.deployments[1].Ref != strings.Repeat("ab", 20) {
		t.Errorf("the commit is %s", f.deployments[1].Ref)
	}
	if _, warnings, err = a.up(building(change), "login", "broken"); err == nil {
		t.Fatal("a broken page is deployed")
	}
	works("failure", warnings, nil)
	f.wantStates("failure", inactive, success, failure)
	m := a.process(building(Change{}))
	e, err := m.Get(t.Context(), "shop", "login")
	must.Succeed(t, err)
	_, err = m.Extend(t.Context(), e, 24*time.Hour, envs.Options{})
	works("extend", nil, err)
	if n := len(f.deployments[1].states); n != 2 {
		t.Errorf("an extension is told as a deployment: %+v", f.deployments[1].states)
	}
	others := []*fakeDeployment{
		{ID: 101, Environment: r.Environment.Name, Payload: []byte(`{"beansprout": "eu-west-1/` + r.Environment.Name + `"}`)},
		{ID: 102, Environment: r.Environment.Name, Payload: []byte(`{}`)},
		{ID: 103, Environment: "production", Payload: first.Payload},
	}
	f.deployments = append(f.deployments, others...)
	_, warnings, err = a.down(building(Change{}), "login")
	works("removal", warnings, err)
	f.wantStates("removal", inactive, inactive, failure, "none", "none", "none")
	m = a.process(building(Change{}))
	gone, err := m.Restorable(t.Context(), "shop", "login")
	must.Succeed(t, err)
	_, err = m.Restore(t.Context(), gone, envs.RestoreOptions{Check: envs.HealthCheck{Off: true}})
	works("restore", nil, err)
	f.wantStates("restore", inactive, inactive, success, "none", "none", "none")
}

// What a run has left that was killed is inactive after the next one.
func TestADeploymentThatWasLeftIsMadeInactive(t *testing.T) {
	f, n := kinds[0].fake(t), ready()
	n.State = envs.NewsBuilding
	_, err := f.deploymentsOf(kinds[0].change, false).Announce(t.Context(), Ref{}, n)
	must.Succeed(t, err)
	run := f.deploymentsOf(kinds[0].change, false)
	ref, err := run.Announce(t.Context(), Ref{}, n)
	must.Succeed(t, err)
	f.wantStates("building", inProgress, inProgress)
	n.State = envs.NewsReady
	now, err := run.Announce(t.Context(), ref, n)
	must.Succeed(t, err)
	f.wantStates("ready", inactive, success)
	if want := (Ref{Channel: "acme/shop", Posted: kinds[0].account(f).API}); ref != want || now != want {
		t.Errorf("%+v, %+v", ref, now)
	}
}

func TestWithoutTheRightToDeploymentsAWarningSaysWhatIsMissing(t *testing.T) {
	f, n := kinds[0].fake(t), ready()
	f.forbidden = true
	run := f.deploymentsOf(kinds[0].change, true)
	n.State = envs.NewsBuilding
	ref, err := run.Announce(t.Context(), Ref{}, n)
	if err == nil || ref != (Ref{}) || !strings.HasSuffix(err.Error(), "the job needs the permission deployments: write") {
		t.Errorf("%+v, %v", ref, err)
	}
	n.State = envs.NewsReady
	if _, err := run.Announce(t.Context(), ref, n); err != nil || f.requested("POST") != 1 {
		t.Errorf("it is told twice: %v", err)
	}
}

// A record may be forged: it leads nowhere but to deployments of the environment, at the same API.
func TestAForgedReferenceChangesNoDeployment(t *testing.T) {
	f, n := kinds[0].fake(t), ready()
	n.State, n.URL = envs.NewsRemoved, ""
	for _, ref := range []Ref{
		{Channel: "acme/shop", Posted: "https://evil.example"}, {Channel: "../..", Posted: kinds[0].account(f).API}, {Channel: "acme/shop/x", Posted: kinds[0].account(f).API}, {},
	} {
		if now, err := f.deploymentsOf(Change{}, false).Announce(t.Context(), ref, n); err != nil || now != ref || len(f.requests) != 0 {
			t.Errorf("%+v: %+v, %v, %q", ref, now, err, f.requests)
		}
	}
}

// A deployment says nothing that others have written.
func TestHostileNamesAreInNoDeployment(t *testing.T) {
	f := kinds[0].fake(t)
	for _, n := range told("@kim fixes #1") {
		n.Commit = ready().Commit
		n.BuildURL, n.URL = "javascript:@kim", "https://@kim:x@host"
		f.breaks(func(_ http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			if strings.Contains(string(body)+r.URL.String(), "kim") {
				t.Errorf("%s: %s %s", r.Method, r.URL, body)
			}
			return false
		})
		run := f.deploymentsOf(kinds[0].change, false)
		for _, state := range []envs.NewsState{envs.NewsBuilding, envs.NewsReady, envs.NewsFailed, n.State} {
			n.State = state
			if _, err := run.Announce(t.Context(), Ref{}, n); err != nil {
				t.Error(err)
			}
		}
	}
}

// Deployments that can't be told change nothing else.
func TestBrokenDeploymentsChangeNothingElse(t *testing.T) {
	a := newAccount(t)
	for i, b := range breakages(t) {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			feature, f, in := fmt.Sprintf("feature-%d", i), kinds[0].fake(t), a
			in.T = t
			displays := func(c Change) map[string]envs.Announcer {
				d := f.deploymentsOf(c, false)
				if f.isBroken() {
					d.Limit = 200 * time.Millisecond
				}
				return map[string]envs.Announcer{GitHubDeployments: d}
			}
			run := func(page, outcome string, broken func(http.ResponseWriter, *http.Request, func(http.ResponseWriter)) bool) {
				f.breaks(broken)
				r, warnings, err := in.up(displays(kinds[0].change), feature, page)
				if err != nil || r.Outcome != outcome || (len(warnings) == 0) == (broken != nil) || strings.Contains(strings.Join(warnings, ""), testToken) {
					t.Errorf("%s: %q, %v, %q", page, r.Outcome, err, warnings)
				}
			}
			run("one", envs.Created, b.do)
			run("two", envs.Deployed, nil)
			f.breaks(b.do)
			if _, _, err := in.down(displays(Change{}), feature); err != nil {
				t.Error(err)
			}
		})
	}
}
