package proof

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	registry "github.com/google/go-containerregistry/pkg/v1/remote"
)

// sampling is how many bytes are allocated between two samples of what is in use.
const sampling = 2048

// sample begins to sample, until the end of the test.
func (m *month) sample() {
	was := runtime.MemProfileRate
	runtime.MemProfileRate = sampling
	m.Cleanup(func() { runtime.MemProfileRate = was })
}

// size is what a process uses.
type size struct {
	bytes             map[string]int64 // by the function of ours that has allocated them
	goroutines, files int
}

func (s size) String() string {
	return fmt.Sprintf("%d bytes, %d goroutines, %d files", s.total(), s.goroutines, s.files)
}

func (s size) total() (sum int64) {
	for _, n := range s.bytes {
		sum += n
	}
	return sum
}

// size returns what this process uses while nothing happens.
func (m *month) size() size {
	m.Helper()
	least := size{nil, math.MaxInt, math.MaxInt}
	for range 40 { // connections take a while to end
		for _, t := range []http.RoundTripper{m.wire.transport, http.DefaultTransport, registry.DefaultTransport} {
			t.(*http.Transport).CloseIdleConnections()
		}
		time.Sleep(50 * time.Millisecond)
		least.goroutines, least.files = min(least.goroutines, runtime.NumGoroutine()), min(least.files, len(m.open()))
	}
	least.bytes = inUse()
	return least
}

// open returns what this process has open, but for the cloud's files.
func (m *month) open() (targets []string) {
	m.Helper()
	const dir = "/proc/self/fd"
	files, err := os.ReadDir(dir)
	if err != nil {
		m.Fatal(err)
	}
	for _, f := range files {
		target, err := os.Readlink(filepath.Join(dir, f.Name()))
		if err == nil && !strings.HasPrefix(target, m.dir) {
			targets = append(targets, target)
		}
	}
	return targets
}

// checkSize wants the process to use no more than before, but for some noise: what libraries remember
// of what they did for the first time, and errors of the sample.
func (m *month) checkSize(before size, noise int64) {
	m.Helper()
	now := m.size()
	for range 30 { // what has just been told to end may take its time
		if now.goroutines <= before.goroutines && now.files <= before.files {
			break
		}
		now = m.size()
	}
	m.Logf("in use at first: %v; at last: %v", before, now)
	if now.total() > before.total()+noise {
		for f, n := range now.bytes {
			if more := n - before.bytes[f]; more > noise/16 {
				m.Logf("%7d bytes more of %s", more, f)
			}
		}
		m.Error("memory grows")
	}
	if now.goroutines > before.goroutines || now.files > before.files {
		m.Errorf("goroutines or files are left behind: %q", m.open())
	}
}

// inUse estimates how many bytes are in use that our code has allocated.
func inUse() map[string]int64 {
	for range 3 { // the profile is two collections old
		runtime.GC()
	}
	n, ok := runtime.MemProfile(nil, false)
	var all []runtime.MemProfileRecord
	for !ok {
		all = make([]runtime.MemProfileRecord, n+100)
		n, ok = runtime.MemProfile(all, false)
	}
	total := map[string]int64{}
	for _, r := range all[:n] {
		if objects := r.InUseObjects(); objects > 0 {
			average := float64(r.InUseBytes()) / float64(objects)
			total[allocator(r.Stack())] += int64(float64(r.InUseBytes()) / (1 - math.Exp(-average/sampling)))
		}
	}
	delete(total, "")
	return total
}

// allocator returns the function of the product that has allocated something, by the stack at that
// time, "" where it was none.
func allocator(stack []uintptr) (function string) {
	for frames := runtime.CallersFrames(stack); ; {
		frame, more := frames.Next()
		for _, other := range []string{"beansprout/localcloud", "beansprout/notify/notifytest", "net/http.(*conn).serve"} {
			if strings.HasPrefix(frame.Function, other) {
				return ""
			}
		}
		if function == "" && strings.HasPrefix(frame.Function, "beansprout/test/") {
			return "" // what the test remembers of a call that passes through it
		}
		for _, product := range []string{"beansprout/daemon", "beansprout/janitor", "beansprout/envs", "beansprout/notify"} {
			if function == "" && strings.HasPrefix(frame.Function, product) {
				function = frame.Function
			}
		}
		if !more {
			return function
		}
	}
}
