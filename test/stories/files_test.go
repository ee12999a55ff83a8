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
	if template := ts.Getenv(templateVariable); template != "" && name == "hello" {
		describeByCompose(ts, dir, template)
	}
}

// templateVariable names the compose file that examples/hello has instead of its Dockerrun template.
const templateVariable = "STORY_TEMPLATE"

const helloCompose = `services:
  web:
    image: ${image.web}
    mem_limit: ${value.memory}m
    ports: ["80:8080"]
    links: [backend]
    env_file: .env
    environment:
      FEATURE: ${beansprout.feature}
      COMMIT: ${beansprout.commit}
      URL: ${beansprout.url}
      BACKEND: http://backend:8081/
  backend:
    image: ${image.backend}
    mem_limit: ${value.memory}m
`

// describeByCompose describes the containers of the hello in dir by a compose file.
func describeByCompose(ts *testscript.TestScript, dir, template string) {
	ts.Check(os.Remove(filepath.Join(dir, "Dockerrun.template.json")))
	ts.Check(os.WriteFile(filepath.Join(dir, template), []byte(helloCompose), 0o600))
	name := filepath.Join(dir, "beansprout.yaml")
	text, err := os.ReadFile(name)
	ts.Check(err)
	for old, replacement := range map[string]string{"ECS running": "Docker running", "Dockerrun.template.json": template} {
		if !bytes.Contains(text, []byte(old)) {
			ts.Fatalf("%s has no %q", name, old)
		}
		text = bytes.ReplaceAll(text, []byte(old), []byte(replacement))
	}
	ts.Check(os.WriteFile(name, text, 0o600))
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
