package engine

import (
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Each of them is told by name, with its last words, before the deadline, and changes nothing.
func TestFailingServicesAreNamed(t *testing.T) {
	t.Parallel()
	const probe = "\n\t\thealthcheck: {test: [CMD, /app, probe], interval: 1s, timeout: 10s, retries: 2}"
	service := func(name, more string) string { return "\t" + name + ":\n\t\timage: IMAGE" + more + "\n" }
	tests := map[string]struct {
		text string
		want []string
	}{
		"crashes": {one + service("job", "\n\t\tcommand: ['exit=3']"),
			[]string{"service job stopped with exit code 3:", "about to give up"}},
		"crashes again and again": {one + service("job", "\n\t\tcommand: ['exit=3']\n\t\trestart: always"),
			[]string{"service job stops again and again, with exit code 3:", "about to give up"}},
		"never gets healthy": {one + service("api", "\n\t\tcommand: ['mute']"+probe),
			[]string{"service api is not healthy (its health check ended with exit code 1: not well:"}},
		"waits for one that fails": {one + "\t\tdepends_on: {job: {condition: service_completed_successfully}}\n" + service("job", "\n\t\tcommand: ['exit=7']"),
			[]string{"service job stopped with exit code 7:", "about to give up", "(service web waits for job)"}},
		"waits for one that never gets healthy": {one + "\t\tdepends_on: {api: {condition: service_healthy}}\n" + service("api", "\n\t\tcommand: ['mute']"+probe),
			[]string{"service api is not healthy (its health check ended with exit code 1: not well:", "(service web waits for api)"}},
		"waits for one without a check": {one + "\t\tdepends_on: {api: {condition: service_healthy}}\n" + service("api", ""),
			[]string{"service web waits for api to be healthy, which has no health check"}},
		"the front ends": {one + "\t\tcommand: ['exit=0']\n",
			[]string{"service web stopped with exit code 0:", "about to give up"}},
		"needs a missing variable": {one + "\t\tenvironment: {URL: '${DATABASE_URL:?is not set}'}\n",
			[]string{"docker-compose.yml: ", "services.web.environment", "DATABASE_URL", "is not set"}},
		"image that does not exist":   {one + "\tapi: {image: '127.0.0.1:1/none:1'}\n", []string{"service api: ", "127.0.0.1:1"}},
		"command that does not exist": {one + service("api", "\n\t\tentrypoint: [/none]"), []string{"service api: ", "/none"}},
	}
	e := newTestEngine(t, Config{Deadline: 10 * time.Minute})
	get := visit(t, e)
	deploy(t, e, composed(t, "v1", one))
	before := strings.Join(things(t, e), " ")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := e.Deploy(t.Context(), composed(t, "v2", test.text))
			var failure *Failure
			if !errors.As(err, &failure) || failure.Down() {
				t.Fatalf("got %v, want a failure that leaves v1 serving", err)
			}
			for _, part := range test.want {
				if !strings.Contains(failure.Reason(), part) {
					t.Errorf("reason %q, want %q in it", failure.Reason(), part)
				}
			}
			if strings.ContainsAny(failure.Reason(), "\n\x1b") || strings.Contains(failure.Reason(), e.Dir) {
				t.Errorf("reason %q is not one clean line", failure.Reason())
			}
			want(t, get, "/", 200, "version=v1")
			if after := strings.Join(things(t, e), " "); after != before {
				t.Errorf("there are %q, want %q", after, before)
			}
		})
	}
}

func TestServiceThatCrashesAtFirstComesUp(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	deploy(t, e, composed(t, "v1", one+`
		command: ["flaky=2"]
		restart: on-failure
`))
	want(t, get, "/", 200, "version=v1")
}

func TestFilesThatCannotRunAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"nothing on port 80":    {"services: {web: {image: i, ports: ['8080:8080']}}", "no service publishes port 80"},
		"port 80 on a loopback": {"services: {web: {image: i, ports: ['127.0.0.1:80:8080']}}", "no service publishes port 80"},
		"a port twice":          {one + "\tb: {image: i, ports: ['80:1']}", "port is already allocated by b"},
		"two of the front":      {one + "\t\tscale: 2", "port is already allocated by another container of web"},
		"no YAML":               {"services: [", composeName},
		"unknown key":           {one + "\t\timaeg: i", "imaeg"},
		"no image":              {one + "\tb: {build: .}", "service b: the local cloud builds no images"},
		"network of the host":   {one + "\tb: {image: i, network_mode: host}", "service b: network_mode host"},
		"network of others":     {one + "\tb: {image: i, network_mode: beansprout-other}", "service b: network_mode beansprout-other"},
		"the common network":    {one + "\tb: {image: i, network_mode: bridge}", "service b: network_mode bridge"},
		"below a writable path": {one + "\t\tvolumes: ['./x:/x']\n\tb: {image: IMAGE, volumes: ['./x/y:/y:ro']}", "b mounts at /y a path below the one that web mounts at /x"},
		"external network":      {one + "networks: {n: {external: true}}", "network n declared as external, but could not be found"},
		"external volume":       {one + "volumes: {v: {external: true}}", `external volume "v" not found`},
		"waits for nothing":     {one + "\t\tdepends_on: [none]", `undefined service "none"`},
		"waits for itself":      {one + "\t\tdepends_on: [b]\n\tb: {image: i, depends_on: [web]}", "cycle"},
		"file of this machine":  {one + "\tb: {image: i, env_file: /etc/passwd}", "service b: env_file /etc/passwd is not in the bundle"},
		"extends this machine":  {one + "\tb: {extends: {file: ../../x.yml, service: x}}", "../../x.yml is not in the bundle"},
		"includes this machine": {"include: [/etc/x.yml]\n" + one, "include is refused"},
		"secret outside":        {one + "\t\tsecrets: [s]\nsecrets: {s: {file: /etc/passwd}}", "the file of s is not in the bundle"},
	}
	e := newTestEngine(t, Config{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var failure *Failure
			if err := e.Deploy(t.Context(), composed(t, "v1", test.text)); !errors.As(err, &failure) || !strings.Contains(failure.Reason(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if left := things(t, e); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
	lines := composed(t, "v1", one)
	lines.Variables["KEY"] = "a\nB=c"
	if err := e.Deploy(t.Context(), lines); err == nil || !strings.Contains(err.Error(), "variable KEY has more than one line") {
		t.Errorf("a variable with two lines: %v", err)
	}
	document := deploymentWith(t, "v1", web(nil))
	document.Compose = true
	if err := e.Deploy(t.Context(), document); err == nil || err.Error() != "Invalid Dockerrun.aws.json version, abort deployment" {
		t.Errorf("a Dockerrun document of version 2: %v", err)
	}
}

func TestNoRequestFailsWhileComposeServicesChange(t *testing.T) {
	e := newTestEngine(t, Config{})
	server := httptest.NewServer(e.Router(func(string) (string, bool) { return "e-abcdefghij", true }))
	defer server.Close()
	text := one + `
	api:
		image: IMAGE
		environment: {VERSION: "$API"}
	cache:
		image: IMAGE
`
	version := func(i int) { // either the front changes, or only what it asks without depending on it
		d := composed(t, "v", strings.Replace(text, "$API", string(rune('0'+i/2)), 1))
		d.Variables["VERSION"] = string(rune('0' + (i+1)/2))
		deploy(t, e, d)
	}
	version(0)
	var clients sync.WaitGroup
	var stop atomic.Bool
	var asked atomic.Int64
	for i := range 16 {
		path := []string{"/", "/slow", "/peer?host=api:8080/slow", "/peer?host=cache:8080"}[i%4]
		clients.Go(func() {
			for !stop.Load() {
				asked.Add(1)
				if err := ask16(server.Client(), server.URL+path); err != nil {
					t.Errorf("GET %s: %v", path, err)
				}
			}
		})
	}
	for i := range redeploys() {
		version(i%8 + 1)
	}
	stop.Store(true)
	clients.Wait()
	t.Logf("%d redeploys, %d requests", redeploys(), asked.Load())
}
