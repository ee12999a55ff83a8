package engine

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
)

func TestEveryHonouredFieldReachesTheContainer(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	volumes := []object{
		{"name": "page", "host": object{"sourcePath": "/var/app/current/page"}},
		{"name": "conf", "host": object{"sourcePath": "/var/app/current/app.conf"}},
		{"name": "none", "host": object{"sourcePath": "/var/app/current/not/there"}},
		{"name": "disk", "host": object{"sourcePath": "/data"}},
		{"name": "scratch"},
	}
	front := web(object{
		"memory": 64, "memoryReservation": 32, "user": "1000", "workingDirectory": "/tmp", "hostname": "shop", "privileged": true,
		"entryPoint": []string{"/app", "status=201"}, "command": []string{"one", "two words"},
		"environment":      []object{{"name": "OWN", "value": "a=b"}, {"name": "BOTH", "value": "definition"}},
		"portMappings":     []object{{"hostPort": 80, "containerPort": 8080}, {"hostPort": 5000, "containerPort": 5000}},
		"volumesFrom":      []object{{"sourceContainer": "keeper", "readOnly": true}},
		"mountPoints":      []object{{"sourceVolume": "page", "containerPath": "/page", "readOnly": true}, {"sourceVolume": "conf", "containerPath": "/etc/app.conf"}},
		"logConfiguration": object{"logDriver": "awslogs"},
	})
	keeper := object{"name": "keeper", "image": testImage, "memory": 4, "memoryReservation": 4, "essential": false, "mountPoints": []object{
		{"sourceVolume": "disk", "containerPath": "/disk"}, {"sourceVolume": "scratch", "containerPath": "/scratch"},
		{"sourceVolume": "none", "containerPath": "/none"}, {"sourceVolume": "awseb-logs-keeper", "containerPath": "/log"}}}
	d := deploymentOf("v1", zipOf(t, documentName, dockerrunOf(volumes, front, keeper), "page/index.html", "hello", "app.conf", "debug"))
	d.Variables["BOTH"] = "deployment"
	d.HealthPath = "healthz"
	if err := e.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 201, "version=v1")
	want(t, get, "/about", 200, `args=["/app" "status=201" "one" "two words"] uid=1000 dir=/tmp hostname=shop`)
	want(t, get, "/env?name=OWN", 200, "a=b")
	want(t, get, "/env?name=BOTH", 200, "definition")
	want(t, get, "/read?file=/page/index.html", 200, "hello")
	want(t, get, "/read?file=/etc/app.conf", 200, "debug")
	want(t, get, "/write?file=/disk/x&text=y", 422, "read-only")
	want(t, get, "/read?file=/none", 422, "is a directory")

	all, err := e.docker.ContainerList(t.Context(), container.ListOptions{Filters: e.mine()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		found, err := e.docker.ContainerInspect(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		h := found.HostConfig
		isFront := c.Labels[labelContainer] == "web"
		if isFront && (h.Memory != 64<<20 || h.MemoryReservation != 32<<20) || !isFront && h.Memory != leastMemory<<20 {
			t.Errorf("%s: memory %d, reservation %d", c.Names, h.Memory, h.MemoryReservation)
		}
		if h.Privileged {
			t.Errorf("%s is privileged", c.Names)
		}
		if got := len(h.PortBindings); isFront && got != 1 || !isFront && got != 0 {
			t.Errorf("%s publishes %v", c.Names, h.PortBindings)
		}
		if policy := h.RestartPolicy.Name; isFront != (policy == container.RestartPolicyAlways) {
			t.Errorf("%s has restart policy %q", c.Names, policy)
		}
	}
}

func TestOnlyPathsOfTheInstanceOutlastGenerations(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	deploy := func(version string) {
		t.Helper()
		volumes := []object{{"name": "disk", "host": object{"sourcePath": "/data"}}, {"name": "scratch"}}
		mounts := []object{{"sourceVolume": "disk", "containerPath": "/srv"}, {"sourceVolume": "scratch", "containerPath": "/scratch"}}
		zipped := zipOf(t, documentName, dockerrunOf(volumes, web(object{"mountPoints": mounts})))
		if err := e.Deploy(t.Context(), deploymentOf(version, zipped)); err != nil {
			t.Fatal(err)
		}
	}
	deploy("v1")
	want(t, get, "/read?file=/srv/motd", 422, "no such file") // the volume hides the image's file
	want(t, get, "/write?file=/srv/x&text=kept", 200, "written")
	want(t, get, "/write?file=/scratch/x&text=lost", 200, "written")
	deploy("v2")
	want(t, get, "/read?file=/srv/x", 200, "kept")
	want(t, get, "/read?file=/scratch/x", 422, "no such file")
	if err := e.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if left := things(t, e); len(left) != 1 || !strings.HasPrefix(left[0], "volume ") || !strings.Contains(left[0], "-disk-") {
		t.Errorf("after Close there are %q, want the disk", left)
	}
}

func TestStartOrderFollowsLinks(t *testing.T) {
	d, err := parse([]byte(dockerrunOf(nil,
		web(object{"links": []string{"b:x"}}),
		object{"name": "c", "image": "i", "memory": 4},
		object{"name": "b", "image": "i", "memory": 4, "volumesFrom": []object{{"sourceContainer": "a"}}},
		object{"name": "a", "image": "i", "memory": 4})), 80)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range d.containers {
		got = append(got, c.name)
	}
	if want := []string{"c", "a", "b", "web"}; !slices.Equal(got, want) {
		t.Errorf("started as %q, want %q", got, want)
	}
}

func TestTheFrontHasTheDeploymentsPort(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	zipped := zipOf(t, documentName, dockerrunOf(nil,
		web(object{"portMappings": []object{{"hostPort": 9050, "containerPort": 8080}}}),
		object{"name": "other", "image": testImage, "memory": 8, "portMappings": []object{{"hostPort": 80, "containerPort": 1}}}))
	d := deploymentOf("v1", zipped)
	d.Port = 9050
	if err := e.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "version=v1")
	d.Port = 9051
	if err := e.Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "no container has hostPort 9051") {
		t.Errorf("a port that no container is on: %v", err)
	}
}

func TestSharedVolumesOutlastGenerations(t *testing.T) {
	e := &Engine{Config: Config{Cloud: "c"}}
	for text, want := range map[string]string{
		`{"name": "v"}`: "volume",
		`{"name": "v", "dockerVolumeConfiguration": {"scope": "task"}}`:                                                            "volume",
		`{"name": "v", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": true}}`:                                   "disk",
		`{"name": "v", "dockerVolumeConfiguration": {"scope": "shared", "driverOpts": {"type": "none", "device": "/etc"}}}`:        "disk",
		`{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/a", "transitEncryption": "ENABLED"}}`: "disk",
	} {
		var v volume
		if err := v.UnmarshalJSON([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		g := newGeneration(Deployment{Environment: "e"}, "k")
		m := e.source(g, v)
		if m.Type != "volume" || strings.Contains(m.Source, "-disk-") != (want == "disk") || m.VolumeOptions.DriverConfig != nil {
			t.Errorf("%s: %+v, want a %s", text, m, want)
		}
	}
}
