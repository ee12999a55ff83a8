package builder

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// sumsFormat begins a file of sums and changes with its format.
	sumsFormat = "beansprout sums 2\n"
	// sumsLimit is how many states of files of a context are remembered: 6 MB of them.
	sumsLimit = 100_000
	// pastLimit is how many states that are past are kept in any case.
	pastLimit = 1000
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
	return io.ReadAll(io.LimitReader(f, int64(len(sumsFormat)+len(sum{})+len(generation{})+sumsLimit*recordSize+1)))
}

// save keeps the sums for the next run, if there is anything new, and returns the generation
// of the context. That they can't be kept is no reason to fail, but there is no generation
// then. whole says that all files were seen.
func (s *sums) save(whole bool) generation {
	if s.path == "" {
		return generation{}
	}
	if s.generation != (generation{}) && s.allKnown() {
		_ = os.Chtimes(s.path, s.start, s.start)
		return s.generation
	}
	current, all := s.next(whole)
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return generation{}
	}
	forget(dir, contextsLimit-1)
	if err := replace(s.path, encodeSums(current, all)); err != nil {
		return generation{}
	}
	return current
}

// next returns what the next run has to know. The engine may still have any state of the
// generation, however long it is past; a new generation has no past.
func (s *sums) next(whole bool) (generation, map[stamp]state) {
	all := make(map[stamp]state, len(s.seen))
	maps.Copy(all, s.known)
	maps.Copy(all, s.seen)
	past := len(all) - len(s.seen)
	tooMany := whole && past > pastLimit && (past > len(s.seen) || len(all) > sumsLimit)
	if s.generation != (generation{}) && !s.differs && !tooMany {
		return s.generation, all
	}
	var drawn generation
	_, _ = rand.Read(drawn[:])
	return drawn, s.seen
}

func replace(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "new-")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

func (s *sums) allKnown() bool {
	for k, is := range s.seen {
		if was, ok := s.known[k]; !ok || was != is {
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

const recordSize = len(stamp{}) + len(edition{}) + len(sum{})

// encodeSums writes the format, the sum of what follows, the generation, and the records.
func encodeSums(g generation, all map[stamp]state) []byte {
	body := make([]byte, 0, len(g)+min(len(all), sumsLimit)*recordSize)
	body = append(body, g[:]...)
	for k, v := range all {
		if len(body) == len(g)+sumsLimit*recordSize {
			break
		}
		body = append(append(append(body, k[:]...), v.edition[:]...), v.sum[:]...)
	}
	check := sha256.Sum256(body)
	return slices.Concat([]byte(sumsFormat), check[:], body)
}

var errDamaged = errors.New("damaged")

func decodeSums(content []byte) (g generation, all map[stamp]state, err error) {
	rest, ok := bytes.CutPrefix(content, []byte(sumsFormat))
	if !ok || len(rest) < len(sum{})+len(g) {
		return g, nil, errDamaged
	}
	check, body := sum(rest[:len(sum{})]), rest[len(sum{}):]
	records := body[len(g):]
	if len(records)%recordSize != 0 || sha256.Sum256(body) != check {
		return g, nil, errDamaged
	}
	all = make(map[stamp]state, len(records)/recordSize)
	for record := range slices.Chunk(records, recordSize) {
		of, is := record[:len(stamp{})], record[len(stamp{}):]
		all[stamp(of)] = state{edition(is[:len(edition{})]), sum(is[len(edition{}):])}
	}
	return generation(body[:len(g)]), all, nil
}
