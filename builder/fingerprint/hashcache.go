package fingerprint

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// timestampGranularity is the age below which a file can change again without a change of its
// times: some file systems count in steps of 2 s.
const timestampGranularity = 2 * time.Second

// contentHash is the SHA-256 of a file's content.
type contentHash [sha256.Size]byte

// stamp is a hash of what BuildKit compares to find changed files: path, mode, size and time of
// modification. Different contents can have the same stamp.
type stamp [16]byte

// inodeState is the number of a file's inode and the time when that changed. Files with the same
// stamp and inodeState have the same content.
type inodeState [16]byte

// entry is what the cache knows of the file with a stamp.
type entry struct {
	inode inodeState // zero if the file was too young to trust its times
	hash  contentHash
}

// Generation names the copy of a context that the engine keeps. Within one generation no stamp has
// had two contents, so the engine can go by stamps. It is zero if no hash cache can be kept.
type Generation [8]byte

// hashCache hashes the files of a context and keeps the hashes for the next run.
type hashCache struct {
	path       string // of the file that keeps them; "" keeps none
	start      time.Time
	known      map[stamp]entry
	generation Generation
	mu         sync.Mutex
	seen       map[stamp]entry
	replaced   bool // a stamp has a new content
}

// openHashCache returns the hash cache of a context. It is empty if its file is missing, damaged or
// written by another user.
func openHashCache(dir string, excludes []string, now time.Time) *hashCache {
	c := &hashCache{start: now, seen: map[stamp]entry{}}
	c.path = hashCachePath(dir, excludes)
	if c.path == "" {
		return c
	}
	if content, err := readOwn(c.path); err == nil {
		c.generation, c.known, _ = decodeHashes(content)
	}
	return c
}

// hash returns the hash of the file at path, whose path in the context is name.
func (c *hashCache) hash(ctx context.Context, path, name string) (contentHash, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return contentHash{}, err
	}
	before, is := stampOf(name, info), entry{inode: inodeStateOf(info)}
	if known := c.known[before]; known.inode == is.inode {
		c.remember(before, known)
		return known.hash, nil
	}
	f, err := openFile(path)
	if err != nil {
		return contentHash{}, err
	}
	defer f.Close()
	if is.hash, err = hashOf(ctx, f); err != nil {
		return contentHash{}, err
	}
	if info, err = f.Stat(); err == nil && stampOf(name, info) == before {
		if inodeStateOf(info) != is.inode || !c.settled(info) {
			is.inode = inodeState{}
		}
		c.remember(before, is)
	}
	return is.hash, nil
}

var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

func hashOf(ctx context.Context, r io.Reader) (contentHash, error) {
	buffer := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buffer)
	h := sha256.New()
	_, err := io.CopyBuffer(h, contextReader{ctx, r}, buffer[:])
	return contentHash(h.Sum(nil)), err
}

// contextReader reads until ctx ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

func (c *hashCache) remember(key stamp, is entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if was, ok := c.known[key]; ok && was.hash != is.hash {
		c.replaced = true
	}
	c.seen[key] = is
}

// settled reports whether each later change of the file will change its times.
func (c *hashCache) settled(info fs.FileInfo) bool {
	limit := c.start.Add(-timestampGranularity)
	return info.ModTime().Before(limit) && changeTime(info).Before(limit)
}

func stampOf(name string, info fs.FileInfo) stamp {
	stat := info.Sys().(*syscall.Stat_t)
	b := make([]byte, 0, 3*8+len(name))
	for _, n := range []uint64{uint64(stat.Mode), uint64(stat.Size), uint64(info.ModTime().UnixNano())} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	h := sha256.Sum256(append(b, name...))
	return stamp(h[:len(stamp{})])
}

func inodeStateOf(info fs.FileInfo) (e inodeState) {
	stat := info.Sys().(*syscall.Stat_t)
	binary.LittleEndian.PutUint64(e[:8], stat.Ino)
	binary.LittleEndian.PutUint64(e[8:], uint64(changeTime(info).UnixNano()))
	return e
}

