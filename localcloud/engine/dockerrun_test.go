package engine

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"
)

// Most rows change one part of a valid document.
func TestWrongDocumentsAreRefusedInAWSsWords(t *testing.T) {
	const bundle, ecs = "ECS Application sourcebundle validation error: ", "Service:AmazonECS, Code:ClientException, Message:"
	mount := func(volume, path string) object {
		return object{"mountPoints": []object{{"sourceVolume": volume, "containerPath": path}}}
	}
	tests := map[string]struct{ text, want string }{
		"no version":            {`{"containerDefinitions":[]}`, bundle + "AWSEBDockerrunVersion is missing."},
		"version in other case": {`{"AWSEBDockerrunversion":2}`, bundle + `unknown key "AWSEBDockerrunversion"`},
		"null":                  {`null`, bundle + "AWSEBDockerrunVersion is missing."},
		"version 1":             {`{"AWSEBDockerrunVersion":"1"}`, bundle + "Unsupported AWSEBDockerrunVersion: 1"},
		"version 3":             {`{"AWSEBDockerrunVersion":3}`, bundle + "Unsupported AWSEBDockerrunVersion: 3"},
		"not JSON":              {"{\n\"a\": ]", bundle + "Dockerrun.aws.json is not JSON: line 2: "},
		"object for a value":    {strings.Replace(dockerrunOf(nil, web(nil)), `"web"`, `{"a":1}`, 1), bundle + "We expected a VALUE token but got: START_OBJECT"},
		"array for an object":   {`{"AWSEBDockerrunVersion":2,"containerDefinitions":[[]]}`, bundle + "We expected a VALUE token but got: START_ARRAY"},
		"text for a number":     {dockerrunOf(nil, web(object{"memory": "64"})), bundle + "containerDefinitions: memory: not a place for string"},
		"unknown key":           {dockerrunOf(nil, web(object{"link": []string{}})), bundle + `containerDefinitions: unknown key "link"`},
		"key in other case":     {dockerrunOf(nil, web(object{"Image": "x"})), bundle + `containerDefinitions: unknown key "Image"`},
		"no front":              {dockerrunOf(nil, web(object{"portMappings": []object{{"hostPort": 8080, "containerPort": 80}}})), bundle + "no container has hostPort 80"},
		"front on udp":          {dockerrunOf(nil, web(object{"portMappings": []object{{"hostPort": 80, "containerPort": 80, "protocol": "udp"}}})), bundle + "no container has hostPort 80"},
		"no containers":         {dockerrunOf(nil), ecs + "Container list cannot be empty."},
		"too many containers":   {dockerrunOf(nil, make([]object, 11)...), ecs + "Too many containers."},
		"no name":               {dockerrunOf(nil, web(object{"name": ""})), ecs + "Container.name should not be null or empty."},
		"hostile name":          {dockerrunOf(nil, web(object{"name": "../x"})), ecs + "Container.name contains invalid characters."},
		"name twice":            {dockerrunOf(nil, web(nil), web(nil)), ecs + "Container name 'web' is used more than once."},
		"no image":              {dockerrunOf(nil, web(object{"image": ""})), ecs + "Container.image should not be null or empty."},
		"no memory":             {dockerrunOf(nil, web(object{"memory": 0})), ecs + "Invalid setting for container 'web'. At least one of 'memory' or 'memoryReservation' must be specified., Class:com.amazonaws.services.ecs.model.ClientException"},
		"negative memory":       {dockerrunOf(nil, web(object{"memory": -1})), ecs + "Invalid setting for container 'web'. 'memory' and 'memoryReservation' are MiB."},
		"memory that overflows": {dockerrunOf(nil, web(object{"memory": 1 << 60})), ecs + "Invalid setting for container 'web'. 'memory' and 'memoryReservation' are MiB."},
		"reservation over it":   {dockerrunOf(nil, web(object{"memoryReservation": 65})), ecs + "Invalid setting for container 'web'. 'memory' must be at least 'memoryReservation'."},
		"nothing essential":     {dockerrunOf(nil, web(object{"essential": false})), ecs + "TaskDefinition must have at least one essential container."},
		"host port twice":       {dockerrunOf(nil, web(nil), web(object{"name": "b"})), ecs + "A host port is used in more than one port mapping."},
		"port out of range":     {dockerrunOf(nil, web(object{"portMappings": []object{{"hostPort": 80, "containerPort": 70000}}})), ecs + "Invalid setting for container 'web'. 'portMappings'"},
		"protocol":              {dockerrunOf(nil, web(object{"portMappings": []object{{"hostPort": 80, "containerPort": 80, "protocol": "sctp"}}})), ecs + "Invalid setting for container 'web'. 'portMappings'"},
		"link to nothing":       {dockerrunOf(nil, web(object{"links": []string{"db"}})), ecs + "Container 'web' needs container 'db', which does not exist."},
		"hostile link":          {dockerrunOf(nil, web(object{"links": []string{"a:b:c"}}), object{"name": "a", "image": "i", "memory": 4}), ecs + "Invalid setting for container 'web'. 'links'"},
		"link to itself":        {dockerrunOf(nil, web(object{"links": []string{"web"}})), ecs + "Container links should not have a cycle"},
		"volumes from nothing":  {dockerrunOf(nil, web(object{"volumesFrom": []object{{"sourceContainer": "x"}}})), ecs + "Container 'web' needs container 'x'"},
		"unknown volume":        {dockerrunOf(nil, web(mount("v", "/v"))), ecs + "Unknown volume 'v'."},
		"unknown log volume":    {dockerrunOf(nil, web(mount("awseb-logs-x", "/v"))), ecs + "Unknown volume 'awseb-logs-x'."},
		"mount on the root":     {dockerrunOf(nil, web(mount("awseb-logs-web", "/x/.."))), ecs + "Invalid containerPath '/x/..' for container 'web'."},
		"relative volume":       {dockerrunOf([]object{{"name": "v", "host": object{"sourcePath": "etc"}}}, web(nil)), ecs + "Invalid volume 'v'. host.sourcePath must be absolute."},
		"volume twice":          {dockerrunOf([]object{{"name": "v"}, {"name": "v"}}, web(nil)), ecs + "Volume 'v' is used more than once."},
		"variable name":         {dockerrunOf(nil, web(object{"environment": []object{{"name": "A=B", "value": ""}}})), ecs + "Invalid setting for container 'web'. 'environment'"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parse([]byte(test.text), 80)
			var failure *Failure
			if !errors.As(err, &failure) || !strings.HasPrefix(failure.Reason(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestValidDocumentIsAccepted(t *testing.T) {
	d, err := parse([]byte(`{"AWSEBDockerrunVersion": 2, "authentication": {"bucket": "b", "key": "k"},
		"volumes": [{"name": "v", "host": {"sourcePath": "/var/app/current"}}, {"name": "w", "host": {}}, {"name": "x", "host": null}],
		"containerDefinitions": [{"name": "web", "image": "i", "memoryReservation": 8, "cpu": 10, "links": null,
			"portMappings": [{"hostPort": 80, "containerPort": 1}, {"containerPort": 2}, {"containerPort": 3}],
			"mountPoints": [{"sourceVolume": "v", "containerPath": "/v", "readOnly": true}]}]}`), 80)
	if err != nil {
		t.Fatal(err)
	}
	c := d.containers[0]
	if c.memory != 0 || c.reservation != 8 || c.front != 1 || !c.isEssential() || !c.mounts[0].readOnly {
		t.Errorf("read as %+v", c)
	}
	if got := d.bundlePaths(); len(got) != 1 || got[0] != "" {
		t.Errorf("bundle paths %q, want the root alone", got)
	}
}

func TestVolumesBelowTheBundle(t *testing.T) {
	tests := map[string]struct {
		below string
		ok    bool
	}{
		"/var/app/current": {"", true}, "/var/app/current/": {"", true}, "/var/app/current/a/b": {"a/b", true},
		"/var/app/current/../../../etc": {"", false}, "/var/app/current/a/../b": {"b", true},
		"/var/app/currently": {"", false}, "/etc": {"", false}, "": {"", false}, "/": {"", false},
	}
	for source, want := range tests {
		below, ok := belowBundle(source)
		if ok != want.ok || ok && below != want.below {
			t.Errorf("%q is below the bundle at %q, %t, want %q, %t", source, below, ok, want.below, want.ok)
		}
	}
}

func FuzzDockerrun(f *testing.F) {
	f.Add([]byte(dockerrunOf([]object{{"name": "v", "host": object{"sourcePath": "/var/app/current/x"}}}, web(object{"links": []string{"a:b"}}))))
	f.Add([]byte(dockerrunOf(nil, web(object{"links": []string{"b"}}), object{"name": "b", "image": "i", "memory": 1, "volumesFrom": []object{{"sourceContainer": "web"}}})))
	f.Add([]byte(`{"AWSEBDockerrunVersion":2,"containerDefinitions":[null]}`))
	f.Add([]byte(`{"AWSEBDockerrunVersion":{"a":"\u001b[2J"}}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := parse(text, 80)
		if err != nil {
			var failure *Failure
			if !errors.As(err, &failure) || strings.ContainsFunc(failure.Reason(), func(r rune) bool { return unicode.IsControl(r) }) {
				t.Fatalf("%q is refused with %q", text, err)
			}
			return
		}
		if !json.Valid(text) || len(d.containers) == 0 || len(d.containers) > mostContainers {
			t.Fatalf("%q is taken", text)
		}
		e, g := &Engine{}, newGeneration(Deployment{Environment: "e", Name: "n"}, "k")
		units := e.task(g, d)
		started := map[string]bool{}
		for i, c := range d.containers {
			for _, name := range c.needs() {
				if !started[name] {
					t.Fatalf("%q starts %s before %s", text, c.name, name)
				}
			}
			started[c.name] = true
			_, host, _ := e.spec(g, units[i])
			for _, m := range host.Mounts {
				if m.Type == "bind" && strings.Contains(m.Source, "..") {
					t.Fatalf("%q mounts %s", text, m.Source)
				}
			}
		}
	})
}
