package engine

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
)

// composed returns a deployment of a compose file, in which IMAGE is the test application, and of
// more files, pairs of name and content.
func composed(t testing.TB, version, text string, files ...string) Deployment {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\t", "  "), "IMAGE", testImage)
	zipped := zipOf(t, append([]string{composeName, text}, files...)...)
	d := deploymentOf(version, zipped)
	d.Compose = true
	return d
}

// one is a compose file with a single service. Its variables come from the environment.
const one = `
services:
	web:
		image: IMAGE
		env_file: .env
		ports: ["80:8080"]
`

// containerOf returns the id of a service's running container.
func containerOf(t *testing.T, e *Engine, service string) string {
	t.Helper()
	all, err := e.docker.ContainerList(t.Context(), container.ListOptions{Filters: e.mine(labelContainer, service)})
	if err != nil || len(all) != 1 {
		t.Fatalf("%s has %d running containers: %v", service, len(all), err)
	}
	return all[0].ID
}

func deploy(t *testing.T, e *Engine, d Deployment) {
	t.Helper()
	if err := e.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// settled waits until nothing of an earlier generation is left of this many containers.
func settled(t *testing.T, e *Engine, containers int) {
	t.Helper()
	eventually(t, "the generation before goes", func() bool {
		return strings.Count(strings.Join(things(t, e), "\n"), "container ") == containers
	})
}

func TestComposeFileAnswersAtTheURL(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	deploy(t, e, composed(t, "v1", one+`
		depends_on: [api]
	api:
		image: IMAGE
		environment: {VERSION: "api of ${VERSION}", LIST: "${MISSING:-none}", PRICE: "$$5"}
`))
	want(t, get, "/a", 200, "version=v1", "path=/a", "host=shop.localhost")
	want(t, get, "/peer?host=api:8080/x", 200, "version=api of v1", "path=/x")
	want(t, get, "/peer?host=api:8080/env%3Fname=LIST", 200, "none")
	want(t, get, "/peer?host=api:8080/env%3Fname=PRICE", 200, "$5")
	if running, _, err := e.Tail(t.Context(), "e-abcdefghij", 0); err != nil || running != "==> api <==\nlistening on :8080\n==> web <==\nlistening on :8080\n" {
		t.Errorf("Tail = %q, %v, want one section for each service", running, err)
	}
	deploy(t, e, composed(t, "v2", one))
	want(t, get, "/", 200, "version=v2")
	eventually(t, "only one container and its network stay", func() bool { return len(things(t, e)) == 2 })
	if err := e.Terminate(t.Context(), "e-abcdefghij"); err != nil {
		t.Fatal(err)
	}
	if left := things(t, e); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestVariablesReachServicesOnlyThroughTheFile(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	d := composed(t, "v1", one+`
		environment: [LISTED, "SET=${LISTED}"]
	blind:
		image: IMAGE
`)
	d.Variables["LISTED"], d.Variables["PRICE"] = "a b", "$HOME costs $5"
	deploy(t, e, d)
	want(t, get, "/env?name=PRICE", 200, "$HOME costs $5")
	want(t, get, "/env?name=LISTED", 200, "a b")
	want(t, get, "/env?name=SET", 200, "a b")
	want(t, get, "/peer?host=blind:8080", 200, "version= ")
	own := composed(t, "v2", one, envName, "VERSION=of the bundle\n")
	own.Variables["PRICE"] = "5"
	deploy(t, e, own)
	want(t, get, "/", 200, "version=of the bundle")
	if _, text := get("/env?name=PRICE"); text != "" {
		t.Errorf("a bundle with a .env sees the environment's variable: %q", text)
	}
}

func TestUnchangedServicesStay(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	text := one + `
		depends_on: [api, cache]
		links: ["cache:store"]
	api:
		image: IMAGE
		environment: {VERSION: "$API"}
		depends_on: [cache]
	cache:
		image: IMAGE
		networks: [default, inner]
networks:
	inner: {internal: true}
`
	with := func(version, api string) Deployment {
		d := composed(t, version, text)
		d.Variables["API"] = api
		return d
	}
	deploy(t, e, with("v1", "one"))
	api, cache := containerOf(t, e, "api"), containerOf(t, e, "cache")
	for i, api2 := range []string{"one", "two", "two"} {
		version := "v" + string(rune('2'+i))
		deploy(t, e, with(version, api2))
		settled(t, e, 3)
		want(t, get, "/", 200, "version="+version)
		want(t, get, "/peer?host=api:8080", 200, "version="+api2)
		want(t, get, "/peer?host=cache:8080/peer%3Fhost=api:8080", 200, "version="+api2)
		want(t, get, "/peer?host=store:8080", 200, "version=")
		if now := containerOf(t, e, "cache"); now != cache {
			t.Errorf("%s: the cache was replaced", version)
		}
		if now := containerOf(t, e, "api"); (now == api) != (api2 == "one") {
			t.Errorf("%s: the api is %s, was %s", version, now, api)
		}
	}
	second := killed(t, e)
	deploy(t, second, with("v4", "two"))
	want(t, visit(t, second), "/", 200, "version=v4")
	if now := containerOf(t, e, "cache"); now != cache {
		t.Error("the cache was replaced after a restart")
	}
}

func TestEnvironmentsOfOneComposeFileShareNothing(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	other := withVolume(t, "other", "theirs", alone)
	other.Environment = "e-other"
	deploy(t, e, withVolume(t, "v1", "ours", alone))
	want(t, get, "/peer?host=db:8080/write%3Ffile=/data/x%26text=ours", 200, "written")
	deploy(t, e, other)
	want(t, get, "/peer?host=db:8080/", 200, "version=ours")
	front, _ := e.site("e-other").acquire()
	theirs := func(path string) (int, string) { return answerOf(front, path) }
	want(t, theirs, "/peer?host=db:8080/", 200, "version=theirs")
	want(t, theirs, "/peer?host=db:8080/read%3Ffile=/data/x", 200, "no such file")
	if err := e.Terminate(t.Context(), "e-other"); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/peer?host=db:8080/read%3Ffile=/data/x", 200, "ours")
	if made := things(t, e); len(made) != 4 {
		t.Errorf("there are %q, want two containers, a network and a volume", made)
	}
}

func TestComposeGapStopsTheVersionBefore(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{ComposeGap: time.Second})
	get := visit(t, e)
	deploy(t, e, composed(t, "v1", one))
	started := make(chan error)
	go func() { started <- e.Deploy(t.Context(), composed(t, "v2", one)) }()
	eventually(t, "nothing answers", func() bool { status, text := get("/"); return status == 503 && strings.Contains(text, "was stopped") })
	eventually(t, "the version before is gone", func() bool { return len(things(t, e)) == 0 })
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "version=v2")
	broken := composed(t, "v3", one+"\t\tcommand: ['exit=1']\n")
	var failure *Failure
	if err := e.Deploy(t.Context(), broken); !errors.As(err, &failure) || !failure.Down() {
		t.Errorf("got %v, want a failure after which nothing answers", err)
	}
	refused := deploymentOf("v4", bytes.Clone(zipOf(t, composeName, "services: {}")))
	refused.Compose = true
	deploy(t, e, composed(t, "v2", one))
	if err := e.Deploy(t.Context(), refused); !errors.As(err, &failure) || failure.Down() {
		t.Errorf("got %v, want a refusal before anything is stopped", err)
	}
}

