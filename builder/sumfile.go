package builder

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
)

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
