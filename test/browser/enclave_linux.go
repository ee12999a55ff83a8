//go:build !race

package browser

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// An enclave is a network that has nothing but a loopback of its own, from which single addresses lead to the machine's. Chromium gives up
// what it loads whenever an interface of its network appears or goes, as those of containers do all the time.
type enclave struct {
	path  string // of the namespace
	tasks chan func()

	mu    sync.Mutex
	doors map[string]net.Listener // by the address
}

// newEnclave makes an enclave. It is gone when its browser has ended and it is closed.
func newEnclave() (*enclave, error) {
	n := &enclave{tasks: make(chan func()), doors: map[string]net.Listener{}}
	made := make(chan error)
	go n.inside(made)
	if err := <-made; err != nil {
		return nil, fmt.Errorf("make a network for the browser: %w", err)
	}
	return n, nil
}

// inside makes the network and runs tasks in it. Its thread is in no other network any more and ends with it.
func (n *enclave) inside(made chan<- error) {
	runtime.LockOSThread()
	err := syscall.Unshare(syscall.CLONE_NEWNET)
	if err == nil {
		err = raiseLoopback()
	}
	n.path = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), syscall.Gettid())
	if made <- err; err != nil {
		return
	}
	for do := range n.tasks {
		do()
	}
}

func raiseLoopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	loopback.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, loopback)
}

// enclose has a command run in the network. A nil enclave encloses nothing.
func (n *enclave) enclose(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if n != nil {
		cmd.Args = slices.Concat([]string{"nsenter", "--net=" + n.path, cmd.Path}, cmd.Args[1:])
		cmd.Path, cmd.Err = exec.LookPath("nsenter")
	}
}

// reach has an address of the machine's loopback answer in the network as well.
func (n *enclave) reach(address string) error {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.doors[address] != nil {
		return nil
	}
	var err error
	done := make(chan struct{})
	n.tasks <- func() {
		n.doors[address], err = net.Listen("tcp4", address)
		close(done)
	}
	if <-done; err != nil {
		delete(n.doors, address)
		return fmt.Errorf("let the browser reach %s: %w", address, err)
	}
	go forward(n.doors[address], address)
	return nil
}

// forward connects each connection with the machine's address, until the listener is closed.
func forward(l net.Listener, address string) {
	for {
		inner, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer inner.Close()
			outer, err := net.Dial("tcp4", address)
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(outer, inner)
				outer.Close() // the browser has left
			}()
			_, _ = io.Copy(inner, outer)
			outer.Close()
		}()
	}
}

func (n *enclave) close() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.doors {
		l.Close()
	}
	close(n.tasks)
}
