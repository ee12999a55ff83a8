package faults

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// maxMemory is how much up may need at its peak, in MB, however large a context is.
const maxMemory = 100

// TestALargeContextNeedsLittleMemory runs the binary as it is shipped: the race detector would
// need more.
func TestALargeContextNeedsLittleMemory(t *testing.T) {
	lab.NeedEngine(t)
	size := int64(128 << 20)
	if lab.Soak() {
		size = 1 << 30
	}
	l := lab.New(t, localcloud.Config{})
	l.Write("web/Dockerfile", "FROM scratch\nCOPY . /all\n")
	l.Write("web/large", "")
	must.Succeed(t, os.Truncate(filepath.Join(l.Dir, "web", "large"), size))
	cmd := l.Command(l.Up("--json"))
	cmd.Path = lab.Build(t)
	var peak int
	r := l.Run(cmd, func(p *os.Process) { peak = watchMemory(p.Pid) })
	var made struct{ Images []struct{ BytesSent int64 } }
	if err := json.Unmarshal([]byte(r.Stdout), &made); r.Code != 0 || err != nil || made.Images[0].BytesSent < size {
		t.Fatalf("%v", r)
	}
	t.Logf("%d MB for a context of %d MB", peak, size>>20)
	if peak == 0 || peak > maxMemory {
		t.Errorf("it needed %d MB, want at most %d", peak, maxMemory)
	}
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
