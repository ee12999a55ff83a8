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

// stamp is what BuildKit tells the states of a file apart by: path, mode, size and the time of
// modification. One may stand for several contents.
type stamp [16]byte

// edition is a file's inode and when that changed; with the same stamp it is one content.
type edition [16]byte

// state is what a file with some stamp was found to be.
type state struct {
	edition edition // zero when another content may have the same
	sum     sum
}

// generation names what the engine keeps of a context. While it lasts, no stamp has been seen
// with two contents. Zero is none: nothing is remembered.
type generation [8]byte

// sums hashes files, and remembers from one run to the next what the hashes were.
type sums struct {
	path  string // where they are kept; "" is nowhere
	start time.Time
	known map[stamp]state
	generation
	mu      sync.Mutex
	seen    map[stamp]state
	differs bool // a stamp has another content than before
}

// openSums returns what is remembered of the files in dir that the patterns leave. What is
// not there, foreign or damaged is as good as nothing.
func openSums(dir string, excludes []string, now time.Time) *sums {
	s := &sums{start: now, seen: map[stamp]state{}}
	s.path = sumsPath(dir, excludes)
	if s.path == "" {
		return s
	}
	if content, err := readOwn(s.path); err == nil {
		s.generation, s.known, _ = decodeSums(content)
	}
	return s
}

// of returns the sum of the file at path, which is called name in the context.
func (s *sums) of(ctx context.Context, path, name string) (sum, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return sum{}, err
	}
	before, is := stampOf(name, info), state{edition: editionOf(info)}
	if known := s.known[before]; known.edition == is.edition {
		s.remember(before, known)
		return known.sum, nil
	}
	f, err := openFile(path)
	if err != nil {
		return sum{}, err
	}
	defer f.Close()
	if is.sum, err = sumOf(ctx, f); err != nil {
		return sum{}, err
	}
	if info, err = f.Stat(); err == nil && stampOf(name, info) == before {
		if editionOf(info) != is.edition || !s.settled(info) {
			is.edition = edition{}
		}
		s.remember(before, is)
	}
	return is.sum, nil
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

func (s *sums) remember(of stamp, is state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was, ok := s.known[of]; ok && was.sum != is.sum {
		s.differs = true
	}
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
	b := make([]byte, 0, 3*8+len(name))
	for _, n := range []uint64{uint64(stat.Mode), uint64(stat.Size), uint64(stat.Mtim.Nano())} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	h := sha256.Sum256(append(b, name...))
	return stamp(h[:len(stamp{})])
}

func editionOf(info fs.FileInfo) (e edition) {
	stat := info.Sys().(*syscall.Stat_t)
	binary.LittleEndian.PutUint64(e[:8], stat.Ino)
	binary.LittleEndian.PutUint64(e[8:], uint64(stat.Ctim.Nano()))
	return e
}
