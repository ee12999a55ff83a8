package builder

import "syscall"

// ownGroup has a child lead a process group. macOS can't make it die with the program.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
