package stories

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"beansprout/localcloud"
	"beansprout/notify/notifytest"
	"beansprout/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m, made.judge) }

// commands are what scripts may use besides testscript's own.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"example": copyExample, "code": wantCode, "get": getURL, "refused": refused, "hammer": hammer, "calm": calm,
	"slack": slackCommand, "github": gitHubCommand, "board": boardCommand, "eventually": eventually, "keep": keepOutput, "writes": countWrites, "zip": zipEntries, "remote": remoteThatAsks,
	"cut": cutEngine, "occupy": occupyPort, "cloud": cloudCommand, "record": editRecord, "options": editOptions, "disk": mountDisk,
}

// TestStories runs the stories under testdata: each drives the real binary against a
// local cloud of its own on the real Docker Engine.
func TestStories(t *testing.T) {
	lab.NeedEngine(t)
	tell(t, "testdata/stories")
}

// TestStoriesOfAComposeFile runs the stories whose example may as well have a compose file, with one:
// a few of them, and all for BEANSPROUT_SOAK.
func TestStoriesOfAComposeFile(t *testing.T) {
	lab.NeedEngine(t)
	names := []string{"broken", "rollback", "up"}
	if lab.Soak() {
		names = append(names, "clouds", "commits", "features", "hostile", "images", "killed", "look", "slack", "sweep", "together", "turns")
	}
	var files []string
	for _, name := range names {
		files = append(files, "testdata/stories/"+name+".txtar")
	}
	tellFiles(t, testscript.Params{Files: files, Setup: func(e *testscript.Env) error {
		e.Setenv(templateVariable, "compose.yaml")
		return setupStory(e)
	}})
}

// TestBasics runs the stories that need no Docker.
func TestBasics(t *testing.T) { tell(t, "testdata/basics") }

func tell(t *testing.T, dir string) { tellFiles(t, testscript.Params{Dir: dir, Setup: setupStory}) }

func tellFiles(t *testing.T, p testscript.Params) {
	lab.Provide(t)
	t.Cleanup(func() { wantNoCloudLeft(t) })
	p.RequireExplicitExec, p.RequireUniqueNames, p.Condition, p.Cmds = true, true, storyCondition, commands
	testscript.Run(t, p)
}

// story is what one script has besides its directory.
type story struct {
	slack   *notifytest.Server
	pressed []byte // payload of the last press
	gitHub  *gitHub
	browser *browser
	clients *load
	engine  *engineProxy
	disks   []string // that are mounted
}

type storyKey struct{}

func setupStory(e *testscript.Env) error {
	s := &story{}
	e.Values[storyKey{}] = s
	ports, err := lab.FreePorts(2)
	if err != nil {
		return err
	}
	for k, v := range map[string]string{
		"HOME":                        e.WorkDir,
		"GOCACHE":                     goEnv("GOCACHE"),
		"GOMODCACHE":                  goEnv("GOMODCACHE"),
		"GOFLAGS":                     "-trimpath -buildvcs=false",
		"GORACE":                      "atexit_sleep_ms=0",
		"BEANSPROUT_LOCAL_DIR":        filepath.Join(e.WorkDir, "cloud"),
		"BEANSPROUT_LOCAL_PORT":       ports[0],
		"BEANSPROUT_LOCAL_URL_PORT":   ports[1],
		"DOCKER_HOST":                 os.Getenv("DOCKER_HOST"),
		"GIT_CONFIG_COUNT":            "2",
		"GIT_CONFIG_KEY_0":            "user.name",
		"GIT_CONFIG_VALUE_0":          "Kim Dev",
		"GIT_CONFIG_KEY_1":            "user.email",
		"GIT_CONFIG_VALUE_1":          "kim@example.com",
		"AWS_PAGER":                   "",
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_ENDPOINT_URL":            "http://127.0.0.1:9", // --local must not care
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		e.Setenv(k, v)
	}
	e.Defer(func() { s.close(); resetClouds(e); s.unmount(); lab.RemoveImages("127.0.0.1:" + ports[0]) })
	return nil
}

func (s *story) close() {
	if s.clients != nil {
		s.clients.stop()
	}
	if s.slack != nil {
		s.slack.Close()
	}
	if s.engine != nil {
		s.engine.close()
	}
}

// resetClouds removes whatever a script has left running, in whichever directories.
func resetClouds(e *testscript.Env) {
	var dirs []string
	_ = filepath.WalkDir(e.WorkDir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "identity.json" {
			dirs = append(dirs, filepath.Dir(path))
		}
		return nil // what can't be read holds no cloud
	})
	for _, dir := range dirs {
		made.read(dir)
		stop := exec.Command("beansprout", "local", "stop", "--dir", dir)
		stop.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
		if out, err := stop.CombinedOutput(); err != nil {
			e.T().Log("stop the story's local cloud:", err, string(out))
		}
		if err := localcloud.Reset(context.Background(), dir); err != nil {
			e.T().Log("reset the story's local cloud:", err)
		}
	}
}

var goEnvs sync.Map

func goEnv(name string) string {
	if v, ok := goEnvs.Load(name); ok {
		return v.(string)
	}
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		return ""
	}
	v, _ := goEnvs.LoadOrStore(name, strings.TrimSpace(string(out)))
	return v.(string)
}

// storyCondition knows [aws]: the AWS CLI is installed; where it isn't, that is said loudly.
// And [local], which is always so here.
func storyCondition(cond string) (bool, error) {
	switch cond {
	case "local":
		return true, nil
	case "mounts":
		return canMount(), nil
	case "netns": // this user may have a network of his own
		return exec.Command("unshare", "-n", "true").Run() == nil, nil
	case "aws":
		_, err := exec.LookPath("aws")
		if err != nil {
			fmt.Fprintln(os.Stderr, "ATTENTION: the AWS CLI is not installed: the local cloud is not judged by it")
		}
		return err == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}
