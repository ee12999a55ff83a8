package localcloud

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	"beansprout/localcloud/fault"
	"beansprout/localcloud/wire"
)

// reserve is how many bytes of the disk are kept free for operations that remove something.
const reserve = 1 << 20

// Room returns an error if nothing can be stored in the directory of a local cloud.
func Room(dir string) error { return room(dir, 0) }

func (c *Cloud) fits(context.Context) error { return Room(c.cfg.Dir) }

// room returns an error if size bytes cannot be stored, and nil if the disk cannot be asked.
func room(dir string, size int64) error {
	var disk syscall.Statfs_t
	if syscall.Statfs(dir, &disk) != nil {
		return nil
	}
	const readOnly = 1 // ST_RDONLY, MNT_RDONLY on macOS
	if disk.Flags&readOnly != 0 {
		return fmt.Errorf("the disk of the local cloud's directory %s can't be written to: %w", dir, syscall.EROFS)
	}
	free := int64(disk.Bavail) * int64(disk.Bsize) // whose type is another one on macOS
	if free >= reserve+max(size, 0) {
		return nil
	}
	return fmt.Errorf("the disk of the local cloud's directory %s is full, %d kB are free: %w", dir, free>>10, syscall.ENOSPC)
}

// removals are prefixes of the actions that free space.
var removals = []string{"Delete", "BatchDelete", "Terminate", "Abort", "DELETE ", "ClearFaults"}

// refuseFull refuses a call that would store something on a full disk, with a status that no client
// retries.
func (c *Cloud) refuseFull(r *http.Request, action string) error {
	if fault.Reads(action) {
		return nil
	}
	for _, prefix := range removals {
		if strings.HasPrefix(action, prefix) {
			return nil
		}
	}
	if err := room(c.cfg.Dir, r.ContentLength); err != nil {
		return &wire.Error{Code: "InsufficientStorage", Message: err.Error(), Status: http.StatusInsufficientStorage}
	}
	return nil
}
