package proof

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/test/oracle"
)

// judge judges the janitor's removals when they reach the cloud.
func (m *month) judge(c call) error {
	if c.action != "TerminateEnvironment" {
		return nil
	}
	id := c.form.Get("EnvironmentId")
	m.wire.mu.Lock()
	r := *m.wire.of(c.actor, id)
	m.wire.mu.Unlock()
	r.Gone = m.remote.lacks(r.Tags)
	if problem := wrong(m.policy, r, time.Now()); problem != "" {
		m.problem("%s is removed, and %s: %+v", id, problem, r.Facts)
	}
	if !m.warned(r.Facts) {
		m.problem("%s is removed, and nobody was warned in Slack: %+v", id, r.Facts)
	}
	return nil
}

// warned reports whether Slack has a warning of this environment's end.
func (m *month) warned(f oracle.Facts) bool {
	rec, _ := oracle.ParseRecord(f.Record)
	if rec.Warned == nil {
		return false
	}
	end := fmt.Sprintf("<!date^%d^", rec.Warned.Expires.Unix())
	for _, message := range m.slack.Messages() {
		for _, reply := range message.Replies {
			if strings.Contains(reply.Text, "⏳ `"+f.Tags["beansprout:feature"]+"`") && strings.Contains(reply.Text, end) {
				return true
			}
		}
	}
	return false
}

// holdings are what the cloud has besides environments.
type holdings struct {
	versions []types.ApplicationVersionDescription
	objects  []string
	tags     []string // of images
}

func (m *month) holdings() (h holdings) {
	m.Helper()
	versions, err := m.bare.DescribeApplicationVersions(m.Context(), &elasticbeanstalk.DescribeApplicationVersionsInput{ApplicationName: aws.String(shop)})
	if err != nil {
		m.Fatal(err)
	}
	h.versions, h.objects = versions.ApplicationVersions, m.objectsOf("")
	pages := ecr.NewListImagesPaginator(ecr.NewFromConfig(m.client("test", nil)), &ecr.ListImagesInput{RepositoryName: aws.String(shop)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(m.Context())
		if err != nil {
			m.Fatal(err)
		}
		for _, i := range page.ImageIds {
			h.tags = append(h.tags, aws.ToString(i.ImageTag))
		}
	}
	return h
}

// lacks returns what is missing of what an environment ran, or runs.
func (h holdings) lacks(e types.EnvironmentDescription) string {
	label, tag := aws.ToString(e.VersionLabel), "live-"+region+"-"+aws.ToString(e.EnvironmentName)+"-web-"
	switch {
	case !slices.ContainsFunc(h.versions, func(v types.ApplicationVersionDescription) bool { return aws.ToString(v.VersionLabel) == label }):
		return "version " + label
	case !slices.ContainsFunc(h.objects, func(key string) bool { return strings.Contains(key, label) }):
		return "bundle of " + label
	case !slices.ContainsFunc(h.tags, func(t string) bool { return strings.HasPrefix(t, tag) }):
		return "image tag " + tag
	}
	return ""
}

// checkNothingIsMissing wants everything to be there that living environments run, and that those need
// which can be restored.
func (m *month) checkNothingIsMissing() {
	m.Helper()
	h := m.holdings()
	out, err := m.bare.DescribeEnvironments(m.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{
		ApplicationName: aws.String(shop), IncludeDeleted: aws.Bool(true), IncludedDeletedBackTo: aws.Time(m.now().Add(-m.days.RestoreFor + hours)),
	})
	if err != nil {
		m.Fatal(err)
	}
	newest := map[string]types.EnvironmentDescription{}
	for _, e := range out.Environments {
		if other, ok := newest[*e.EnvironmentName]; !ok || other.DateCreated.Before(*e.DateCreated) {
			newest[*e.EnvironmentName] = e
		}
	}
	for _, e := range newest {
		if missing := h.lacks(e); missing != "" && aws.ToString(e.VersionLabel) != "" {
			m.problem("%s, which is %s since %v, needs the %s, which is missing", *e.EnvironmentName, e.Status, e.DateUpdated, missing)
		}
	}
	m.report()
}

// checkNothingIsLeft wants the cloud to be as empty as before all of it.
func (m *month) checkNothingIsLeft() {
	m.Helper()
	h := m.holdings()
	for _, r := range m.rows(shop) {
		m.problem("there is still %+v", r)
	}
	for _, v := range h.versions {
		m.problem("there is still version %s", aws.ToString(v.VersionLabel))
	}
	for _, key := range h.objects {
		if !strings.HasPrefix(key, "beansprout/janitors/") && !strings.HasPrefix(key, "beansprout/sweeps/") && strings.HasPrefix(key, "beansprout/") {
			m.problem("there is still %s", key)
		}
	}
	for _, tag := range h.tags {
		m.problem("there is still image %s", tag)
	}
}
