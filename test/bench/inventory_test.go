package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"beansprout/envs"
	"beansprout/envs/store"
)

// inventoryCrowd is how many environments the inventory has.
const inventoryCrowd = 1000

// BenchmarkInventory reads the environments as a board does every few seconds, when some records were written
// since.
func BenchmarkInventory(b *testing.B) {
	e := newEstate(b, inventoryCrowd, 0)
	m, err := envs.New(b.Context(), e.config(), envs.Config{Application: "shop", Repository: envs.Repository{Unused: true}, Days: envs.Days{TTL: 5 * 24 * time.Hour}})
	if err != nil {
		b.Fatal(err)
	}
	out, err := elasticbeanstalk.NewFromConfig(e.config()).CreateStorageLocation(b.Context(), &elasticbeanstalk.CreateStorageLocationInput{})
	if err != nil {
		b.Fatal(err)
	}
	records, inventory := store.New(s3.NewFromConfig(e.config()), aws.ToString(out.S3Bucket)), m.Inventory()
	s, err := inventory.Read(b.Context())
	if err != nil || len(s.Environments) != inventoryCrowd {
		b.Fatalf("%d environments, %v, %q", len(s.Environments), err, s.Warnings)
	}
	for _, changes := range []int{0, 1, 100} {
		b.Run(fmt.Sprint(changes, "-changes"), func(b *testing.B) {
			before, calls := 0, 0
			for b.Loop() {
				b.StopTimer()
				if err := deployAll(b, records, s.Environments[:changes]); err != nil {
					b.Fatal(err)
				}
				before = len(e.cloud.Calls())
				b.StartTimer()
				if s, err = inventory.Read(b.Context()); err != nil || len(s.Warnings) > 0 {
					b.Fatalf("%v, %q", err, s.Warnings)
				}
				calls = len(e.cloud.Calls()) - before
			}
			b.ReportMetric(float64(calls), "calls/op")
		})
	}
}

// deployAll notes a deploy in the records of environments, whose histories are as long as they get.
func deployAll(b *testing.B, records *store.Store, all []envs.Environment) error {
	g, ctx := errgroup.WithContext(b.Context())
	g.SetLimit(16)
	for _, e := range all {
		g.Go(func() error {
			_, err := records.Change(ctx, e.Name, func(r *store.Record) {
				for len(r.History) < 50 {
					r.Note(store.Happening{What: "deployed", By: "build 7", Text: "commit 1a2b3c4 by Kim: " + strings.Repeat("work ", 20), Build: "https://ci.example.com/shop/7"})
				}
				r.RequestNumber++
			})
			return err
		})
	}
	return g.Wait()
}
