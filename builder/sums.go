package builder

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"
)

// young is the age up to which a file may be changed once more without a change of its times:
// some file systems count in steps of 2 s.
const young = 2 * time.Second

// sum is the SHA-256 of what a file holds.
type sum [sha256.Size]byte

// stamp identifies one state of one file of a context: path, inode, mode, size and times.
type stamp [16]byte

// sums hashes files, and remembers from one run to the next what the hashes were.
type sums struct {
	path  string // where they are kept; "" is nowhere
	start time.Time
	known map[stamp]sum
	mu    sync.Mutex
	seen  map[stamp]sum
}

// openSums returns what is remembered of the files in dir that the patterns leave. What is
// not there, foreign or damaged is as good as nothing.
func openSums(dir string, excludes []string, now time.Time) *sums {
	s := &sums{start: now, seen: map[stamp]sum{}}
	s.path = sumsPath(dir, excludes)
	if s.path == "" {
		return s
	}
	if content, err := readOwn(s.path); err == nil {
		s.known, _ = decodeSums(content)
	}
	return s
}

// of returns the sum of the file at path, which is called name in the context.
func (s *sums) of(ctx context.Context, path, name string) (sum, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return sum{}, err
	}
	before := stampOf(name, info)
	if known, ok := s.known[before]; ok {
		s.remember(before, known)
		return known, nil
	}
	f, err := openFile(path)
	if err != nil {
		return sum{}, err
	}
	defer f.Close()
	result, err := sumOf(ctx, f)
	if err != nil {
		return sum{}, err
	}
	if info, err = f.Stat(); err == nil && stampOf(name, info) == before && s.settled(info) {
		s.remember(before, result)
	}
	return result, nil
}

var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func sumOf(ctx context.Context, r io.Reader) (sum, error) {
	buffer := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buffer)
	h := sha256.New()
	_, err := io.CopyBuffer(h, patient{ctx, r}, buffer[:])
	return sum(h.Sum(nil)), err
}

// patient reads until ctx ends.
type patient struct {
	ctx context.Context
	io.Reader
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.Reader.Read(b)
}

func (s *sums) remember(of stamp, is sum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[of] = is
}

// settled says whether a later change of the file will show in its times.
func (s *sums) settled(info fs.FileInfo) bool {
	limit := s.start.Add(-young)
	return info.ModTime().Before(limit) && changeTime(info).Before(limit)
}

func changeTime(info fs.FileInfo) time.Time {
	return time.Unix(info.Sys().(*syscall.Stat_t).Ctim.Unix())
}

func stampOf(name string, info fs.FileInfo) stamp {
	stat := info.Sys().(*syscall.Stat_t)
	b := make([]byte, 0, 5*8+len(name))
	for _, n := range []uint64{stat.Ino, uint64(stat.Mode), uint64(stat.Size), uint64(stat.Mtim.Nano()), uint64(stat.Ctim.Nano())} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	h := sha256.Sum256(append(b, name...))
	return stamp(h[:len(stamp{})])
}
