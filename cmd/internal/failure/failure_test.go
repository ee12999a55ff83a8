package failure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"

	"beansprout/cmd/internal/project/config"
	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/test/must"
)

func TestExitCodes(t *testing.T) {
	failure := errors.New("it failed")
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"success", nil, 0},
		{"failure", failure, 1},
		{"failure with a hint", WithHint(failure, "try again"), 1},
		{"no time left", fmt.Errorf("deploy: %w", context.DeadlineExceeded), 1},
		{"usage", Usagef("there is no verb %q", "x"), 2},
		{"usage with a hint, wrapped", fmt.Errorf("x: %w", WithHint(Usagef("%w", failure), "see --help")), 2},
		{"configuration", fmt.Errorf("x: %w", &config.Error{Problems: []error{failure}}), 2},
		{"interrupted", fmt.Errorf("deploy: %w", context.Canceled), 130},
		{"interrupted with a hint", WithHint(context.Canceled, "run it again"), 130},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestErrorsAreRenderedForTheirReader(t *testing.T) {
	failure := errors.New("AccessDenied")
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"an error", fmt.Errorf("create environment %q: %w", "shop", failure), "error: create environment \"shop\": AccessDenied\n"},
		{"a hint", WithHint(failure, "check the %s", "rights"), "error: AccessDenied\nhint: check the rights\n"},
		{"hints within", WithHint(fmt.Errorf("up: %w", WithHint(failure, "inner")), "outer"), "error: up: AccessDenied\nhint: outer\nhint: inner\n"},
		{"the same hint twice", errors.Join(WithHint(failure, "a"), WithHint(failure, "a"), WithHint(failure, "b")), "error: AccessDenied\n  AccessDenied\n  AccessDenied\nhint: a\nhint: b\n"},
		{"lines", errors.New("RUN failed:\r\n\tno such file\nexit code 1\n"), "error: RUN failed:\n      no such file\n  exit code 1\n"},
		{"configuration", Usagef("%w", &config.Error{Problems: []error{errors.New("f:1:1: a"), errors.New("f:2:1: b")}}), "error: f:1:1: a\n  f:2:1: b\n"},
		{"interrupted", fmt.Errorf("wait for environment %q: %w", "shop", context.Canceled), "interrupted: wait for environment \"shop\"\n"},
		{"interrupted, no more", context.Canceled, "interrupted\n"},
		{"interrupted, more", WithHint(fmt.Errorf("%w while it waited", context.Canceled), "again"), "interrupted: context canceled while it waited\nhint: again\n"},
		{"hostile", WithHint(errors.New("branch \x1b[31mx\u202e\x07"), "say \x1b]0;t\x07it\nnow"), "error: branch x\\u202e\nhint: say it now\n"},
	} {
		if got := Render(c.err); got != c.want {
			t.Errorf("%s: got\n%q\nwant\n%q", c.name, got, c.want)
		}
	}
}

func TestAHintedErrorIsStillItself(t *testing.T) {
	failure := errors.New("it failed")
	err := WithHint(Usagef("x: %w", failure), "try again")
	if !errors.Is(err, failure) || err.Error() != "x: it failed" {
		t.Errorf("got %v", err)
	}
}

// TestEveryErrorOfTheBuilderComesWithAdvice reads which there are.
func TestEveryErrorOfTheBuilderComesWithAdvice(t *testing.T) {
	errors := must.Read(t, "../../../builder/errors.go")
	told := must.Read(t, "hints.go")
	names := regexp.MustCompile(`(?m)^\t(Err\w+) += (?:errors\.New|fingerprint\.)`).FindAllStringSubmatch(errors, -1)
	if len(names) < 10 {
		t.Fatalf("only %d errors found", len(names))
	}
	for _, name := range names {
		if !strings.Contains(told, "{builder."+name[1]+", ") {
			t.Errorf("nothing is said about what to do when it is builder.%s", name[1])
		}
	}
}

func TestARightIsGrantedByAStatementOfOurPolicy(t *testing.T) {
	if sid := grantedBy("elasticbeanstalk:CreateEnvironment"); sid != "CreateEnvironmentsThatCarryOurTags" {
		t.Errorf("CreateEnvironment is granted by %s", sid)
	}
	if h := denialHint(errors.New("AccessDenied for another reason")); h != "" {
		t.Errorf("a hint about no action: %s", h)
	}
}

func TestAWrongRegionIsSaid(t *testing.T) {
	err := fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Err: &net.DNSError{Name: "sts.ap-norteast-2.amazonaws.com", IsNotFound: true}})
	if h := knownHint(err); !strings.Contains(h, "region") {
		t.Errorf("hint %q", h)
	}
	err = fmt.Errorf("listen: %w", &net.DNSError{Name: "janitor.example.com", IsNotFound: true})
	if h := knownHint(err); h != "" {
		t.Errorf("of a host that is not AWS's the hint is %q", h)
	}
}

// TestARefusedTokenOfACIIsSaid has the texts of STS and of the SDK.
func TestARefusedTokenOfACIIsSaid(t *testing.T) {
	for text, want := range map[string]string{
		"api error AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity":                  "trust policy",
		"InvalidIdentityToken: No OpenIDConnect provider found in your account for https://gitlab.com":     "OIDC providers",
		"InvalidIdentityToken: Incorrect token audience":                                                   "audience",
		"failed to retrieve jwt from provide source, unable to read file at /x: no such file or directory": "AWS_WEB_IDENTITY_TOKEN_FILE",
	} {
		if h := Hints(Explain(&envs.AccountError{Err: errors.New(text)})); len(h) != 1 || !strings.Contains(h[0], want) {
			t.Errorf("%s: hints %q", text, h)
		}
	}
}

func TestARefusedSweepSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{janitor.ErrTooMany, "--max"},
		{janitor.ErrShrunk, "beansprout list"},
		{janitor.ErrSkew, "timedatectl"},
		{janitor.ErrBranches, "git ls-remote"},
		{envs.ErrNoApplication, "--region"},
	} {
		hints := Hints(Explain(fmt.Errorf("sweep: %w: more", c.err)))
		if len(hints) != 1 || !strings.Contains(hints[0], c.want) {
			t.Errorf("%v: hints %q, want one with %q", c.err, hints, c.want)
		}
	}
}
