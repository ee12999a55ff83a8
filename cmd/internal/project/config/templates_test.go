package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"beansprout/cmd/internal/project/config"
	"beansprout/dockerrun"
	"beansprout/test/must"
)

// template is the beansprout.yaml that users start from.
const template = "../../../../templates/beansprout.yaml"

func TestTheTemplateFitsTheConfiguration(t *testing.T) {
	c := load(t, must.Read(t, template))
	parsed, err := dockerrun.Parse(c.Dockerrun.Template, []byte(must.Read(t, "../../../../templates/Dockerrun.template.json")))
	must.Succeed(t, err)
	var images []string
	for _, image := range c.Build {
		images = append(images, image.Name)
	}
	must.Succeed(t, parsed.Check(images, c.Dockerrun.Values, nil, 0))
}

// TestEveryCommentedKeyIsUnderstood takes away the "# " before each key that is commented out.
func TestEveryCommentedKeyIsUnderstood(t *testing.T) {
	instead := regexp.MustCompile(`(?m)^ *# (saved_configuration|copy_from|shared_load_balancer|artifact|prepare):.*$`)
	c := load(t, uncommented(instead.ReplaceAllString(must.Read(t, template), "")))
	if c.Slack.Channel != "#qa" || c.Environment.Variables["RAILS_ENV"] != "staging" || len(c.Build[0].Secrets) != 1 {
		t.Errorf("got %+v", c)
	}
}

// TestWhatStandsInsteadOfOtherKeysIsUnderstood takes those others away.
func TestWhatStandsInsteadOfOtherKeysIsUnderstood(t *testing.T) {
	others := regexp.MustCompile(`(?m)^(build|dockerrun):.*\n(( .*)?\n)*|^ +(# saved_configuration|platform|options|"aws:.*):.*\n`)
	c := load(t, uncommented(others.ReplaceAllString(must.Read(t, template), "")))
	if c.Artifact == "" || c.Prepare == "" || c.Environment.CopyFrom == "" || c.Environment.SharedLoadBalancer == "" {
		t.Errorf("got %+v", c)
	}
}

func uncommented(text string) string {
	return regexp.MustCompile(`(?m)^( *)# ([a-z_]+:)`).ReplaceAllString(text, "$1$2")
}

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), config.Name)
	must.Succeed(t, os.WriteFile(file, []byte(text), 0o600))
	c, err := config.Load(t.Context(), file)
	must.Succeed(t, err)
	return c
}

func TestTheExampleIsUnderstood(t *testing.T) {
	c, err := config.Load(t.Context(), "../../../../examples/hello/beansprout.yaml")
	must.Succeed(t, err)
	if len(c.Build) != 2 || c.Build[0].Prepare == "" || c.Build[0].Prepare != c.Build[1].Prepare {
		t.Errorf("got %+v, want two images that share one prepare", c.Build)
	}
}
