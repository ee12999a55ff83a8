// Package must does in a test what has to succeed, and ends the test where it doesn't.
package must

import (
	"os"
	"path/filepath"
	"time"
)

// T is a test.
type T interface {
	Helper()
	Fatal(args ...any)
}

// Succeed ends the test if err is not nil.
func Succeed(t T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// waitLimit is how long Wait waits: what comes at all comes by then, however busy the machine is.
const waitLimit = 5 * time.Minute

// Wait waits until something holds, and ends the test where it never does.
func Wait(t T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(waitLimit); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

// Read returns the text of a file.
func Read(t T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	Succeed(t, err)
	return string(text)
}

// Write writes a file, and makes the directories that it needs.
func Write(t T, path, text string) {
	t.Helper()
	Succeed(t, os.MkdirAll(filepath.Dir(path), 0o755))
	Succeed(t, os.WriteFile(path, []byte(text), 0o755))
}
