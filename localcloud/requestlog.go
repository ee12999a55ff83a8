package localcloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"beansprout/localcloud/fault"
)

const (
	requestFile = "requests.log"
	oldRequests = requestFile + ".1"
	maxLog      = 10 << 20 // bytes; a longer file is moved aside
	maxEntries  = 10_000
)

// Entry is one answered request.
type Entry struct {
	Time    time.Time  `json:"time"`
	Service string     `json:"service"` // elasticbeanstalk, ecr, s3, sts, iam, servicequotas, ec2, autoscaling, elasticloadbalancing, registry
	Action  string     `json:"action"`  // DescribeEnvironments; method and path at the registry
	Status  int        `json:"status"`  // 0: the connection was cut before a whole answer
	Region  string     `json:"region,omitempty"`
	ID      string     `json:"id"`
	Millis  int64      `json:"ms"`
	Agent   string     `json:"agent,omitempty"` // the application that the client's user agent names
	Fault   fault.Kind `json:"fault,omitempty"` // the injected fault
}

// requestLog writes one line of JSON per request and keeps the newest ones in memory.
type requestLog struct {
	mu     sync.Mutex
	dir    string
	file   *os.File
	size   int64
	newest []Entry
}

func openRequestLog(dir string) (*requestLog, error) {
	l := &requestLog{dir: dir}
	return l, l.open()
}

func (l *requestLog) open() error {
	f, err := os.OpenFile(filepath.Join(l.dir, requestFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the request log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("open the request log: %w", err), f.Close())
	}
	l.file, l.size = f, info.Size()
	return nil
}

// add logs a request. A log that cannot be written must not fail the request: the caller logs the
// error.
func (l *requestLog) add(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write the request log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newest = append(l.newest, e); len(l.newest) >= 2*maxEntries {
		l.newest = slices.Clone(l.newest[maxEntries:])
	}
	if l.size >= maxLog {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	n, err := l.file.Write(append(line, '\n'))
	l.size += int64(n)
	return err
}

func (l *requestLog) rotate() error {
	err := errors.Join(l.file.Close(), os.Rename(filepath.Join(l.dir, requestFile), filepath.Join(l.dir, oldRequests)))
	return errors.Join(err, l.open())
}

func (l *requestLog) entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.newest[max(0, len(l.newest)-maxEntries):])
}

func (l *requestLog) close() error { return l.file.Close() }
