package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud"
)

// maxMemory is how much up may need at its peak, in MB, however large a context is.
const maxMemory = 100

// TestALargeContextNeedsLittleMemory runs the binary as it is shipped: the race detector would
// need more.
func TestALargeContextNeedsLittleMemory(t *testing.T) {
	needEngine(t)
	size := int64(128 << 20)
	if soak() {
		size = 1 << 30
	}
	l := newLab(t, localcloud.Config{})
	l.write("web/Dockerfile", "FROM scratch\nCOPY . /all\n")
	if err := os.Truncate(l.large(), size); err != nil {
		t.Fatal(err)
	}
	cmd := l.command(l.up("--json"))
	cmd.Path = compile(t)
	var peak int
	r := l.run(cmd, func(p *os.Process) { peak = watchMemory(p.Pid) })
	var made struct{ Images []struct{ BytesSent int64 } }
	if err := json.Unmarshal([]byte(r.stdout), &made); r.code != 0 || err != nil || made.Images[0].BytesSent < size {
		t.Fatalf("%v", r)
	}
	t.Logf("%d MB for a context of %d MB", peak, size>>20)
	if peak == 0 || peak > maxMemory {
		t.Errorf("it needed %d MB, want at most %d", peak, maxMemory)
	}
}

// large makes an empty file in the image's context.
func (l *lab) large() string {
	l.Helper()
	l.write("web/large", "")
	return filepath.Join(l.dir, "web", "large")
}

func compile(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "beansprout")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// watchMemory returns the most memory that the process has had when it ends, in MB.
func watchMemory(pid int) (peak int) {
	for {
		status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
		_, value, found := strings.Cut(string(status), "\nVmHWM:")
		if err != nil || !found { // a process that has ended has none
			return peak
		}
		kilobytes, _ := strconv.Atoi(strings.Fields(value)[0])
		peak = max(peak, kilobytes>>10)
		time.Sleep(20 * time.Millisecond)
	}
}
