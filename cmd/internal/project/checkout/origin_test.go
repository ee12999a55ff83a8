package checkout

import (
	"strings"
	"testing"
)

// What no remote has, or may be a fork's, must not look like a branch that has gone.
func TestOnlyABranchThatARemoteHasIsPushed(t *testing.T) {
	root := repository(t)
	origin := repository(t)
	check := func(what string, fork, pushed bool, env vars) {
		t.Helper()
		if got := read(t, root, env.get); got.Fork != fork || got.Pushed != pushed {
			t.Errorf("%s: %+v", what, got)
		}
	}
	check("without a remote", false, false, nil)
	run(t, root, "remote", "add", "origin", origin)
	check("with a remote that was never read", false, false, nil)
	run(t, root, "fetch", "--quiet", "origin")
	check("with a remote that has it", false, true, nil)
	run(t, root, "checkout", "--quiet", "-b", "mai")
	check("with a remote that has a longer one", false, false, nil)
	run(t, root, "update-ref", "refs/remotes/origin/mai/x", "HEAD")
	check("with a remote that has one below it", false, false, nil)
	run(t, root, "checkout", "--quiet", "--detach")
	check("on no branch", false, false, nil)

	check("Jenkins", false, true, vars{"BRANCH_NAME": "login"})
	check("Jenkins, a change's number", false, false, vars{"BRANCH_NAME": "PR-7"})
	check("Jenkins, a change", false, true, vars{"BRANCH_NAME": "PR-7", "CHANGE_BRANCH": "login"})
	check("Jenkins, a fork's change", true, true, vars{"BRANCH_NAME": "PR-7", "CHANGE_BRANCH": "main", "CHANGE_FORK": "kim"})
	check("Jenkins, a tag", false, false, vars{"TAG_NAME": "v1"})
	check("GitHub", false, true, vars{"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/login"})
	check("GitHub, a change of whom is not known", false, false, vars{"GITHUB_ACTIONS": "true", "GITHUB_HEAD_REF": "login", "GITHUB_REF": "refs/pull/1/merge"})
	check("Drone, a change of whom is not known", false, false, vars{"DRONE": "true", "DRONE_PULL_REQUEST": "7", "DRONE_SOURCE_BRANCH": "login", "DRONE_TARGET_BRANCH": "main"})
	check("Drone", false, true, vars{"DRONE": "true", "DRONE_BRANCH": "login"})
}

func TestAddressesAndSubjectsAreHarmless(t *testing.T) {
	for address, want := range map[string]string{
		"ann@example.com": "ann@example.com", "o'nym+x@example.co.uk": "o'nym+x@example.co.uk", "김@example.com": "김@example.com",
		"": "", "ann": "", "@example.com": "", "ann@": "", "a@b@c": "", "<!here>@x.com": "", "a b@x.com": "", "a\x1b[2J@x.com": "",
		"a\u202eb@x.com": "", "ann@-x": "", "a\n@x.com": "", "a@x.com\nBcc: b@x.com": "", strings.Repeat("a", 250) + "@x.com": "",
	} {
		if got := email(address); got != want {
			t.Errorf("email(%q) = %q, want %q", address, got, want)
		}
	}
	root := repository(t)
	run(t, root, "-c", "user.name=x", "-c", "user.email=<!here>", "commit", "--quiet", "--allow-empty", "--cleanup=verbatim",
		"--message=log \x1b[31min\n@here <!channel> "+strings.Repeat("long ", 99)+"\n\nmore\n")
	got := read(t, root, none)
	if len([]rune(got.Subject)) > maxSubject || strings.ContainsAny(got.Subject, "\x1b\n") || !strings.HasPrefix(got.Subject, "log [31min @here <!channel> long ") || got.Email != "" {
		t.Errorf("%q, %q", got.Subject, got.Email)
	}
}
