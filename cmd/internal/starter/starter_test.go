package starter

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"beansprout/cmd/internal/project/config"
	"beansprout/test/must"
)

const dockerfile = "FROM scratch\nCOPY a /\nEXPOSE 8080\n"

// directory returns a directory with files. A text that begins with "-> " is that of a link.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop")
	must.Succeed(t, os.Mkdir(dir, 0o755))
	for name, text := range files {
		path := filepath.Join(dir, name)
		must.Succeed(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			must.Succeed(t, os.Symlink(target, path))
			continue
		}
		must.Succeed(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func noVariable(string) string { return "" }

func noEnv(string) (string, bool) { return "", false }

// plans returns the plan for a directory, as init makes it.
func plans(t *testing.T, dir string, answers Answers) (*Survey, Plan, error) {
	t.Helper()
	s, err := Look(t.Context(), dir, noVariable)
	if err != nil {
		return nil, Plan{}, err
	}
	plan, err := Decide(s, answers, false)
	if err == nil {
		err = Check(t.Context(), s, &plan, noEnv)
	}
	return s, plan, err
}

func TestBadInputIsRefusedWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		says  string
	}{
		"nothing":                {map[string]string{"index.html": "x"}, "there is no Dockerfile"},
		"compose file":           {map[string]string{"compose.yaml": "services:\n  web:\n image: [\n"}, "compose.yaml:3"},
		"compose file of tabs":   {map[string]string{"compose.yaml": "services:\n\tweb: {}\n"}, "compose.yaml:2"},
		"configuration":          {map[string]string{"Dockerfile": dockerfile, ".elasticbeanstalk/config.yml": "global:\n  a: [\n"}, ".elasticbeanstalk/config.yml:"},
		"Dockerrun":              {map[string]string{"Dockerrun.aws.json": "{\n  \"AWSEBDockerrunVersion\": 2,\n  oops\n}\n"}, "Dockerrun.aws.json:3"},
		"Dockerrun 9":            {map[string]string{"Dockerrun.aws.json": "{\n  \"AWSEBDockerrunVersion\": 9\n}\n"}, "Dockerrun.aws.json:2: AWSEBDockerrunVersion must be 1, 2 or 3"},
		"Dockerrun 3 alone":      {map[string]string{"Dockerrun.aws.json": "{\n  \"AWSEBDockerrunVersion\": 3\n}\n"}, "Dockerrun.aws.json:2: a document of version 3 goes with a compose file"},
		"Dockerrun without port": {map[string]string{"Dockerrun.aws.json": `{"AWSEBDockerrunVersion": "1", "Image": {"Name": "acme/shop"}}`}, "Ports is missing"},
		"ports":                  {map[string]string{"Dockerrun.aws.json": `{"AWSEBDockerrunVersion": "1", "Image": {"Name": "acme/shop"}, "Ports": [{"ContainerPort": "http"}]}`}, `"http" is no port`},
		"link out":               {map[string]string{"Dockerfile": "-> /etc/passwd"}, "a link leads out of it"},
		"link out of compose":    {map[string]string{"compose.yaml": "-> ../../x.yaml", "../x.yaml": "services: {}\n"}, "compose.yaml"},
		"large":                  {map[string]string{"Dockerfile": strings.Repeat("#\n", 1<<20)}, "is larger than 1 MB"},
		"folder":                 {map[string]string{"compose.yaml/x": "x"}, "is a directory"},
		"modules":                {map[string]string{"pom.xml": "<project><packaging>pom</packaging></project>"}, "pom.xml:1: which of its modules"},
	} {
		dir := directory(t, c.files)
		_, _, err := plans(t, dir, nil)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestAnswersReplaceGuesses(t *testing.T) {
	several := map[string]string{
		"a": "x", "Dockerfile": "FROM scratch\n", "api/Dockerfile": dockerfile, "other/api/Dockerfile": dockerfile,
		"compose.yaml":       "services: {a: {image: x, ports: ['1:1']}, b: {image: x, ports: ['2:2']}}\n",
		"Dockerrun.aws.json": `{"AWSEBDockerrunVersion": "1", "Ports": [{"ContainerPort": 1234}]}`,
	}
	for _, c := range []struct {
		answers Answers
		file    string // of the plan, "" for an error
		says    string
	}{
		{nil, templateName, `"containerPort": 1234`},
		{Answers{From: SourceCompose}, composeCopy, `a: {image: x, ports: ["80:1"]}`},
		{Answers{From: SourceCompose, Service: "b"}, composeCopy, `b: {image: x, ports: ["80:2"]}`},
		{Answers{From: SourceCompose, Service: "c"}, "", `service "c" won't do; want a or b`},
		{Answers{From: SourceDockerfile, Image: "api/Dockerfile"}, templateName, `"containerPort": 8080`},
		{Answers{From: SourceDockerfile, Image: "Dockerfile, api/Dockerfile", Port: "99"}, templateName, `"containerPort": 99`},
		{Answers{From: SourceDockerfile, Image: "Dockerfile, api/Dockerfile"}, templateName, `"${image.api}"`},
		{Answers{From: SourceDockerfile, Image: "api/Dockerfile,other/api/Dockerfile"}, "", `two of the Dockerfiles make the image "api"`},
		{Answers{From: SourceDockerfile, Image: "x/Dockerfile"}, "", `there is no Dockerfile "x/Dockerfile"`},
		{Answers{From: SourceDockerfile, Image: "Dockerfile", Port: "http"}, "", `"http" is no port`},
		{Answers{From: "magic"}, "", `from "magic" won't do; want dockerrun or compose or dockerfile`},
		{Answers{CI: "travis"}, "", `ci "travis" won't do`},
		{Answers{CI: CIJenkins}, "Jenkinsfile", "beansprout up"},
		{Answers{CI: CIGitLab}, ".gitlab-ci.yml", "include: {local: beansprout.gitlab-ci.yml}"},
		{Answers{CI: CIGitHub}, workflowFile, "beansprout up"},
		{Answers{Application: "a/b"}, "", "has a slash"},
		{Answers{Application: "yes: \"#1\""}, config.Name, `application: "yes: \"#1\""`},
	} {
		_, plan, err := plans(t, directory(t, several), c.answers)
		switch {
		case c.file == "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%v: %v, want %q", c.answers, err, c.says)
		case c.file != "" && (err != nil || !strings.Contains(plan.text(c.file), c.says)):
			t.Errorf("%v: %v, %s, want %q", c.answers, err, plan.text(c.file), c.says)
		}
	}
}

// What has a form of its own must not become another one in YAML, JSON, a shell or on a terminal.
func TestHostileNamesStayText(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a\nb: {\"c\"} # \x1b[31m'$(touch x)")
	must.Succeed(t, os.MkdirAll(filepath.Join(dir, `w"e b`), 0o755))
	must.Succeed(t, os.WriteFile(filepath.Join(dir, `w"e b`, "Dockerfile"), []byte("FROM scratch\nEXPOSE 80\n"), 0o644))
	must.Succeed(t, os.MkdirAll(filepath.Join(dir, ".elasticbeanstalk"), 0o755))
	cli := "global:\n  application_name: \"a\\nb\"\n  default_region: \"us-east-1\\nbuild: {}\"\n  instance_profile: \"x y\"\n  default_platform: \"; rm -rf\"\n" +
		"branch-defaults:\n  \"x\\ny\": {environment: \"a # b\\nartifact: c\"}\n"
	must.Succeed(t, os.WriteFile(filepath.Join(dir, ".elasticbeanstalk", "config.yml"), []byte(cli), 0o644))
	_, plan, err := plans(t, dir, nil)
	must.Succeed(t, err)
	cfg, err := config.Parse("x", dir, []byte(plan.text(config.Name)))
	must.Succeed(t, err)
	if cfg.Region != "" || cfg.Artifact != "" || len(cfg.Build) != 1 || cfg.Build[0].Context != `w"e b` || cfg.Build[0].Name != "w-e-b" {
		t.Errorf("beansprout.yaml says %+v", cfg)
	}
	var said []string
	for _, n := range plan.Undone {
		said = append(said, n.String())
	}
	for _, place := range []string{"config.yml:2: application_name", "config.yml:3: default_region", "config.yml:4: instance_profile", "config.yml:5: default_platform"} {
		if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, place) }) {
			t.Errorf("nothing is said about %s: %q", place, said)
		}
	}
}

