package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs"
	"beansprout/envs/store"
	"beansprout/localcloud"
	"beansprout/localcloud/cloudtest"
	"beansprout/test/must"
)

// crowd is how the environments of a large cloud differ: every tenth is Ann's, and each is an hour
// older than the one before. A minute more keeps them apart from whole hours: AWS's clock tells seconds.
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
	row["Description"] = envs.Description{Feature: feature, Commit: strings.Repeat("a", 40), Owner: owner}.String()
	made := time.Now().Add(-time.Duration(i)*time.Hour - time.Minute)
	row["Created"], row["Updated"] = made, made
}

// newCrowd returns a plot with n environments of a crowd, and a record for each.
func newCrowd(t *testing.T, n int) *plot {
	t.Helper()
	p := newPlot(t, localcloud.Config{})
	p.sprout("seed")
	must.Succeed(t, p.cloud.Close(context.Background()))
	must.Succeed(t, cloudtest.Multiply(p.dir, n, crowd))
	p = openPlot(t, localcloud.Config{Dir: p.dir})
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(16)
	for i := range n {
		g.Go(func() error {
			name := p.name(fmt.Sprintf("feature/%04d", i))
			_, err := p.store.Change(ctx, name, func(r *store.Record) {
				r.SetEnvironment(fmt.Sprintf("e-%010d", i))
				r.Version, r.Commit = name+"-1", strings.Repeat("b", 40)
			})
			return err
		})
	}
	must.Succeed(t, g.Wait())
	return p
}

// It reads 5,000 environments in the soak.
func TestManyEnvironmentsAreListedInOneDescribe(t *testing.T) {
	n := 150
	if os.Getenv("BEANSPROUT_SOAK") == "1" {
		n = 5000
	}
	p := newCrowd(t, n)
	for _, tt := range []struct {
		filter string
		want   int
	}{
		{"", n},
		{"--owner ann", 0},
		{"--owner=ANN_O'NYM", n / 10},
		{"--health red", 0},
		{"--health red --health green", n},
		{"--state ready --older-than 4d", n - 96},
		{"--state updating", 0},
		{"--expired", n - 120},
		{"--expires-in 1d", n - 96},
		{"--expired --owner Ann_O'Nym --health green", (n - 120) / 10},
		{"--older-than 141h", n - 141},
	} {
		t.Run(tt.filter, func(t *testing.T) {
			started, before := time.Now(), len(p.cloud.Calls())
			args := []string{"list", "--json"}
			for _, arg := range strings.Fields(tt.filter) {
				args = append(args, strings.ReplaceAll(arg, "_", " "))
			}
			out := p.run(args...)
			took := time.Since(started)
			var views []view
			if err := json.Unmarshal([]byte(out.stdout), &views); err != nil || out.code != 0 {
				t.Fatalf("%d, %v: %s", out.code, err, out.stderr)
			}
			asked := map[string]int{}
			for _, call := range p.cloud.Calls()[before:] {
				asked[call.Action]++
			}
			t.Logf("%d of %d environments in %s, asked %v", len(views), n, took, asked)
			if len(views) != tt.want {
				t.Errorf("%d environments, want %d: %s", len(views), tt.want, out.stderr)
			}
			if !slices.IsSortedFunc(views, func(a, b view) int { return strings.Compare(a.Name, b.Name) }) {
				t.Error("they are not sorted")
			}
			if asked["DescribeEnvironments"] != 1 || asked["ListTagsForResource"] > 12 || asked["GetObject"] != len(views) {
				t.Errorf("%d environments took %v", len(views), asked)
			}
			if i := slices.IndexFunc(views, func(v view) bool { return v.Commit != strings.Repeat("b", 40) }); i >= 0 {
				t.Errorf("%s is of commit %s, not of what the ledger says", views[i].Name, views[i].Commit)
			}
		})
	}
}
