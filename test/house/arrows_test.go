package house

import (
	"go/ast"
	"go/parser"
	"go/types"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"beansprout/test/must"
)

// doors says which of our packages, or which single files, may import which vendor, directly.
var doors = []struct {
	vendor string
	may    []string
}{
	{"github.com/docker/docker", []string{"builder"}},
	{"github.com/moby/buildkit", []string{"builder", "builder/fingerprint"}},
	{"github.com/moby/buildkit/client", []string{"builder"}},
	{"github.com/moby/buildkit/session", []string{"builder"}},
	{"github.com/aws/aws-sdk-go-v2/service/ecr", []string{"envs/ecr", "envs/clients.go"}},
	{"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk", []string{"envs/beanstalk", "envs/clients.go"}},
	{"github.com/aws/aws-sdk-go-v2/service/s3", []string{"envs/store", "envs/clients.go"}},
	{"github.com/aws/aws-sdk-go-v2/service/sts", []string{"envs/clients.go"}},
	{"github.com/aws/aws-sdk-go-v2/config", []string{"cmd/internal/awsconfig"}},
	{"github.com/slack-go/slack", []string{"notify", "daemon"}},
	{"github.com/prometheus/client_golang", []string{"daemon"}},
	{"github.com/robfig/cron", []string{"janitor", "release"}},
	{"github.com/go-git/go-git", []string{"janitor"}},
	{"golang.org/x/crypto/ssh", []string{"janitor"}},
	{"github.com/compose-spec/compose-go", []string{"compose"}},
	{"github.com/urfave/cli", []string{"cmd/beansprout", "cmd/internal/commandline"}},
}

// arrows says which of our packages may import which of ours. The command may all, and all may pattern.
var arrows = map[string][]string{
	"envs":                     {"envs/awsapi", "envs/beanstalk", "envs/ecr", "envs/store", "spelling", "visible"},
	"envs/awsapi":              {},
	"envs/beanstalk":           {"envs/awsapi", "spelling"},
	"envs/store":               {"envs/awsapi", "visible"},
	"files":                    {},
	"builder":                  {"builder/fingerprint", "files", "mask"},
	"builder/fingerprint":      {"files", "spelling"},
	"envs/ecr":                 {"envs/awsapi"},
	"daemon":                   {"daemon/access", "daemon/board", "envs", "envs/beanstalk", "envs/store", "janitor", "notify", "visible"},
	"daemon/access":            {"visible"},
	"envs/envjson":             {"envs", "visible"},
	"daemon/board":             {"envs", "envs/beanstalk", "envs/envjson", "envs/store", "janitor", "spelling", "visible"},
	"compose":                  {"dockerrun", "spelling"},
	"dockerrun":                {"files", "spelling"},
	"janitor":                  {"envs"},
	"mask":                     {},
	"notify":                   {"envs", "visible"},
	"pattern":                  {},
	"release":                  {"release/aws", "visible"},
	"release/aws":              {},
	"spelling":                 {},
	"templates":                {},
	"cmd/internal/features":    {"files"},
	"cmd/internal/background":  {"cmd/internal/terminal", "localcloud", "localcloud/fault"},
	"cmd/internal/account":     {},
	"cmd/internal/commandline": {"cmd/internal/project/config"},
	"cmd/internal/awsconfig":   {"envs/awsapi", "localcloud"},
	"cmd/internal/doctor": {
		"builder", "cmd/internal/account", "cmd/internal/commandline", "cmd/internal/failure", "cmd/internal/policy", "cmd/internal/project", "cmd/internal/project/config", "cmd/internal/service", "cmd/internal/terminal",
		"envs", "envs/beanstalk", "envs/ecr", "janitor", "notify",
	},
	"cmd/internal/project": {
		"builder", "cmd/internal/project/artifact", "cmd/internal/project/checkout", "cmd/internal/project/config",
		"compose", "dockerrun", "envs", "envs/beanstalk", "files", "mask",
	},
	"cmd/internal/project/artifact": {"dockerrun"},
	"cmd/internal/project/config":   {"envs", "files", "spelling"},
	"cmd/internal/project/checkout": {},
	"cmd/internal/policy":           {"cmd/internal/project/config", "envs"},
	"cmd/internal/starter":          {"builder/fingerprint", "cmd/internal/project", "cmd/internal/project/checkout", "cmd/internal/project/config", "compose", "dockerrun", "files", "templates"},
	"cmd/internal/secrets":          {"cmd/internal/project/config", "mask"},
	"cmd/internal/envfile":          {"files"},
	"cmd/internal/failure":          {"builder", "cmd/internal/awsconfig", "cmd/internal/background", "cmd/internal/project", "cmd/internal/project/config", "cmd/internal/secrets", "cmd/internal/terminal", "envs", "envs/beanstalk", "envs/ecr", "envs/store", "janitor", "notify", "templates"},
	"cmd/internal/service": {
		"cmd/internal/awsconfig", "cmd/internal/commandline", "cmd/internal/project", "cmd/internal/project/checkout", "cmd/internal/secrets",
		"cmd/internal/sweeping", "daemon", "envs", "janitor", "notify", "notify/pullrequest",
	},
	"cmd/internal/sweeping": {"cmd/internal/failure", "cmd/internal/project/config", "cmd/internal/terminal", "envs", "janitor"},
	"cmd/internal/terminal": {"visible"},
	"cmd/internal/views":    {"builder", "cmd/internal/terminal", "dockerrun", "envs", "envs/beanstalk", "envs/store", "mask"},
	"visible":               {},
	"examples/visit":        {},
	"notify/notifytest":     {"localcloud/pipes"},
	"notify/pullrequest":    {"envs", "visible"},
}