func TestPlatformsHaveOneName(t *testing.T) {
	for name, want := range map[string]string{
		"Docker running on 64bit Amazon Linux 2":          composePlatform,
		"Docker running on 64bit Amazon Linux 2023/4.6.0": composePlatform,
		"docker": composePlatform,
		"64bit Amazon Linux 2 v3.4.1 running Docker": composePlatform,
		"Multi-container Docker 17.03 (Generic)":     ecsPlatform,
		"multi-container docker":                     ecsPlatform,
		"arn:aws:elasticbeanstalk:eu-west-1::platform/ECS running on 64bit Amazon Linux 2023/4.2.0": ecsPlatform,
		"64bit Amazon Linux 2023 v5.7.0 running Tomcat 11 Corretto 21":                              wars,
		"Tomcat 11 with Corretto 21 running on 64bit Amazon Linux 2023":                             wars,
		"corretto-21": jars, "python-3.13": "Python 3.13 running on 64bit Amazon Linux 2023",
		"Node.js 22": "Node.js 22 running on 64bit Amazon Linux 2023", "windows": "", "": "", "python": "",
	} {
		if got := platformBranch(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// With git, the files of the commit are packed and the branch names the feature.
func TestGitTellsNamesAndFiles(t *testing.T) {
	dir := directory(t, map[string]string{"Procfile": "web: npm start\n", "package.json": "{}\n"})
	for _, args := range [][]string{
		{"init", "-q", "-b", "login"}, {"remote", "add", "origin", "https://kim:secret@github.example/acme/store.git"},
		{"add", "."}, {"-c", "user.name=Kim", "-c", "user.email=kim@example.com", "commit", "-qm", "one"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	_, plan, err := plans(t, dir, nil)
	must.Succeed(t, err)
	text := plan.text(config.Name)
	for _, part := range []string{"application: store\n", "git archive --format=zip -o .beansprout/source.zip HEAD", "Node.js 22 running"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if plan.Next != "beansprout doctor --local && beansprout --local up" || plan.text(workflowFile) == "" || strings.Contains(text, "secret") {
		t.Errorf("next %q, %s", plan.Next, text)
	}
	cfg, err := config.Parse("x", dir, []byte(text))
	must.Succeed(t, err)
	cmd := exec.Command("sh", "-c", cfg.Prepare)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", cfg.Prepare, err, out)
	}
	status := exec.Command("git", "status", "--porcelain")
	status.Dir = dir
	if out, err := status.Output(); err != nil || len(out) > 0 {
		t.Errorf("the archive is a change of the checkout: %v\n%s", err, out)
	}
}