func TestLogFoldersAreInTheLogs(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	deploy(t, e, composed(t, "v1", one+"\t\tvolumes: ['${EB_LOG_BASE_DIR}/web:/logs']\n"))
	want(t, get, "/write?file=/logs/app.log&text=first%0Asecond%0Athird", 200, "written")
	running, _, err := e.Tail(t.Context(), "e-abcdefghij", 2)
	if want := "==> web <==\nlistening on :8080\n==> /var/log/eb-docker/containers/web/app.log <==\nsecond\nthird\n"; err != nil || running != want {
		t.Errorf("Tail = %q, %v, want %q", running, err, want)
	}
}

func TestServiceInTheNetworkOfAnotherIsReplacedWithIt(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	text := one + `
	api:
		image: IMAGE
		command: [mute]
	inside:
		image: IMAGE
		environment: {VERSION: inside}
		network_mode: "service:api"
`
	for _, version := range []string{"v1", "v2"} {
		deploy(t, e, composed(t, version, text))
		want(t, get, "/", 200, "version="+version)
		want(t, get, "/peer?host=api:8080", 200, "version=inside")
	}
	settled(t, e, 3)
	want(t, get, "/peer?host=api:8080", 200, "version=inside")
}

func TestReplicasShareAName(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	deploy(t, e, composed(t, "v1", one+"\tapi: {image: IMAGE, scale: 2, environment: {VERSION: api}}\n"))
	want(t, get, "/peer?host=api:8080", 200, "version=api")
	settled(t, e, 3)
	if err := e.Deploy(t.Context(), composed(t, "v2", one+"\tapi: {image: IMAGE, scale: 2}\n\tapi-2: {image: IMAGE}\n")); err == nil || !strings.Contains(err.Error(), "service api-2 has the name of a replica of api") {
		t.Errorf("a replica with the name of a service: %v", err)
	}
}

