package main

import (
	"encoding/json"
	"strings"
	"testing"

	"beansprout/localcloud"
	"beansprout/templates"
)

func TestIAMPolicyIsNarrowedToTheFile(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	for _, holder := range []string{"deployer", "janitor", "instance", "operations"} {
		text := p.ok("iam-policy", holder, "--account", "111122223333", "--region", "eu-central-1")
		if !json.Valid([]byte(text)) || !strings.Contains(text, "elasticbeanstalk-eu-central-1-111122223333") || holder != "operations" && !strings.Contains(text, "/shop") {
			t.Errorf("%s: %s", holder, text)
		}
	}
	if text := p.ok("iam-policy", "deployer", "--any"); text != templates.IAMPolicy() {
		t.Errorf("--any prints %s", text)
	}
	p.refused(2, []string{"whose policy?", "deployer|janitor|instance|operations"}, "iam-policy")
	p.refused(2, []string{`no policy of "janitors"`, "did you mean janitor?"}, "iam-policy", "janitors")
	p.refused(2, []string{"12 digits"}, "iam-policy", "janitor", "--account", "1234")
	p.refused(2, []string{"is no region"}, "iam-policy", "janitor", "--region", "eu/1")
}
