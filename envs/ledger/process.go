package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
)

// thisHost names what process ids are unique in: one boot of a kernel, and the namespace
// of the processes. It is empty where the system doesn't tell.
var thisHost = sync.OnceValue(func() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + namespace
})

// alive says whether the holder's process runs, where that is known: on this host.
func alive(h Held) (known, alive bool) {
	if h.Host == "" || h.Host != thisHost() || h.PID <= 0 {
		return false, false
	}
	process, err := os.FindProcess(h.PID)
	if err != nil {
		return false, false
	}
	if err := process.Signal(syscall.Signal(0)); errors.Is(err, os.ErrProcessDone) {
		return true, false
	}
	began, err := startOf(h.PID)
	return err == nil, began == h.Started && began != ""
}

// startOf tells a process from a later one of the same id: when it began, in the kernel's
// ticks since the boot (proc(5), /proc/pid/stat, field 22). It is "" of one that has ended
// and whose parent hasn't noticed yet.
func startOf(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The program's name, in parentheses, may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return "", fmt.Errorf("read /proc/%d/stat: %q", pid, stat)
	}
	if state := fields[0][0]; state == 'Z' || state == 'X' {
		return "", nil
	}
	return string(fields[19]), nil
}
