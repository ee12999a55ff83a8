package faults

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

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
	r := l.Run(cmd, func(p *os.Process) { peak = lab.WatchMemory(p.Pid) })
	var made struct{ Images []struct{ BytesSent int64 } }
	if err := json.Unmarshal([]byte(r.Stdout), &made); r.Code != 0 || err != nil || made.Images[0].BytesSent < size {
		t.Fatalf("%v", r)
	}
	t.Logf("%d MB for a context of %d MB", peak, size>>20)
	if peak == 0 || peak > maxMemory {
		t.Errorf("it needed %d MB, want at most %d", peak, maxMemory)
	}
}
