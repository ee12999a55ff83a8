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

func TestSlacksTokensAreTakenOutOfTheEnvironment(t *testing.T) {
	for _, name := range SlackVariables {
		t.Setenv(name, "xoxb-"+name)
	}
	s := Take()
	for _, name := range SlackVariables {
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