// Labels of the file and of images that look like the engine's do not count.
func TestLabelsOfTheFileDoNotCount(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	text := one + `
		labels: {beansprout.local: x, beansprout.environment: e-other, beansprout.generation: x, com.example: "yes"}
	api:
		image: IMAGE
		labels: {beansprout.front: "1", beansprout.host: x, beansprout.health: /x, beansprout.logs: "/var/log/eb-docker/containers/x:/"}
`
	deploy(t, e, composed(t, "v1", text))
	web, err := e.docker.ContainerInspect(t.Context(), containerOf(t, e, "web"))
	if err != nil || web.Config.Labels["com.example"] != "yes" {
		t.Errorf("labels %v, %v, want the file's own", web.Config, err)
	}
	api, err := e.docker.ContainerInspect(t.Context(), containerOf(t, e, "api"))
	if err != nil || api.Config.Labels[labelFront]+api.Config.Labels[labelHost]+api.Config.Labels[labelHealth]+api.Config.Labels[labelLogs] != "" {
		t.Errorf("labels %v, %v, want none of a front", api.Config, err)
	}
	second := killed(t, e)
	deploy(t, second, composed(t, "v2", text))
	want(t, visit(t, second), "/", 200, "version=v2")
	if err := second.Terminate(t.Context(), "e-abcdefghij"); err != nil {
		t.Fatal(err)
	}
}

func TestLaterKeysAreForEnginesThatKnowThem(t *testing.T) {
	t.Parallel()
	interval := types.Duration(time.Second)
	var part types.ServiceConfig
	part.Volumes = []types.ServiceVolumeConfig{{Type: types.VolumeTypeVolume, Source: "data", Target: "/data", Volume: &types.ServiceVolumeVolume{Subpath: "part"}}}
	for version, want := range map[string]time.Duration{"1.41": 0, "1.44": time.Second, "1.45": time.Second} {
		docker, err := client.NewClientWithOpts(client.WithVersion(version))
		if err != nil {
			t.Fatal(err)
		}
		e := &Engine{Config: Config{Cloud: "abcdef"}, docker: docker}
		c := composer{Engine: e, g: &generation{}, project: &types.Project{}}
		if h := c.healthcheck(&types.HealthCheckConfig{StartInterval: &interval}); h.StartInterval != want {
			t.Errorf("API %s: the start interval is %s, want %s", version, h.StartInterval, want)
		}
		mounts, _, err := c.mounts(part)
		if known := err == nil && mounts[0].VolumeOptions.Subpath == "part"; known != (version == "1.45") {
			t.Errorf("API %s: mounts %v, %v", version, mounts, err)
		}
	}
}

// An address that a file fixes is not this machine's to give, and IPv4 and IPv6 are no double.
func TestAddressesOfTheInstanceAreNotRefused(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	deploy(t, e, composed(t, "v1", `
services:
	web:
		image: IMAGE
		env_file: .env
		ports: ["0.0.0.0:80:8080", "[::]:80:8080"]
		networks: {n: {ipv4_address: 10.0.0.2}}
networks:
	n: {ipam: {config: [{subnet: 10.0.0.0/24}]}}
`))
	want(t, visit(t, e), "/", 200, "version=v1")
}
