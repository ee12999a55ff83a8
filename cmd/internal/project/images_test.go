package project

import (
	"errors"
	"maps"
	"os"
	"testing"

	"beansprout/builder"
	"beansprout/cmd/internal/project/config"
)

func TestAnArgumentWithoutAValueHasTheEnvironments(t *testing.T) {
	t.Setenv("BEANSPROUT_TEST_SHA", "1a2b3c4")
	t.Setenv("BEANSPROUT_TEST_EMPTY", "")
	image := config.Image{
		Args:    map[string]string{"VERSION": "1"},
		EnvArgs: []string{"BEANSPROUT_TEST_SHA", "BEANSPROUT_TEST_EMPTY", "BEANSPROUT_TEST_UNSET"},
	}
	want := map[string]string{"VERSION": "1", "BEANSPROUT_TEST_SHA": "1a2b3c4", "BEANSPROUT_TEST_EMPTY": ""}
	p := &Project{env: os.LookupEnv}
	if got := p.arguments(image); !maps.Equal(got, want) {
		t.Errorf("arguments = %q, want %q", got, want)
	}
	if len(image.Args) != 1 {
		t.Errorf("the configuration has become %q", image.Args)
	}
}

// TestAnEngineElsewhereIsRefusedBeforeABuild has the engine look for a local cloud at a port where
// it finds none, as one with another loopback would.
func TestAnEngineElsewhereIsRefusedBeforeABuild(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a Docker Engine")
	}
	engine, err := builder.Connect(t.Context())
	if err != nil {
		t.Fatalf("this test needs a Docker Engine: %v", err)
	}
	defer engine.Close()
	p := &Project{engine: engine}
	if err := p.CheckReach(t.Context(), "127.0.0.1:9"); !errors.Is(err, builder.ErrOtherLoopback) {
		t.Errorf("error = %v", err)
	}
}
