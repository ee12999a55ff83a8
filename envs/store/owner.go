package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// LeaseOwner is the lease in a record: which process may change the environment.
type LeaseOwner struct {
	Holder        string    `json:"holder"`            // random
	Host          string    `json:"host,omitempty"`    // the system on which PID is unique
	PID           int       `json:"pid,omitempty"`     // of the holder's process
	Started       string    `json:"started,omitempty"` // when that process started
	Verb          string    `json:"verb,omitempty"`
	By            string    `json:"by,omitempty"`
	RequestNumber int64     `json:"ticket,omitempty"`
	Since         time.Time `json:"since,omitzero"` // by S3's clock, as is Renewed
	Renewed       time.Time `json:"renewed"`
}

// precision is the precision of the dates in S3's answers.
const precision = time.Second

// expired reports whether a lease has expired at now, by S3's clock. modified is when its record
// was last written; a later date in the lease is not trusted. alive reports whether the owner's
// process is running, as far as that is known.
func expired(h LeaseOwner, duration time.Duration, now, modified time.Time, alive func(LeaseOwner) (known, alive bool)) bool {
	renewed := h.Renewed
	if modified.Before(renewed) {
		renewed = modified
	}
	if now.Sub(renewed) >= duration+precision {
		return true
	}
	known, lives := alive(h)
	return known && !lives
}

func (h *LeaseOwner) describe() string { return fmt.Sprintf("%q of %q", h.Verb, h.By) }

// thisHost identifies the system on which process ids are unique: one boot of a kernel and one
// namespace of processes. It is empty when the system doesn't provide them.
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

// alive reports whether the owner's process is running. That is known only on its host.
func alive(h LeaseOwner) (known, alive bool) {
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

// startOf returns when a process started, in the kernel's ticks since the boot (proc(5),
// /proc/pid/stat, field 22), by which it differs from later processes with its id. It is "" for
// a process that has ended but whose parent hasn't waited for it yet.
func startOf(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The program's name, in parentheses, may contain any characters.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return "", fmt.Errorf("read /proc/%d/stat: %q", pid, stat)
	}
	if state := fields[0][0]; state == 'Z' || state == 'X' {
		return "", nil
	}
	return string(fields[19]), nil
}