// TestEveryVendorHasOneDoor refuses imports of the product against the doors and the arrows. The
// local cloud and the tests may import what they like; nothing but the command and tests imports
// them.
func TestEveryVendorHasOneDoor(t *testing.T) {
	for file, imports := range productImports(t) {
		for _, imported := range imports {
			if problem := breach(file, imported); problem != "" {
				t.Error(problem)
			}
		}
	}
}

// breach returns what is wrong with an import, or "".
func breach(file, imported string) string {
	pkg := path.Dir(file)
	for _, d := range doors {
		if imported != d.vendor && !strings.HasPrefix(imported, d.vendor+"/") {
			continue
		}
		if !slices.Contains(d.may, pkg) && !slices.Contains(d.may, file) {
			return file + " imports " + imported + ", which belongs to " + d.may[0]
		}
	}
	ours, ok := strings.CutPrefix(imported, "beansprout/")
	if !ok || ours == "pattern" || pkg == "cmd/beansprout" && !strings.HasPrefix(ours, "test/") {
		return ""
	}
	if allowed, known := arrows[pkg]; !known {
		return pkg + " is not in the table of arrows"
	} else if !slices.Contains(allowed, ours) {
		return file + " imports " + imported + ", which is not in the table of arrows"
	}
	return ""
}

// productImports returns what each file of the product imports.
func productImports(t *testing.T) map[string][]string {
	all := map[string][]string{}
	for _, name := range goFiles(t) {
		if !isProduct(name) {
			continue
		}
		f, _ := parse(t, name, parser.ImportsOnly)
		for _, i := range f.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			must.Succeed(t, err)
			all[name] = append(all[name], imported)
		}
	}
	return all
}

func TestTheBinaryBringsTimeZonesAndCertificates(t *testing.T) {
	imports := productImports(t)["cmd/beansprout/main.go"]
	if !slices.Contains(imports, "time/tzdata") {
		t.Error("expire.schedule needs time zones on machines that have none")
	}
	if imports = productImports(t)["cmd/beansprout/roots.go"]; !slices.Contains(imports, "golang.org/x/crypto/x509roots/fallback/bundle") {
		t.Error("AWS and Slack need certificates on machines that have none")
	}
}

// The manager of environments can be used by programs that build no images and talk to no Slack.
func TestTheManagerDependsOnNoEngineAndNoCommandLine(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "beansprout/envs").Output()
	must.Succeed(t, err)
	dependencies := strings.Fields(string(out))
	if !slices.Contains(dependencies, "beansprout/envs/beanstalk") {
		t.Fatalf("go list says %q", dependencies)
	}
	for _, d := range dependencies {
		for _, vendor := range []string{"github.com/docker/", "github.com/moby/", "github.com/slack-go/", "github.com/urfave/", "github.com/robfig/cron", "github.com/compose-spec/", "beansprout/cmd/"} {
			if strings.HasPrefix(d, vendor) {
				t.Errorf("envs depends on %s", d)
			}
		}
	}
}

// What the process was started with reaches the packages as values. The builder alone
// reads DOCKER_HOST and its like, and the variables that a build's secrets are in.
func TestOnlyTheCommandKnowsTheProcess(t *testing.T) {
	for _, name := range goFiles(t) {
		if !isProduct(name) || strings.HasPrefix(name, "cmd/") || strings.HasPrefix(name, "examples/") || name == "builder/engine.go" || name == "builder/session.go" {
			continue
		}
		f, fset := parse(t, name, parser.SkipObjectResolution)
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if ok && slices.Contains([]string{"os.Stdin", "os.Stdout", "os.Stderr", "os.Getenv", "os.LookupEnv", "os.Environ", "os.Args", "os.Exit"}, types.ExprString(s)) {
				t.Errorf("%s:%d: %s belongs to cmd", name, fset.Position(s.Pos()).Line, types.ExprString(s))
			}
			return true
		})
	}
}
