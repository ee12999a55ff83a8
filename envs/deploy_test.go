package envs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/localcloud"
)

func TestADeployCreatesChangesAndLeavesAlone(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	first := p.deployed(deployment("login", "one"), Created)
	if first.Name != p.name("login") || first.Feature != "login" || first.Commit != "one" || first.Owner != "Kim" || first.Expires.IsZero() || !strings.HasPrefix(first.URL(), "http://") {
		t.Errorf("created: %+v", first)
	}
	before := len(p.cloud.Calls())
	again := p.deployed(deployment("login", "one"), Unchanged)
	calls := map[string]int{}
	for _, c := range p.cloud.Calls()[before:] {
		calls[c.Action]++
	}
	if again.ID != first.ID || len(p.changesSince(before)) > 0 || calls["HeadObject"] != 1 || calls["DescribeApplicationVersions"] != 0 {
		t.Errorf("unchanged: %+v, calls %v", again, calls)
	}
	if second := p.deployed(deployment("login", "two"), Deployed); second.ID != first.ID || second.Version == first.Version || second.Commit != "two" {
		t.Errorf("deployed: %+v", second)
	}
	rec, err := p.store().Read(t.Context(), first.Name)
	if err != nil || rec.Lease != nil || rec.Commit != "two" || rec.Before.Version != first.Version || rec.Outcome.Result != Deployed || rec.Outcome.Verb != "up" {
		t.Errorf("the record says %+v, %v", rec, err)
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	for _, tt := range []struct{ content, outcome, action string }{
		{"one", Created, "create"}, {"one", Unchanged, "leave as it is"}, {"two", Deployed, "deploy to"},
	} {
		request := deployment("login", tt.content)
		if tt.content == "two" {
			request.Settings = append(request.Settings, beanstalk.Setting{Namespace: "aws:elasticbeanstalk:application:environment", Name: "COLOUR", Value: "blue"})
		}
		before := len(p.cloud.Calls())
		f, err := p.manager.Forecast(t.Context(), request, Options{})
		if err != nil || f.Outcome != tt.outcome || f.Action != tt.action || f.Environment.Name != p.name("login") || !strings.HasPrefix(f.URL, "http://"+f.Environment.Name) {
			t.Errorf("%s: %+v, %v", tt.content, f, err)
		}
		if tt.content == "two" && (len(f.Settings) != 1 || f.Settings[0].Name != "COLOUR" || f.Settings[0].Old != nil || *f.Settings[0].New != "blue") {
			t.Errorf("the settings that change are %+v", f.Settings)
		}
		r, err := p.manager.Deploy(t.Context(), request, Options{DryRun: true})
		if err != nil || r.Outcome != tt.outcome {
			t.Errorf("Deploy as a dry run: %+v, %v", r, err)
		}
		for _, c := range p.cloud.Calls()[before:] {
			if strings.HasPrefix(c.Action, "Put") || strings.HasPrefix(c.Action, "Create") || strings.HasPrefix(c.Action, "Update") {
				t.Errorf("%s: it calls %s", tt.content, c.Action)
			}
		}
		if tt.outcome == Created {
			p.deployed(request, Created)
		}
	}
}

// plant puts bytes into the store's bucket as an instance can.
func (p *plot) plant(key, body string) {
	p.Helper()
	_, err := p.bare().CreateStorageLocation(p.Context(), &elasticbeanstalk.CreateStorageLocationInput{})
	if err == nil {
		_, err = p.manager.s3.api.PutObject(p.Context(), &s3.PutObjectInput{Bucket: aws.String(p.store().Bucket()), Key: &key, Body: strings.NewReader(body)})
	}
	if err != nil {
		p.Fatal(err)
	}
}

// holdsOnly checks what lies under a key.
func (p *plot) holdsOnly(key, want string) {
	p.Helper()
	var got bytes.Buffer
	if _, err := p.store().Download(p.Context(), key, &got); err != nil || got.String() != want {
		p.Errorf("under %s there is %q, %v", key, got.String(), err)
	}
}

// bundleOf returns the bundle of an archive.
func bundleOf(t *testing.T, content string) string {
	t.Helper()
	b, err := archive{content}.Bundle(t.Context(), nil, Target{})
	text, failure := io.ReadAll(b.File)
	if err = errors.Join(err, failure); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func labelOf(name, bundle string) string {
	return VersionLabel(name, fmt.Sprintf("%x", sha256.Sum256([]byte(bundle))))
}

func TestOtherBytesUnderABundlesKeyAreNotDeployed(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	ours, request := bundleOf(t, "one"), deployment("login", "one")
	evil := strings.Repeat("x", len(ours))
	key := store.BundleKey(labelOf(p.name("login"), ours), "zip")
	p.plant(key, evil)
	p.deployed(request, Created)
	p.holdsOnly(key, ours)

	before := len(p.cloud.Calls())
	p.plant(key, evil)
	if f, err := p.manager.Forecast(t.Context(), request, Options{}); err != nil || f.Outcome != Deployed {
		t.Errorf("a forecast after the bundle was replaced: %+v, %v", f, err)
	}
	p.holdsOnly(key, evil)
	p.deployed(request, Deployed)
	p.holdsOnly(key, ours)
	if sent := strings.Join(p.changesSince(before), " "); !strings.Contains(sent, "UpdateEnvironment") {
		t.Errorf("what was deployed from other bytes was not deployed again: %s", sent)
	}

	p.plant(key, ours) // as an older version of this tool did: without the checksum
	for range 2 {
		p.deployed(request, Unchanged)
	}
	if _, told, err := p.store().Digest(t.Context(), key); !told || err != nil {
		t.Errorf("S3 still has no checksum: %v", err)
	}
}

func TestABundleWithoutAChecksumIsUploadedUnderTheLease(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	request, ours := deployment("login", "one"), bundleOf(t, "one")
	e := p.deployed(request, Created)
	p.plant(store.BundleKey(e.Version, "zip"), ours)
	held, _, err := p.store().Take(t.Context(), e.Name, store.LeaseRequest{Verb: "another"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := p.manager.Deploy(ctx, request, Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another has the lease: %v", err)
	}
	if _, told, err := p.store().Digest(t.Context(), store.BundleKey(e.Version, "zip")); told || err != nil {
		t.Errorf("the bundle was uploaded without the lease: %v", err)
	}
	if err := held.Release(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

func TestAVersionThatWasRegisteredBeforeIsProved(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("first", "one"), Created)
	ours := bundleOf(t, "one")
	for feature, body := range map[string]string{"same": ours, "other": strings.Repeat("x", len(ours)), "sample": ""} {
		label := labelOf(p.name(feature), ours)
		in := &elasticbeanstalk.CreateApplicationVersionInput{ApplicationName: aws.String("shop"), VersionLabel: &label}
		if body != "" {
			p.plant("elsewhere/"+feature+".zip", body)
			in.SourceBundle = &types.S3Location{S3Bucket: aws.String(p.store().Bucket()), S3Key: aws.String("elsewhere/" + feature + ".zip")}
		}
		if _, err := p.bare().CreateApplicationVersion(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		_, err := p.manager.Deploy(t.Context(), deployment(feature, "one"), Options{})
		if feature == "same" && err != nil || feature != "same" && (!errors.Is(err, ErrRegistered) || !errors.Is(err, ErrBundle)) {
			t.Errorf("%s: %v", feature, err)
		}
		_, err = p.manager.Get(t.Context(), "shop", feature)
		if launched := err == nil; launched != (feature == "same") {
			t.Errorf("%s: launched = %v, %v", feature, launched, err)
		}
	}
}

func TestAVersionThatVanishesIsRegisteredOnceMore(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	for call, outcome := range map[string]string{"CreateEnvironment": Created, "UpdateEnvironment": Deployed} {
		p.before(1, call, func() string {
			l := p.manager.changing(p.store(), func(context.Context) error { return nil })
			if err := l.beanstalk.DeleteVersion(t.Context(), "shop", labelOf(p.name(outcome), bundleOf(t, call))); err != nil {
				t.Error(err)
			}
			return ""
		})
		if outcome == Deployed {
			p.deployed(deployment(outcome, "before"), Created)
		}
		p.deployed(deployment(outcome, call), outcome)
	}
}

// note changes the record of the feature's environment, as another process would.
func (p *plot) note(feature string, change func(*store.Record)) {
	p.Helper()
	if _, err := p.store().Change(p.Context(), p.name(feature), change); err != nil {
		p.Error(err)
	}
}

// TestAWordInARecordRemovesNothing has a record say that the feature was taken down, which no removal
// has done, at each moment at which a deploy might believe it.
func TestAWordInARecordRemovesNothing(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	for _, tt := range []struct {
		content, call string
		nth           int
		outcome       string
	}{
		{"one", "CreateEnvironment", 1, Created},
		{"two", "UpdateEnvironment", 1, Deployed},
		{"three", "PUT ledger", 2, Deployed}, // which takes the lease, behind the request number
		{"three", "GET ledger", 2, Unchanged},
	} {
		p.before(tt.nth, tt.call, func() string { p.note("x", func(r *store.Record) { r.Removals++ }); return "" })
		if e := p.deployed(deployment("x", tt.content), tt.outcome); e.ID == "" {
			t.Errorf("%s: nothing lives", tt.call)
		}
	}
}

func TestWhatIsTakenDownBeforeItIsThereIsNotMade(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	p.before(3, "PUT ledger", func() string { p.note("x", func(r *store.Record) { r.Removals++ }); return "" }) // the lease, behind a missing bucket and the request number
	r, err := p.manager.Deploy(t.Context(), deployment("x", "one"), Options{})
	if err != nil || r.Outcome != Superseded || r.Reason != removedMeanwhile || r.Environment.URL() != "" || r.Environment.Feature != "x" {
		t.Errorf("Deploy: %+v, %v", r, err)
	}
	if _, err := p.manager.Get(t.Context(), "shop", "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("it lives: %v", err)
	}
}

func TestADeployJoinsALaterOneOfTheSameCommit(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	request := deployment("x", "one")
	request.Source = archive{"the same commit, not to the byte"}
	p.before(2, "PUT ledger", func() string { // the lease, behind the request number
		p.note("x", func(r *store.Record) { r.Deployed = r.NumberRequest("one") })
		return ""
	})
	if now := p.deployed(request, Unchanged); now.Version != e.Version {
		t.Errorf("it runs %s, want %s as it is", now.Version, e.Version)
	}
	if rec, err := p.store().Read(t.Context(), e.Name); err != nil || rec.Deployed != 3 || rec.Version != e.Version {
		t.Errorf("the record says %+v, %v", rec, err)
	}
	d := p.newDeploy(nil)
	d.Commit, d.run.record = "two", store.Record{Deployed: 9, Commit: "two", Environment: e.ID, Version: e.Version}
	if d.joins(destination{env: e.Env}) {
		t.Error("it joins what the record alone calls a deploy of its commit")
	}
}

// settings are those of a named environment, by namespace:name.
func (p *plot) settings(name string) map[string]string {
	p.Helper()
	out, err := p.bare().DescribeConfigurationSettings(p.Context(), &elasticbeanstalk.DescribeConfigurationSettingsInput{ApplicationName: aws.String("shop"), EnvironmentName: &name})
	if err != nil {
		p.Fatal(err)
	}
	values := map[string]string{}
	for _, o := range out.ConfigurationSettings[0].OptionSettings {
		values[aws.ToString(o.Namespace)+":"+aws.ToString(o.OptionName)] = aws.ToString(o.Value)
	}
	return values
}

func TestADeployStartsFromACopyOfAnEnvironment(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	const variables = "aws:elasticbeanstalk:application:environment"
	p.launched("shop-dev1", nil, instances("m6g.large"),
		beanstalk.Setting{Namespace: variables, Name: "DB", Value: "postgres://dev"},
		beanstalk.Setting{Namespace: "aws:rds:dbinstance", Name: "HasCoupledDatabase", Value: "true"},
		beanstalk.Setting{Namespace: "aws:rds:dbinstance", Name: "DBPassword", Value: "geheim"})
	request := deployment("login", "one")
	request.Base = Base{CopyFrom: "shop-dev1"}
	request.Settings = []beanstalk.Setting{instances("t3.small"), {Namespace: variables, Name: "COLOUR", Value: "blue"}}
	for _, feature := range []string{"login", "search"} {
		request.Feature = feature
		got := p.settings(p.deployed(request, Created).Name)
		for key, want := range map[string]string{
			variables + ":DB": "postgres://dev", variables + ":COLOUR": "blue", "aws:ec2:instances:InstanceTypes": "t3.small",
			"aws:rds:dbinstance:HasCoupledDatabase": "false", "aws:rds:dbinstance:DBPassword": "",
		} {
			if got[key] != want {
				t.Errorf("%s has %s = %q, want %q", feature, key, got[key], want)
			}
		}
	}
	before := len(p.cloud.Calls())
	p.deployed(request, Unchanged)
	var calls []string
	for _, call := range p.cloud.Calls()[before:] {
		if call.Service == "elasticbeanstalk" {
			calls = append(calls, call.Action)
		}
	}
	if len(calls) > 3 {
		t.Errorf("unchanged takes the calls %v", calls)
	}
}

func TestASettingThatAWSRefusedIsNotOurs(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("login", "one"), Created)
	size := beanstalk.Setting{Namespace: "aws:autoscaling:asg", Name: "MaxSize", Value: "many"}
	_, err := p.bare().UpdateEnvironment(t.Context(), &elasticbeanstalk.UpdateEnvironmentInput{
		EnvironmentName: &e.Name, OptionSettings: []types.ConfigurationOptionSetting{{Namespace: &size.Namespace, OptionName: &size.Name, Value: aws.String("2")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	request := deployment("login", "one")
	request.Settings = append(request.Settings, size)
	if _, err := p.manager.Deploy(t.Context(), request, Options{}); err == nil || !strings.Contains(err.Error(), "validation") {
		t.Fatalf("what AWS refuses ends with %v", err)
	}
	if rec, err := p.store().Read(t.Context(), e.Name); err != nil || slices.Contains(rec.Settings, size.String()) {
		t.Errorf("the record calls it ours: %q, %v", rec.Settings, err)
	}
	p.deployed(deployment("login", "one"), Unchanged)
	if got := p.settings(e.Name)[size.String()]; got != "2" {
		t.Errorf("%s has become %q", size, got)
	}
}

func TestTheStatementForTheBucketsPolicyCoversWhatIsStoredThere(t *testing.T) {
	text, err := os.ReadFile("../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```json\n")
	block, _, _ = strings.Cut(block, "```")
	var statement struct {
		Effect, Resource string
		Action           []string
	}
	if err := json.Unmarshal([]byte(block), &statement); err != nil {
		t.Fatal(err)
	}
	prefix := strings.TrimSuffix(statement.Resource[strings.Index(statement.Resource, "/")+1:], "*")
	if statement.Effect != "Deny" || !slices.Equal(statement.Action, []string{"s3:PutObject", "s3:DeleteObject"}) {
		t.Errorf("it says %+v", statement)
	}
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("x", "one"), Created)
	list, err := p.manager.s3.api.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(p.store().Bucket())})
	if err != nil || len(list.Contents) < 2 {
		t.Fatalf("the bucket holds %+v, %v", list, err)
	}
	for _, o := range list.Contents {
		if !strings.HasPrefix(aws.ToString(o.Key), prefix) {
			t.Errorf("%s is not under %s", aws.ToString(o.Key), prefix)
		}
	}
}
