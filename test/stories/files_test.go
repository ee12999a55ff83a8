package stories

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// canMount reports whether this test may mount file systems.
var canMount = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "mount-")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	if syscall.Mount("none", dir, "tmpfs", 0, "size=64k") != nil {
		return false
	}
	return syscall.Unmount(dir, 0) == nil
})

// disk DIR SIZE: DIR is a disk of its own, with so much room.
func mountDisk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: disk DIR SIZE")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(syscall.Mount("none", dir, "tmpfs", 0, "size="+args[1]))
	s := ts.Value(storyKey{}).(*story)
	s.disks = append(s.disks, dir)
}

// unmount takes the story's disks away, once no cloud lives on them.
func (s *story) unmount() {
	for _, dir := range s.disks {
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
	}
}

// example DIR [NAME]: copies examples/hello, or another example, to DIR.
func copyExample(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: example DIR [NAME]")
	}
	dir, name := ts.MkAbs(args[0]), "hello"
	if len(args) == 2 {
		name = args[1]
	}
	ts.Check(os.CopyFS(dir, os.DirFS("../../examples/"+name)))
	ts.Check(os.RemoveAll(filepath.Join(dir, "bin")))
}

// zip FILE NAME[=CONTENT]...: makes an archive.
func zipEntries(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: zip FILE NAME[=CONTENT]...")
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, entry := range args[1:] {
		name, content, _ := strings.Cut(entry, "=")
		w, err := z.Create(name)
		ts.Check(err)
		_, err = w.Write([]byte(content))
		ts.Check(err)
	}
	ts.Check(z.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}
