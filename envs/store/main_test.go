package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud"
	"beansprout/test/must"
)

// TestMain is also the entry point of the processes that the tests start.
func TestMain(m *testing.M) {
	if role := os.Getenv("STORE_ROLE"); role != "" {
		if err := play(role); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func play(role string) error {
	ctx := context.Background()
	l, err := connect(ctx, os.Getenv("STORE_ENDPOINT"), os.Getenv("STORE_KEY"), os.Getenv("STORE_SECRET"))
	if err != nil {
		return err
	}
	switch role {
	case "sleeper":
		return sleeper(ctx, brief(l))
	case "holder":
		return holder(ctx, l)
	case "crowd":
		spans, err := crowd(ctx, crowded(l), 5)
		for _, s := range spans {
			fmt.Println("span", s.from.UnixNano(), s.to.UnixNano(), s.counter)
		}
		return err
	}
	return fmt.Errorf("no role is called %q", role)
}

// holder keeps a lease of a minute until it is killed.
func holder(ctx context.Context, l *Store) error {
	if _, _, err := l.Take(ctx, "shop-x", LeaseRequest{Verb: "holder"}, nil); err != nil {
		return err
	}
	fmt.Println("taken")
	select {}
}

// sleeper works under a lease until it is lost, and prints that.
func sleeper(ctx context.Context, l *Store) error {
	h, _, err := l.Take(ctx, "shop-x", LeaseRequest{Verb: "sleeper"}, nil)
	if err != nil {
		return err
	}
	leased, stop := h.Context(ctx)
	defer stop()
	fmt.Println("taken")
	for {
		if err := h.Ensure(ctx); errors.Is(err, ErrLost) {
			break
		} else if err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("lost")
	<-leased.Done()
	if err := context.Cause(leased); !errors.Is(err, ErrLost) {
		return fmt.Errorf("the context ended with %w", err)
	}
	fmt.Println("ended")
	return nil
}

// process is a process that plays a role on the cloud.
type process struct {
	*exec.Cmd
	lines *bufio.Scanner
}

func start(t *testing.T, cloud *localcloud.Cloud, role string) process {
	t.Helper()
	key, secret := cloud.Credentials()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_ROLE="+role, "STORE_ENDPOINT="+cloud.Endpoint(), "STORE_KEY="+key, "STORE_SECRET="+secret)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must.Succeed(t, err)
	must.Succeed(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return process{cmd, bufio.NewScanner(out)}
}

// expect reads the next line that the process prints.
func (p process) expect(t *testing.T, want string) {
	t.Helper()
	if !p.lines.Scan() || strings.TrimSpace(p.lines.Text()) != want {
		t.Fatalf("the process said %q, want %q", p.lines.Text(), want)
	}
}