const (
	// cacheFormat is the first line of a cache's file. It must change with the format.
	cacheFormat = "beansprout sums 2\n"
	// entryLimit is the number of entries kept for a context, which take 6 MB.
	entryLimit = 100_000
	// pastEntryLimit is the number of entries without a file that are always kept.
	pastEntryLimit = 1000
	// contextLimit is the number of contexts that have a cache.
	contextLimit = 64
)

// hashCachePath returns the path of a context's cache. It is "" if the cache would be part of the
// context.
func hashCachePath(dir string, excludes []string) string {
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

// readOwn reads a file that only this user can write.
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
	return io.ReadAll(io.LimitReader(f, int64(len(cacheFormat)+len(contentHash{})+len(Generation{})+entryLimit*recordSize+1)))
}

// save writes the hashes for the next run if any is new, and returns the generation of the context,
// which is zero if they cannot be written. complete reports that all files were hashed.
func (c *hashCache) save(complete bool) Generation {
	if c.path == "" {
		return Generation{}
	}
	if c.generation != (Generation{}) && c.unchanged() {
		_ = os.Chtimes(c.path, c.start, c.start)
		return c.generation
	}
	current, all := c.next(complete)
	dir := filepath.Dir(c.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Generation{}
	}
	removeOldest(dir, contextLimit-1)
	if err := replaceFile(c.path, encodeHashes(current, all)); err != nil {
		return Generation{}
	}
	return current
}

// next returns the generation and the entries to write. Entries of the same generation are kept even
// if their files are gone, because the engine may still have these files. A new generation has only
// the files of this run.
func (c *hashCache) next(complete bool) (Generation, map[stamp]entry) {
	all := make(map[stamp]entry, len(c.seen))
	maps.Copy(all, c.known)
	maps.Copy(all, c.seen)
	past := len(all) - len(c.seen)
	tooMany := complete && past > pastEntryLimit && (past > len(c.seen) || len(all) > entryLimit)
	if c.generation != (Generation{}) && !c.replaced && !tooMany {
		return c.generation, all
	}
	var generation Generation
	_, _ = rand.Read(generation[:])
	return generation, c.seen
}

func replaceFile(path string, content []byte) error {
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

func (c *hashCache) unchanged() bool {
	for k, is := range c.seen {
		if was, ok := c.known[k]; !ok || was != is {
			return false
		}
	}
	return true
}

// removeOldest removes the least recently used files of dir until only keep are left.
func removeOldest(dir string, keep int) {
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

const recordSize = len(stamp{}) + len(inodeState{}) + len(contentHash{})

// encodeHashes returns the format, a checksum of what follows, the generation, and one record for
// each entry.
func encodeHashes(g Generation, all map[stamp]entry) []byte {
	body := make([]byte, 0, len(g)+min(len(all), entryLimit)*recordSize)
	body = append(body, g[:]...)
	for k, v := range all {
		if len(body) == len(g)+entryLimit*recordSize {
			break
		}
		body = append(append(append(body, k[:]...), v.inode[:]...), v.hash[:]...)
	}
	check := sha256.Sum256(body)
	return slices.Concat([]byte(cacheFormat), check[:], body)
}

var errDamaged = errors.New("damaged")

func decodeHashes(content []byte) (g Generation, all map[stamp]entry, err error) {
	rest, ok := bytes.CutPrefix(content, []byte(cacheFormat))
	if !ok || len(rest) < len(contentHash{})+len(g) {
		return g, nil, errDamaged
	}
	check, body := contentHash(rest[:len(contentHash{})]), rest[len(contentHash{}):]
	records := body[len(g):]
	if len(records)%recordSize != 0 || sha256.Sum256(body) != check {
		return g, nil, errDamaged
	}
	all = make(map[stamp]entry, len(records)/recordSize)
	for record := range slices.Chunk(records, recordSize) {
		key, is := record[:len(stamp{})], record[len(stamp{}):]
		all[stamp(key)] = entry{inodeState(is[:len(inodeState{})]), contentHash(is[len(inodeState{}):])}
	}
	return Generation(body[:len(g)]), all, nil
}
