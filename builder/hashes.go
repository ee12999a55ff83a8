package builder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// sumsFormat begins a file of sums and changes with its format.
	sumsFormat = "beansprout sums 1\n"
	// sumsLimit is how many files of a context are remembered: 5 MB of them.
	sumsLimit = 100_000
	// contextsLimit is how many contexts are remembered.
	contextsLimit = 64
	// young is the age up to which a file may be changed once more without a change of
	// its times: some file systems count in steps of 2 s.
	young = 2 * time.Second
)

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

// sumsPath returns the file for a context, or "" for one that the file itself would be part
// of.
func sumsPath(dir string, excludes []string) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir, err = filepath.EvalSymlinks(dir)
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(cache); err == nil {
		cache = real
	}
	cache = filepath.Join(cache, "beansprout", "sums")
	if rel, err := filepath.Rel(dir, cache); err != nil || filepath.IsLocal(rel) {
		return ""
	}
	h := sha256.Sum256([]byte(strings.Join(append([]string{dir}, excludes...), "\x00")))
	return filepath.Join(cache, hex.EncodeToString(h[:16]))
}

// readOwn reads a file that nobody else may have written.
func readOwn(path string) ([]byte, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return nil, fs.ErrPermission
	}
	return io.ReadAll(io.LimitReader(f, int64(len(sumsFormat)+len(sum{})+sumsLimit*recordSize+1)))
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
	b := make([]byte, 0, 7*8+len(name))
	for _, n := range []uint64{stat.Dev, stat.Ino, uint64(stat.Mode), uint64(stat.Size), uint64(stat.Mtim.Nano()), uint64(stat.Ctim.Nano())} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	h := sha256.Sum256(append(b, name...))
	return stamp(h[:len(stamp{})])
}

// save keeps the sums for the next run, if there is anything new. That they can't be kept is
// no reason to fail.
func (s *sums) save() {
	if s.path == "" {
		return
	}
	if len(s.seen) == len(s.known) && s.allKnown() {
		_ = os.Chtimes(s.path, s.start, s.start)
		return
	}
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return
	}
	forget(dir, contextsLimit-1)
	f, err := os.CreateTemp(dir, "new-")
	if err != nil {
		return
	}
	_, err = f.Write(encodeSums(s.seen))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
}

func (s *sums) allKnown() bool {
	for k := range s.seen {
		if _, ok := s.known[k]; !ok {
			return false
		}
	}
	return true
}

// forget removes the files of dir that were not used for longest, until that many are left.
func forget(dir string, keep int) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= keep {
		return
	}
	age := func(e fs.DirEntry) time.Time {
		if info, err := e.Info(); err == nil {
			return info.ModTime()
		}
		return time.Time{}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return age(a).Compare(age(b)) })
	for _, e := range entries[:len(entries)-keep] {
		_ = os.Remove(filepath.Join(dir, e.Name()))
	}
}

const recordSize = len(stamp{}) + len(sum{})

// encodeSums writes the format, the sum of all records, and the records.
func encodeSums(all map[stamp]sum) []byte {
	records := make([]byte, 0, min(len(all), sumsLimit)*recordSize)
	for k, v := range all {
		if len(records) == sumsLimit*recordSize {
			break
		}
		records = append(append(records, k[:]...), v[:]...)
	}
	check := sha256.Sum256(records)
	return slices.Concat([]byte(sumsFormat), check[:], records)
}

var errDamaged = errors.New("damaged")

func decodeSums(content []byte) (map[stamp]sum, error) {
	rest, ok := bytes.CutPrefix(content, []byte(sumsFormat))
	if !ok || len(rest) < len(sum{}) {
		return nil, errDamaged
	}
	check, records := sum(rest[:len(sum{})]), rest[len(sum{}):]
	if len(records)%recordSize != 0 || sha256.Sum256(records) != check {
		return nil, errDamaged
	}
	all := make(map[stamp]sum, len(records)/recordSize)
	for record := range slices.Chunk(records, recordSize) {
		all[stamp(record[:len(stamp{})])] = sum(record[len(stamp{}):])
	}
	return all, nil
}
