// Package lab is what the tests that drive the program share: the binary itself, and a local
// cloud in the test's process against which it runs.
package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"beansprout/test/must"
)

// The variables by which make test hands over the binary to test. Go's test cache knows the
// values of the variables that a test reads, so another binary runs the tests again.
const (
	binaryVariable = "BEANSPROUT_TEST_BINARY"
	sha256Variable = "BEANSPROUT_TEST_BINARY_SHA256"
)

// built is the directory of the binary that provide built, "" where it built none.
var built string

// Main runs the tests of a package, and removes the binary that was built for them. It is the
// whole of a TestMain. Judges look at what the tests have left if these succeed.
func Main(m *testing.M, judges ...func() error) {
	code := m.Run()
	for _, judge := range judges {
		if code != 0 {
			break
		}
		if err := judge(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// Provide puts the program beansprout first in PATH: the one that BEANSPROUT_TEST_BINARY names, or
// else one that it builds, once for a package. A test calls it, because what a TestMain reads does
// not count for Go's test cache.
func Provide(t testing.TB) {
	t.Helper()
	if err := provide(); err != nil {
		t.Fatalf("the binary to test: %v", err)
	}
}

var provide = sync.OnceValue(func() error {
	binary := os.Getenv(binaryVariable)
	err := check(binary)
	if binary == "" {
		binary, err = buildOnce()
	}
	if err != nil {
		return err
	}
	return os.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
})

func buildOnce() (binary string, err error) {
	if built, err = os.MkdirTemp("", "beansprout-test-"); err != nil {
		return "", err
	}
	binary = filepath.Join(built, "beansprout")
	return binary, errors.Join(build(binary), readSources())
}

// check reports an error unless the binary that the variables name can be run by its name and
// has the hash that they say.
func check(binary string) error {
	if !filepath.IsAbs(binary) || filepath.Base(binary) != "beansprout" {
		return fmt.Errorf("%s=%s: it must be the absolute path of a file beansprout", binaryVariable, binary)
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	if got, want := hex.EncodeToString(sum[:]), os.Getenv(sha256Variable); got != want {
		return fmt.Errorf("%s: its SHA-256 is %s, and %s says %q", binary, got, sha256Variable, want)
	}
	return nil
}

// build builds the program without the race detector.
func build(binary string) error {
	out, err := exec.Command("go", "build", "-o", binary, "beansprout/cmd/beansprout").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// readSources looks at each file that the program is built from. Go's test cache knows the
// files of the module that a test looks at, so a change of them runs the tests again.
func readSources() error {
	const each = `{{if not .Standard}}{{if .Module.Main}}{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`
	out, err := exec.Command("go", "list", "-deps", "-f", each, "beansprout/cmd/beansprout").Output()
	if err != nil {
		return fmt.Errorf("list the program's files: %w", err)
	}
	for _, file := range strings.Fields(string(out)) {
		if _, err := os.Stat(file); err != nil {
			return err
		}
	}
	return nil
}

// Build builds the program as it is shipped, by make build, and returns its path.
func Build(t testing.TB) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "beansprout")
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	must.Succeed(t, err)
	out, err := exec.Command("make", "-s", "-C", strings.TrimSpace(string(module)), "build", "BIN="+binary).CombinedOutput()
	if err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	return binary
}
