package project

import (
	"archive/zip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"beansprout/envs"
	"beansprout/test/must"
)

const webService = "services:\n  web:\n    image: nginx:1.27\n    ports: [\"80:80\"]\n"

func TestWhatGoesWrongInAComposeFileIsSaidWithItsLine(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"not YAML":                {"services:\n  web: [\n", "compose.yaml:2:1: is not valid YAML: "},
		"a tab":                   {"services:\n\tweb: {}\n", "compose.yaml:2:1: is not valid YAML: "},
		"nothing":                 {"# nothing\n", "compose.yaml:1:1: the file is empty"},
		"a list":                  {"- a\n", "compose.yaml:1:1: want keys such as services:"},
		"two documents":           {webService + "---\nservices: {}\n", "compose.yaml:5:1: a second document begins here"},
		"bytes":                   {"services: \xff\n", "compose.yaml:1:11: is not UTF-8"},
		"a key twice":             {webService + "    image: httpd:2.4\n", "compose.yaml:5:"},
		"itself":                  {"services: &a\n  web: *a\n", "compose.yaml:"},
		"no services":             {"volumes: {data: }\n", "compose.yaml:1:1: there are no services"},
		"an unknown key":          {webService + "    prots: []\n", "compose.yaml:5:5: services.web.prots: unknown key; did you mean ports?"},
		"an unknown inner key":    {webService + "    healthcheck: {tset: [CMD, x]}\n", `compose.yaml:5:19: services.web.healthcheck: unknown key "tset"`},
		"a wrong type":            {webService + "    privileged: often\n", "compose.yaml:5:5: services.web.privileged"},
		"a bad port":              {strings.Replace(webService, "80:80", "eighty:80", 1), "compose.yaml:4:5: services.web.ports: "},
		"include":                 {"include: [other.yaml]\n" + webService, "compose.yaml:1:1: include: is refused: the bundle has one file"},
		"extends a file":          {"services:\n  web:\n    extends: {file: base.yaml, service: web}\n    ports: [\"80:80\"]\n", "compose.yaml:3:15: services.web.extends.file: the bundle has one file"},
		"devices":                 {webService + "    devices: [/dev/kvm]\n", "compose.yaml:5:5: services.web.devices: is refused"},
		"pid":                     {webService + "    pid: host\n", "compose.yaml:5:5: services.web.pid: is refused"},
		"uts":                     {webService + "    uts: host\n", "compose.yaml:5:5: services.web.uts: is refused"},
		"a namespace by name":     {webService + "    pid: ${PID:-host}\n", "compose.yaml:5:5: services.web.pid: must be written out"},
		"cgroup":                  {webService + "    cgroup: host\n", "compose.yaml:5:5: services.web.cgroup: is refused"},
		"users":                   {webService + "    userns_mode: host\n", "compose.yaml:5:5: services.web.userns_mode: is refused"},
		"cgroup rules":            {webService + "    device_cgroup_rules: [\"a *:* rwm\"]\n", "compose.yaml:5:5: services.web.device_cgroup_rules: is refused"},
		"a capability":            {webService + "    cap_add: [NET_ADMIN, cap_sys_admin]\n", "compose.yaml:5:26: services.web.cap_add: SYS_ADMIN is refused"},
		"no seccomp":              {webService + "    security_opt: [\"seccomp=unconfined\"]\n", "compose.yaml:5:20: services.web.security_opt: seccomp=unconfined is refused"},
		"reserved devices":        {webService + "    deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}\n", "compose.yaml:5:41: services.web.deploy.resources.reservations.devices: is refused"},
		"a network's name":        {webService + "    network_mode: other_default\n", `compose.yaml:5:5: services.web.network_mode: want none or service:NAME, not "other_default"`},
		"the common network":      {webService + "    network_mode: bridge\n", `compose.yaml:5:5: services.web.network_mode: want none or service:NAME, not "bridge"`},
		"a volume's device":       {webService + "volumes: {data: {driver_opts: {type: none, o: bind, device: /}}}\n", "compose.yaml:5:53: volumes.data.driver_opts.device: is refused"},
		"a volume's driver":       {webService + "volumes: {data: {driver: nfs}}\n", "compose.yaml:5:18: volumes.data.driver: the instances have no driver but local"},
		"git":                     {"services:\n  web:\n    build: https://github.com/acme/shop.git\n    ports: [\"80:80\"]\n", "compose.yaml:3:5: services.web.build: is built from https://github.com/acme/shop.git; want a folder"},
		"no context":              {"services:\n  web:\n    build: ./nowhere\n    ports: [\"80:80\"]\n", "compose.yaml:3:5: image web: "},
		"an inline Dockerfile":    {"services:\n  web:\n    build: {context: ., dockerfile_inline: FROM scratch}\n    ports: [\"80:80\"]\n", "compose.yaml:3:25: services.web.build.dockerfile_inline: is refused"},
		"a placeholder":           {"services:\n  web:\n    build: {context: ., args: {F: \"${beansprout.feature}\"}}\n    ports: [\"80:80\"]\n", "compose.yaml:3:35: ${beansprout.feature} is not known when images are built"},
		"two names":               {webService + "    container_name: one\n  api:\n    image: x:1\n    container_name: one\n", `compose.yaml:8:5: services.api.container_name: service web has the name "one", too`},
		"a port twice":            {webService + "  api:\n    image: x:1\n    ports: [\"80:90\"]\n", "services.web.ports: port 80 of the host is published by service api, too"},
		"a loopback port twice":   {webService + "  api:\n    image: x:1\n    ports: [\"127.0.0.1:90:90\", \"127.0.0.1:90:91\"]\n", "services.api.ports: port 90 of the host is published by service api, too"},
		"a port of all addresses": {webService + "  api:\n    image: x:1\n    ports: [\"127.0.0.1:80:90\"]\n", "services.web.ports: port 80 of the host is published by service api, too"},
		"inward only":             {strings.Replace(webService, "80:80", "127.0.0.1:80:80", 1), "compose.yaml:4:5: services: no service publishes port 80"},
		"another platform":        {"services:\n  web:\n    build: .\n    platform: linux/s390x\n    ports: [\"80:80\"]\n", "compose.yaml:3:5: services.web.build: want one platform"},
		"overlapping ports":       {webService + "  api:\n    image: x:1\n    ports: [\"8000-8010:90\"]\n  other:\n    image: x:1\n    ports: [\"8005:91\"]\n", "services.other.ports: port 8005 of the host is published by service api, too"},
		"an image as a volume":    {webService + "    volumes: [{type: image, source: x:1, target: /x}]\n", "compose.yaml:5:15: services.web.volumes: want type bind, volume or tmpfs: the instances have no image"},
		"a missing profile":       {webService + "    security_opt: [\"seccomp:./seccomp.json\"]\n", `compose.yaml:5:20: services.web.security_opt: include "seccomp.json" in the bundle: `},
		"a feature's folder":      {webService + "    volumes: [\"./${beansprout.feature}:/conf\"]\n", "compose.yaml:5:15: services.web.volumes: the names of the bundle's files are the same"},
		"a feature's file":        {webService + "    env_file: [{path: \"${beansprout.feature}.env\"}]\n", "compose.yaml:5:16: services.web.env_file: the names of the bundle's files are the same"},
		"a build's anchor":        {"services:\n  web:\n    build: {context: ., args: &a {A: b}}\n    ports: [\"80:80\"]\n    environment: *a\n", "compose.yaml:5:18: the anchor a is in a build section, which is replaced; move it to a key such as x-a"},
		"replicas":                {webService + "    deploy: {replicas: 2}\n", "compose.yaml:4:13: services.web.ports: 2 containers can't share port 80 of the host"},
		"outside":                 {webService + "    volumes: [\"../conf:/conf\"]\n", "compose.yaml:5:15: services.web.volumes: ../conf is outside the file's folder"},
		"the whole folder":        {webService + "    volumes: [\".:/app\"]\n", "compose.yaml:5:15: services.web.volumes: is the whole folder"},
		"a missing folder":        {webService + "    volumes: [\"./conf:/conf\"]\n", `compose.yaml:5:15: services.web.volumes: include "conf" in the bundle: `},
		"an external volume":      {webService + "    volumes: [\"data:/data\"]\nvolumes: {data: {external: true}}\n", "compose.yaml:6:18: volumes.data.external: a new instance has none"},
		"an unknown volume":       {webService + "    volumes: [\"data:/data\"]\n", "compose.yaml:5:5: services.web.volumes: "},
		"a cycle":                 {webService + "    depends_on: [api]\n  api:\n    image: x:1\n    depends_on: [web]\n", "compose.yaml:8:5: services.api.depends_on: "},
		"no image":                {"services:\n  web:\n    ports: [\"80:80\"]\n", "has neither an image nor a build context"},
		"a bad image":             {strings.Replace(webService, "nginx:1.27", "Nginx", 1), "compose.yaml:3:5: services.web.image: is not the name of an image"},
		"never pulled":            {webService + "    pull_policy: never\n", "compose.yaml:5:5: services.web.pull_policy: never: an instance begins without images"},
		"too deep":                {strings.Repeat("a: {", 70) + strings.Repeat("}", 70), "nests deeper than 64 levels"},
	} {
		p := composeProject(t, &txtar.Archive{Files: []txtar.File{{Name: "compose.yaml", Data: []byte(tt.text)}}})
		err := p.checkImages(t.Context())
		if !mistaken(err) || !strings.Contains(strings.ReplaceAll(err.Error(), p.Config.Dir+"/", ""), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func TestWhatIsRightInAComposeFileIsNotMentioned(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	must.Succeed(t, os.WriteFile(filepath.Join(home, ".npmrc"), nil, 0o600))
	const built = "services:\n  web:\n    build: {context: ., secrets: [npmrc]}\n    ports: [\"80:80\"]\n"
	for name, tt := range map[string]struct{ text, environment string }{
		"a secret of the home":    {built + "secrets: {npmrc: {file: ~/.npmrc}}\n", "{}"},
		"a build's variable":      {built + "secrets: {npmrc: {file: \"${HOME}/.npmrc\"}}\n", "{}"},
		"an unknown image":        {strings.Replace(webService, "1.27", "${TAG}", 1), "{secrets: {TAG: arn:aws:secretsmanager:us-east-1:123456789012:secret:name-a1B2c3}}"},
		"an unknown port":         {strings.Replace(webService, "80:80", "${PORT}:80", 1), "{secrets: {PORT: arn:aws:secretsmanager:us-east-1:123456789012:secret:name-a1B2c3}}"},
		"two unknown ports":       {strings.Replace(webService, `"80:80"`, `"80:80", "${PORT}:81", "${OTHER}:82"`, 1), "{secrets: {PORT: arn:aws:secretsmanager:us-east-1:123456789012:secret:name-a1B2c3, OTHER: arn:aws:secretsmanager:us-east-1:123456789012:secret:name-a1B2c3}}"},
		"a saved image":           {strings.Replace(webService, "1.27", "${TAG}", 1), "{saved_configuration: base}"},
		"a saved port":            {strings.Replace(webService, "80:80", "${PORT}:80", 1), "{saved_configuration: base}"},
		"both kinds of addresses": {strings.Replace(webService, `"80:80"`, `"0.0.0.0:80:80", "[::]:80:80"`, 1), "{}"},
	} {
		p := composeProject(t, &txtar.Archive{Files: []txtar.File{
			{Name: "compose.yaml", Data: []byte(tt.text)}, {Name: "Dockerfile", Data: []byte("FROM scratch\n")},
			{Name: "beansprout.yaml", Data: []byte("application: shop\nenvironment: " + tt.environment + "\n")},
		}})
		if err := p.checkImages(t.Context()); err != nil || len(p.Notes()) != 1 || !strings.Contains(p.Notes()[0], "enhanced health knows of no requests, and environment.check alone tells") {
			t.Errorf("%s: %v %q", name, err, p.Notes())
		}
	}
}

func TestVariablesThatBeanstalkCannotHandOnAreNamed(t *testing.T) {
	for variable, want := range map[string]string{
		`A: "a # b"`: "warning: beansprout.yaml:2:30: environment.variables.A: Beanstalk writes it into .env, of which compose reads another value",
		`A: "'a'"`:   "warning: beansprout.yaml:2:30: environment.variables.A: ",
		`A: "'a"`:    "beansprout.yaml:2:30: environment.variables.A: Beanstalk writes it into .env, where compose can't read it",
		`"A:B": a`:   "beansprout.yaml:2:34: environment.variables.A:B: Beanstalk writes it into .env, where compose can't read it",
		`A.b-c: a`:   "",
		`A: "a#b"`:   "", `A: "a$b ${c} it's"`: "", `A: ""`: "", `A: "a=b: c"`: "",
	} {
		p := composeProject(t, &txtar.Archive{Files: []txtar.File{
			{Name: "compose.yaml", Data: []byte(webService + "    env_file: .env\n")},
			{Name: "beansprout.yaml", Data: []byte("application: shop\nenvironment: {variables: {" + variable + "}}\n")},
		}})
		said := ""
		if err := p.checkImages(t.Context()); err != nil {
			said = err.Error()
		} else if notes := p.Notes(); len(notes) > 1 {
			said = notes[1]
		}
		if said = strings.ReplaceAll(said, p.Config.Dir+"/", ""); !strings.HasPrefix(said, want) || said != "" && want == "" {
			t.Errorf("%s: %q, want %q", variable, said, want)
		}
	}
}

func TestTheServicesPlatformIsThatOfItsBuild(t *testing.T) {
	p := composeProject(t, &txtar.Archive{Files: []txtar.File{
		{Name: "compose.yaml", Data: []byte("services:\n  web:\n    build: .\n    platform: linux/arm64/v8\n    ports: [\"80:80\"]\n")},
		{Name: "Dockerfile", Data: []byte("FROM scratch\n")},
	}})
	must.Succeed(t, p.checkImages(t.Context()))
	if got := p.Config.Build[0].Platform; got != "linux/arm64" {
		t.Fatalf("the image is made for %q", got)
	}
	if err := p.Check(t.Context(), "amd64"); !mistaken(err) || !strings.Contains(err.Error(), "an image for linux/arm64 doesn't run") {
		t.Error(err)
	}
}

func TestAComposeBundleHasWhatTheFileNames(t *testing.T) {
	a := txtar.Parse([]byte(`
-- sub/.keep --
-- compose.yaml --
services:
  web:
    image: nginx:1.27
    ports: ["80:80"]
    volumes: ["./site:/site:ro", "data:/data"]
    env_file: [.env, common.env]
volumes: {data: }
-- site/index.html --
hello
-- common.env --
A=1
-- .platform/hooks/prebuild/a.sh --
exit
-- beansprout.yaml --
application: shop
dockerrun: {include: [.platform]}
`))
	digests := map[string]bool{}
	for range 2 {
		p := composeProject(t, a)
		must.Succeed(t, p.checkImages(t.Context()))
		b, err := p.Bundle(t.Context(), nil, envs.Target{Name: "shop-x"})
		must.Succeed(t, err)
		defer b.File.Close()
		digests[b.Digest] = true
		archive, err := zip.NewReader(b.File.(io.ReaderAt), b.Size)
		must.Succeed(t, err)
		var names []string
		for _, f := range archive.File {
			names = append(names, f.Name)
		}
		if want := []string{".platform/hooks/prebuild/a.sh", "common.env", "docker-compose.yml", "site/index.html"}; !slices.Equal(names, want) {
			t.Errorf("the bundle has %q, want %q", names, want)
		}
	}
	if len(digests) != 1 {
		t.Error("equal files give unequal bundles")
	}
}

func TestFilesThatTurnBeanstalkAwayFromTheComposeFileAreRefused(t *testing.T) {
	for name, tt := range map[string]struct{ file, text, want string }{
		"variables":       {".env", "A=1\n", ".env can't be in the bundle"},
		"another version": {"Dockerrun.aws.json", `{"AWSEBDockerrunVersion": 2}`, "must be of version 3"},
		"another compose": {"compose.yaml", webService, "compose.yaml can't be at the root of the bundle"},
		"an override":     {"docker-compose.override.yml", webService, "docker-compose.override.yml can't be at the root of the bundle"},
		"version 3":       {"Dockerrun.aws.json", `{"AWSEBDockerrunVersion": "3", "Authentication": {"bucket": "b", "key": "k"}}`, ""},
	} {
		p := composeProject(t, &txtar.Archive{Files: []txtar.File{
			{Name: "compose.yaml", Data: []byte(webService)}, {Name: tt.file, Data: []byte(tt.text)},
			{Name: "beansprout.yaml", Data: []byte("application: shop\ndockerrun: {include: [" + tt.file + "]}\n")},
		}})
		if err := p.checkImages(t.Context()); err == nil != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestATemplateIsFoundBesideTheFile(t *testing.T) {
	for _, tt := range []struct {
		files              []string
		template, platform string
	}{
		{[]string{"compose.yaml"}, "compose.yaml", "Docker running on 64bit Amazon Linux 2023"},
		{[]string{"docker-compose.yml", "compose.yml"}, "compose.yml", "Docker running on 64bit Amazon Linux 2023"},
		{[]string{"compose.yaml", "Dockerrun.template.json"}, "Dockerrun.template.json", "ECS running on 64bit Amazon Linux 2023"},
		{nil, "Dockerrun.template.json", "ECS running on 64bit Amazon Linux 2023"},
	} {
		var a txtar.Archive
		for _, name := range tt.files {
			a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(webService)})
		}
		c := composeProject(t, &a).Config
		if c.Dockerrun.Template != tt.template || c.Environment.Platform != tt.platform {
			t.Errorf("%q: %s on %s", tt.files, c.Dockerrun.Template, c.Environment.Platform)
		}
	}
}

func TestPathsOfAComposeFileBelowAreRefused(t *testing.T) {
	a := &txtar.Archive{Files: []txtar.File{
		{Name: "deploy/compose.yaml", Data: []byte(webService + "    volumes: [\"./site:/site\"]\n")}, {Name: "deploy/site/x", Data: nil},
		{Name: "beansprout.yaml", Data: []byte("application: shop\ndockerrun: {template: deploy/compose.yaml}\n")},
	}}
	p := composeProject(t, a)
	if err := p.checkImages(t.Context()); !mistaken(err) || !strings.Contains(err.Error(), `"site" is in deploy, and a bundle has its compose file at the root`) {
		t.Error(err)
	}
	must.Succeed(t, os.WriteFile(filepath.Join(p.Config.Dir, "deploy/compose.yaml"), []byte("services:\n  web:\n    build: ..\n    ports: [\"80:80\"]\n"), 0o600))
	must.Succeed(t, os.WriteFile(filepath.Join(p.Config.Dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600))
	must.Succeed(t, p.checkImages(t.Context()))
	if got := p.Config.Build[0].Context; got != "." {
		t.Errorf("the context is %q", got)
	}
}

func TestTheFileOfTheProjectWinsOverABuild(t *testing.T) {
	p := composeProject(t, &txtar.Archive{Files: []txtar.File{
		{Name: "compose.yaml", Data: []byte("services:\n  web:\n    build: {context: ./app, target: dev}\n    ports: [\"80:80\"]\n  api:\n    build: ./api\n")},
		{Name: "app/Dockerfile", Data: []byte("FROM scratch AS release\n")}, {Name: "api/Dockerfile", Data: []byte("FROM scratch\n")},
		{Name: "beansprout.yaml", Data: []byte("application: shop\nbuild: {web: {context: app, target: release}}\n")},
	}})
	must.Succeed(t, p.checkImages(t.Context()))
	if b := p.Config.Build; len(b) != 2 || b[0].Target != "release" || b[1].Name != "api" || b[1].Context != "api" {
		t.Errorf("the images are %+v", p.Config.Build)
	}
	web, api := "r.example/web@sha256:"+strings.Repeat("1", 64), "r.example/api@sha256:"+strings.Repeat("2", 64)
	document, err := p.Document([]envs.Image{{Name: "web", Reference: web}, {Name: "api", Reference: api}}, envs.Target{})
	must.Succeed(t, err)
	if want := "services:\n  web:\n    image: \"" + web + "\"\n    ports: [\"80:80\"]\n  api:\n    image: \"" + api + "\"\n"; string(document.Text) != want {
		t.Errorf("got\n%s\nwant\n%s", document.Text, want)
	}
}

func TestTheComposeExampleIsUnderstood(t *testing.T) {
	p, err := Read(t.Context(), "../../../examples/compose", "", os.LookupEnv)
	must.Succeed(t, err)
	must.Succeed(t, p.checkImages(t.Context()))
	if b := p.Config.Build; len(b) != 1 || b[0].Name != "web" || b[0].Args["VERSION"] != "1" || len(p.named) > 0 {
		t.Errorf("the images are %+v, and the bundle has %v", b, p.named)
	}
	if notes := p.Notes(); len(notes) != 2 || !strings.Contains(notes[0], "a redeploy that changes service store interrupts it") {
		t.Errorf("the notes are %q", notes)
	}
}

func TestAnImageThatNobodyHasIsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("the engine is asked for the image")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	image := strings.TrimPrefix(server.URL, "http://") + "/shop:1"
	p := composeProject(t, &txtar.Archive{Files: []txtar.File{{Name: "compose.yaml", Data: []byte(strings.Replace(webService, "nginx:1.27", image, 1))}}})
	err := p.Open(t.Context())
	defer p.Close()
	if want := "compose.yaml:3:5: services.web.image: its registry has no image " + image; !mistaken(err) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}
