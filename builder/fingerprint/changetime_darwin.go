package fingerprint

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime returns when the inode of a file changed.
func changeTime(info fs.FileInfo) time.Time {
	return time.Unix(info.Sys().(*syscall.Stat_t).Ctimespec.Unix())
}
