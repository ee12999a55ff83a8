package engine

import (
	"strings"
	"testing"
)

func TestTailHasAHeaderAndTheLastLinesOfEachContainer(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	if tail, failed, err := e.Tail(t.Context(), "e-abcdefghij", 10); tail != "" || failed != "" || err != nil {
		t.Errorf("Tail of nothing = %q, %q, %v", tail, failed, err)
	}
	job := object{"name": "job", "image": testImage, "memory": 8, "essential": false, "command": []string{"exit=0"}}
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil), job)); err != nil {
		t.Fatal(err)
	}
	tail, _, err := e.Tail(t.Context(), "e-abcdefghij", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"==> job <==\n", "about to give up\n", "cannot reach the \x1b[31mdatabase\x1b[0m\n", "==> web <==\nlistening on :8080\n"} {
		if !strings.Contains(tail, want) {
			t.Errorf("Tail = %q, want %q in it", tail, want)
		}
	}
	one, _, err := e.Tail(t.Context(), "e-abcdefghij", 1)
	if err != nil || strings.Count(one, "\n") != 4 {
		t.Errorf("Tail of one line each = %q, %v", one, err)
	}
}

func TestFailedLogIsForgottenWhenTheNextDeploymentRuns(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	good := func() Deployment { return deploymentWith(t, "v1", web(nil)) }
	bad := func() Deployment { return deploymentWith(t, "v2", web(object{"command": []string{"exit=1"}})) }
	for _, next := range []string{"another process adopts", "the same process rolls back"} {
		if err := e.Deploy(t.Context(), good()); err != nil {
			t.Fatal(err)
		}
		if err := e.Deploy(t.Context(), bad()); err == nil {
			t.Fatal("a container that exits was deployed")
		}
		from, kept := e, false
		if next == "another process adopts" {
			from, kept = killed(t, e), true
		}
		if err := from.Deploy(t.Context(), good()); err != nil {
			t.Fatal(err)
		}
		_, tail, err := from.Tail(t.Context(), "e-abcdefghij", 10)
		if err != nil || strings.Contains(tail, "give up") != kept {
			t.Errorf("%s: Tail = %q, %v, want the failed one's: %t", next, tail, err, kept)
		}
	}
}

func TestLastBytesKeepsTheEnd(t *testing.T) {
	b := lastBytes{limit: 10}
	for range 1000 {
		if n, err := b.Write([]byte("0123456789abc")); n != 13 || err != nil {
			t.Fatal(n, err)
		}
		if len(b.kept) > 20+13 {
			t.Fatalf("kept %d bytes", len(b.kept))
		}
	}
	if got := string(b.kept); !strings.HasSuffix(got, "789abc") || len(got) < 10 {
		t.Errorf("kept %q", got)
	}
}
