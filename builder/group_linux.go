package builder

import "syscall"

// ownGroup has a child lead a process group, and die with the program.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
