package lab

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// WatchMemory returns the most memory that the process has had when it ends, in MB. What wait4 tells
// is at least the memory of the process that started it.
func WatchMemory(pid int) (peak int) {
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
