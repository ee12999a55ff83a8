package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs"
	"beansprout/envs/ledger"
	"beansprout/localcloud"
)

// said is what a run of the program in this process came to.
type said struct {
	stdout, stderr string
	code           int
}

// beansprout runs the program in this process against the local cloud in dir.
func beansprout(ctx context.Context, t *testing.T, dir string, args ...string) said {
	t.Helper()
	t.Setenv("BEANSPROUT_LOCAL_DIR", dir)
	var stdout, stderr bytes.Buffer
	app := newApp(&stdout, &stderr)
	err := app.RunContext(ctx, reorder(app, append([]string{"beansprout", "--local"}, args...)))
	if err != nil {
		stderr.WriteString(render(err))
	}
	return said{stdout.String(), stderr.String(), exitCode(err)}
}

// shop writes a beansprout.yaml of the application shop and returns its path.
func shop(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "beansprout.yaml")
	if err := os.WriteFile(path, []byte("application: shop\nbuild: {web: {context: .}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// crowd is how the environments of a large cloud differ: every tenth is Ann's, and each is an hour
// older than the one before.
func crowd(i int, row map[string]any) {
	feature := fmt.Sprintf("feature/%04d", i)
	name := envs.Name(fmt.Sprint(row["Account"]), "shop", feature)
	row["Name"], row["Prefix"] = name, name
	owner := "Kim"
	if i%10 == 0 {
		owner = "Ann O'Nym"
	}
	setup := row["Setup"].(map[string]any)
	setup["Version"], setup["Tags"] = name+"-1", envs.NewTags(feature, owner, time.Now())
	row["Description"] = envs.Describe(feature, strings.Repeat("a", 40), owner)
	row["Created"] = time.Now().Add(-time.Duration(i) * time.Hour)
}

// remembered writes a record of the ledger for each environment of a crowd.
func remembered(t *testing.T, cloud *localcloud.Cloud, n int) {
	t.Helper()
	c := localClients(runningOf(cloud), localRegion)
	account, err := c.account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := c.ledger(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(16)
	for i := range n {
		g.Go(func() error {
			name := envs.Name(account, "shop", fmt.Sprintf("feature/%04d", i))
			_, err := l.Change(ctx, name, func(r *ledger.Record) {
				r.SpeakOf(fmt.Sprintf("e-%010d", i))
				r.Version, r.Commit = name+"-1", strings.Repeat("b", 40)
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// calls counts what a cloud was asked since then.
func calls(cloud *localcloud.Cloud, since time.Time) map[string]int {
	counts := map[string]int{}
	for _, call := range cloud.Calls() {
		if call.Time.After(since) {
			counts[call.Action]++
		}
	}
	return counts
}

func TestThousandEnvironmentsAreListedInOneDescribe(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	n := 500
	if os.Getenv("BEANSPROUT_SOAK") == "1" {
		n = 5000
	}
	cloud, dir := crowdedCloud(t, n, crowd)
	remembered(t, cloud, n)
	config := shop(t)
	for _, tt := range []struct {
		filter string
		want   int
	}{
		{"", n},
		{"--owner ann", 0},
		{"--owner=ANN_O'NYM", n / 10},
		{"--health red", 0},
		{"--health red --health green", n},
		{"--state ready --older-than 10d", n - 240},
		{"--state updating", 0},
		{"--expired", n - 120},
		{"--expires-in 1d", n - 96},
		{"--expired --owner Ann_O'Nym --health green", (n - 120) / 10},
		{"--older-than 491h", n - 491},
	} {
		t.Run(tt.filter, func(t *testing.T) {
			started := time.Now()
			args := []string{"list", "--json", "--config", config}
			for _, arg := range strings.Fields(tt.filter) {
				args = append(args, strings.ReplaceAll(arg, "_", " "))
			}
			out := beansprout(t.Context(), t, dir, args...)
			took := time.Since(started)
			var views []view
			if err := json.Unmarshal([]byte(out.stdout), &views); err != nil || out.code != 0 {
				t.Fatalf("%d, %v: %s", out.code, err, out.stderr)
			}
			asked := calls(cloud, started)
			t.Logf("%d of %d environments in %s, asked %v", len(views), n, took, asked)
			if len(views) != tt.want {
				t.Errorf("%d environments, want %d", len(views), tt.want)
			}
			if !slices.IsSortedFunc(views, func(a, b view) int { return strings.Compare(a.Name, b.Name) }) {
				t.Error("they are not sorted")
			}
			if asked["DescribeEnvironments"] != 1 || asked["ListTagsForResource"] > few || asked["GetObject"] != len(views) {
				t.Errorf("%d environments took %v", len(views), asked)
			}
			if i := slices.IndexFunc(views, func(v view) bool { return v.Commit != strings.Repeat("b", 40) }); i >= 0 {
				t.Errorf("%s is of commit %s, not of what the ledger says", views[i].Name, views[i].Commit)
			}
		})
	}
}
