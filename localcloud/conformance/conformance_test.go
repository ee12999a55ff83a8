// Package conformance drives the local cloud with clients that are not ours, boto3 and the aws
// command line, and compares its answers with botocore's model of AWS. It holds only tests.
package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud"
	"beansprout/localcloud/engine"
	"beansprout/test/must"
)

// access is what a client must know about a cloud.
type access struct {
	Endpoint string `json:"endpoint"`
	Key      string `json:"key"`
	Secret   string `json:"secret"`
	Account  string `json:"account"`
	URLs     string `json:"urls"` // host and port of the environments' and load balancers' URLs
}

// start starts a cloud without Docker that ends with the test. A version called "broken" does not
// run on it.
func start(t *testing.T, cfg localcloud.Config) access {
	t.Helper()
	cfg.Dir = t.TempDir()
	cfg.Pretend = &engine.Pretend{Outcome: func(d engine.Deployment) error {
		if d.Version == "broken" {
			return engine.Fail("the container exited with status 1")
		}
		return nil
	}}
	c, err := localcloud.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	r, err := localcloud.Status(cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return access{r.Endpoint, r.Key, r.Secret, r.Account, fmt.Sprintf("127.0.0.1:%d", r.URLPort)}
}

// needs skips the test with a message if a command does not work.
func needs(t *testing.T, command string, args ...string) {
	t.Helper()
	if out, err := exec.Command(command, args...).CombinedOutput(); err != nil {
		const attention = "ATTENTION: the local cloud's conformance to AWS is NOT PROVEN here: %s %s: %v"
		t.Logf("%s", out)
		fmt.Fprintf(os.Stderr, attention+"\n", command, strings.Join(args, " "), err)
		t.Skipf(attention, command, strings.Join(args, " "), err)
	}
}

// outcome is one line of a script's output: a case with its failures or, at the end, which
// operations succeeded and how many calls were to be refused.
type outcome struct {
	Case     string   `json:"case"`
	Faults   []string `json:"faults"`
	Driven   []string `json:"driven"`
	Refusals int      `json:"refusals"`
}

// drive runs one of the scripts on clouds and reports its cases as tests. It returns the operations that
// succeeded, such as "ec2:DescribeVpcs".
func drive(t *testing.T, script string, clouds map[string]access) (driven []string) {
	t.Helper()
	needs(t, "python3", "-c", "import boto3")
	given, err := json.Marshal(clouds)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", "-B", "testdata/"+script)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(given), &stderr
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "AWS_EC2_METADATA_DISABLED=true")
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s", script, err, &stderr)
	}
	return report(t, out)
}

func report(t *testing.T, lines []byte) (driven []string) {
	var last outcome
	for s := bufio.NewScanner(bytes.NewReader(lines)); s.Scan(); {
		var o outcome
		if err := json.Unmarshal(s.Bytes(), &o); err != nil {
			t.Fatalf("%q: %v", s.Text(), err)
		}
		if last = o; o.Case == "" {
			break
		}
		t.Run(o.Case, func(t *testing.T) {
			for _, fault := range o.Faults {
				t.Error(fault)
			}
		})
	}
	if last.Driven == nil {
		t.Error("the script did not come to its end")
	}
	t.Logf("%d refusals; operations that succeeded: %v", last.Refusals, perService(last.Driven))
	return last.Driven
}

func perService(operations []string) map[string]int {
	count := map[string]int{}
	for _, o := range operations {
		service, _, _ := strings.Cut(o, ":")
		count[service]++
	}
	return count
}

// TestEveryOperationAnswersAsModelled plays the scenes: each answer must be as modelled, and each
// operation that is served must succeed in one of them.
func TestEveryOperationAnswersAsModelled(t *testing.T) {
	quick := func() map[string]access { return map[string]access{"quick": start(t, localcloud.Config{})} }
	both := map[string]access{"quick": start(t, localcloud.Config{}), "slow": start(t, localcloud.Config{UpdateTime: time.Hour})}
	var driven []string
	for _, scene := range []struct {
		script string
		clouds map[string]access
	}{{"operations.py", both}, {"scalingscene.py", quick()}, {"balancerscene.py", quick()}} {
		t.Run(scene.script, func(t *testing.T) { driven = append(driven, drive(t, scene.script, scene.clouds)...) })
	}
	for _, served := range documented(t) {
		if driven != nil && !slices.Contains(driven, served) {
			t.Errorf("%s is served, and no scene calls it: who needs it?", served)
		}
	}
}

// documented returns the operations in the tables of docs/local-cloud.md, which a test compares with
// those that are served. Services have the names that boto3 gives them.
func documented(t *testing.T) (operations []string) {
	t.Helper()
	service := ""
	for line := range strings.Lines(must.Read(t, "../../docs/local-cloud.md")) {
		if name, ok := strings.CutPrefix(line, "### "); ok {
			service = strings.TrimSpace(name)
			if other := map[string]string{"servicequotas": "service-quotas", "elasticloadbalancing": "elbv2"}[service]; other != "" {
				service = other
			}
		}
		operation, row := strings.CutPrefix(line, "| `")
		if name, _, ok := strings.Cut(operation, "` | "); row && ok && (strings.Contains(line, "| whole |") || strings.Contains(line, "| part |")) && service != "beansprout" {
			operations = append(operations, service+":"+name)
		}
	}
	return operations
}

func TestWrongInputForEveryParameterIsRefused(t *testing.T) {
	drive(t, "generated.py", map[string]access{"quick": start(t, localcloud.Config{})})
}

func TestWrongNamesAndStatesAreRefused(t *testing.T) {
	drive(t, "refusals.py", map[string]access{
		"quick":     start(t, localcloud.Config{}),
		"slow":      start(t, localcloud.Config{UpdateTime: time.Hour, TerminateTime: time.Hour}),
		"launching": start(t, localcloud.Config{CreateTime: time.Hour}),
	})
	drive(t, "storerefusals.py", map[string]access{"quick": start(t, localcloud.Config{})})
}

func TestSequencesOfTheEBCLI(t *testing.T) {
	drive(t, "ebcli.py", map[string]access{"quick": start(t, localcloud.Config{}), "slow": start(t, localcloud.Config{UpdateTime: time.Hour})})
}
