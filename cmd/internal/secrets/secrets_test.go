package secrets

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"beansprout/cmd/internal/project/config"
	"beansprout/cmd/internal/terminal"
)

func TestTokensAreTakenOutOfTheEnvironment(t *testing.T) {
	for _, name := range Variables {
		t.Setenv(name, "xoxb-"+name)
	}
	s := Take()
	for _, name := range Variables {
		if _, ok := os.LookupEnv(name); ok {
			t.Errorf("%s is still there", name)
		}
		if got := s.Token(name); got != "xoxb-"+name {
			t.Errorf("%s = %q", name, got)
		}
	}
	if got := s.Hide("it is xoxb-SLACK_APP_TOKEN"); got != "it is ***" {
		t.Errorf("hide = %q", got)
	}
}

// Child processes do not get the token of a workflow, but what a build's secret names is found.
func TestTheTokenOfAWorkflowIsForTheProgramAlone(t *testing.T) {
	t.Setenv("GITHUB_TOKEN", " ghs_secretsecret\n")
	for actions, taken := range map[string]bool{"": false, "false": false, "true": true} {
		t.Setenv("GITHUB_ACTIONS", actions)
		t.Setenv("GITHUB_TOKEN", " ghs_secretsecret\n")
		s := Take()
		_, there := os.LookupEnv("GITHUB_TOKEN")
		if value, ok := s.LookupEnv("GITHUB_TOKEN"); there == taken || (s.Token("GITHUB_TOKEN") == "ghs_secretsecret") != taken || !ok || strings.TrimSpace(value) != "ghs_secretsecret" {
			t.Errorf("GITHUB_ACTIONS=%s: there %t, token %q, found %q", actions, there, s.Token("GITHUB_TOKEN"), value)
		}
		if got := s.Hide("it is ghs_secretsecret"); got != "it is ***" {
			t.Errorf("hide = %q", got)
		}
	}
	t.Setenv("SLACK_BOT_TOKEN", "xoxb-1234567")
	if _, ok := Take().LookupEnv("SLACK_BOT_TOKEN"); ok {
		t.Error("a template can have Slack's token")
	}
}

func TestSecretsOfTheFileAndTheEnvironmentAreHidden(t *testing.T) {
	t.Setenv("DB_PASSWORD", "hunter2-hunter2")
	s := Take()
	s.Learn(&config.Config{
		Environment: config.Environment{Variables: map[string]string{"MAIL_TOKEN": "from-the-file"}},
		Build:       []config.Image{{Args: map[string]string{"NPM_TOKEN": "an-argument"}}},
	})
	if got := s.Hide("AWS refuses hunter2-hunter2, from-the-file and an-argument"); got != "AWS refuses ***, *** and ***" {
		t.Errorf("hide = %q", got)
	}
}

func TestTheTalkShowsNoSecret(t *testing.T) {
	t.Setenv("DB_PASSWORD", "hunter2-hunter2")
	var out bytes.Buffer
	known := Take()
	talk := terminal.NewProgress(&out, known.Hide)
	talk.Say("AWS says hunter2-hunter2")
	step := talk.Step("step hunter2-hunter2")
	step.Log("line hunter2-hunter2")
	step.Fail(errors.New("hunter2-hunter2 is wrong"))
	if strings.Contains(out.String(), "hunter2") || strings.Count(out.String(), "***") != 6 {
		t.Errorf("the talk is\n%s", &out)
	}
}

func TestTheDaemonsLogShowsNoSecret(t *testing.T) {
	t.Setenv("DB_PASSWORD", `hunter2"hunter2`)
	var out bytes.Buffer
	line := `{"msg":"hunter2\"hunter2"}` + "\n"
	if n, err := (Writer{&out, Take()}).Write([]byte(line)); n != len(line) || err != nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("log = %s", &out)
	}
}
