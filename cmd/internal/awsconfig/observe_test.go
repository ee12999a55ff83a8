package awsconfig

import (
	"context"
	"sync"
	"testing"

	"beansprout/envs"
	"beansprout/localcloud"
	"beansprout/localcloud/fault"
)

func TestEachCallIsTold(t *testing.T) {
	rule, err := fault.Parse("elasticbeanstalk:DescribeEnvironments:throttle:count=2")
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: t.TempDir(), Faults: []fault.Rule{rule}})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close(context.Background())
	key, secret := cloud.Credentials()
	cfg := Local(localcloud.Running{Endpoint: cloud.Endpoint(), Key: key, Secret: secret}, "us-east-1")
	var mu sync.Mutex
	calls := map[Call]int{}
	Observe(&cfg, func(c Call) {
		mu.Lock()
		defer mu.Unlock()
		if c.Took <= 0 {
			t.Errorf("%s took %v", c.Operation, c.Took)
		}
		c.Took = 0
		calls[c]++
	})
	m, err := envs.New(t.Context(), cfg, envs.Config{Application: "shop"})
	if err == nil {
		_, err = m.List(t.Context(), envs.Filter{})
	}
	if err == nil {
		err = m.NoteSweep(t.Context(), envs.LastSweep{Environments: 1})
	}
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for call, want := range map[Call]int{
		{Service: "Elastic Beanstalk", Operation: "DescribeEnvironments"}:                                1,
		{Service: "Elastic Beanstalk", Operation: "DescribeEnvironments", Failed: true, Throttled: true}: 2,
		{Service: "STS", Operation: "GetCallerIdentity"}:                                                 1,
		{Service: "S3", Operation: "PutObject"}:                                                          1,
	} {
		if calls[call] != want {
			t.Errorf("%+v was told %d times, want %d; all: %v", call, calls[call], want, calls)
		}
	}
}
