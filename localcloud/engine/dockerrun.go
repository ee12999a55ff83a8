package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"beansprout/dockerrun"
)

// document holds the parts of a Dockerrun.aws.json of version 2 that Beanstalk honours.
type document struct {
	version    json.RawMessage
	access     *access // credentials for the images' registry, which are not used
	volumes    []volume
	containers []definition
}

type access struct{ bucket, key string }

type volume struct {
	name, sourcePath string
	shared           string // the name or file system of a volume that has no path and outlasts deployments
}

type definition struct {
	name, image                      string
	essential                        *bool
	memory, reservation              int64 // MiB
	environment                      []variable
	command, entryPoint, links       []string
	ports                            []portMapping
	mounts                           []mountPoint
	volumesFrom                      []volumeSource
	dependsOn                        []dependency
	user, workingDirectory, hostname string
	front                            int // its port behind the environment's URL; 0 if it is not the front
}

type variable struct{ name, value string }

type portMapping struct {
	host, container int
	protocol        string
	ports           string // containerPortRange, instead of host and container
}

type mountPoint struct {
	volume, path string
	readOnly     bool
}

type dependency struct{ container string }

type volumeSource struct {
	container string
	readOnly  bool
}

// refused returns the failure for a document that Beanstalk itself refuses, in AWS's words.
func refused(format string, args ...any) *Failure {
	return &Failure{cause: "ECS Application sourcebundle validation error: " + fmt.Sprintf(format, args...)}
}

// refusedByECS returns the failure for a task definition that ECS refuses, in Beanstalk's words.
func refusedByECS(message string) *Failure {
	return &Failure{cause: "Service:AmazonECS, Code:ClientException, Message:" + oneLine(message, 400) +
		", Class:com.amazonaws.services.ecs.model.ClientException"}
}

// parse reads an untrusted Dockerrun.aws.json, of which a container must answer on port. Its error is
// a *Failure in AWS's words.
func parse(text []byte, port int) (document, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return d, mistake(text, err)
	}
	switch version := strings.Trim(string(d.version), `"`); version {
	case "", "null":
		return d, refused("AWSEBDockerrunVersion is missing.")
	case "2":
		return d, d.check(port)
	default:
		return d, refused("Unsupported AWSEBDockerrunVersion: %s", oneLine(version, 40))
	}
}

// mistake returns the failure for an error of the JSON decoder. AWS names the token, not its
// position.
func mistake(text []byte, err error) *Failure {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		before := text[:min(int(syntax.Offset), len(text))]
		return refused("Dockerrun.aws.json is not JSON: line %d: %s", 1+bytes.Count(before, []byte("\n")), oneLine(err.Error(), 200))
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		if kind.Value == "object" || kind.Value == "array" {
			return refused("We expected a VALUE token but got: START_%s", strings.ToUpper(kind.Value))
		}
		place, _, _ := strings.Cut(err.Error(), ": json:")
		return refused("%s: not a place for %s", oneLine(place, 200), oneLine(kind.Value, 40))
	}
	return refused("%s", oneLine(err.Error(), 200))
}

// fields maps the honoured keys of an object to the variables that take their values. All other
// keys of the format are known, too, and ignored.
type fields map[string]any

// decode reads the object at a path of the format. It is stricter than encoding/json, because AWS
// distinguishes upper and lower case in keys.
func (f fields) decode(b []byte, path ...string) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil {
		return err
	}
	known := dockerrun.Keys(path...)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if _, ok := known[key]; !ok {
			return fmt.Errorf("unknown key %q", key)
		}
		if f[key] == nil {
			continue
		}
		if err := json.Unmarshal(object[key], f[key]); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func (d *document) UnmarshalJSON(b []byte) error {
	return fields{"AWSEBDockerrunVersion": &d.version, "volumes": &d.volumes, "containerDefinitions": &d.containers, "authentication": &d.access}.decode(b)
}

func (v *volume) UnmarshalJSON(b []byte) error {
	var host, docker, efs json.RawMessage
	err := fields{"name": &v.name, "host": &host, "dockerVolumeConfiguration": &docker, "efsVolumeConfiguration": &efs}.decode(b, "volumes")
	if err != nil {
		return err
	}
	var scope, system, root string
	for _, part := range []struct {
		key    string
		text   json.RawMessage
		fields fields
	}{
		{"host", host, fields{"sourcePath": &v.sourcePath}},
		{"dockerVolumeConfiguration", docker, fields{"scope": &scope}},
		{"efsVolumeConfiguration", efs, fields{"fileSystemId": &system, "rootDirectory": &root}},
	} {
		if part.text == nil {
			continue
		}
		if err := part.fields.decode(part.text, "volumes", part.key); err != nil {
			return err
		}
	}
	switch {
	case system != "":
		v.shared = "efs:" + system + ":" + path.Clean("/"+root)
	case scope == "shared":
		v.shared = "docker:" + v.name
	}
	return nil
}

// UnmarshalJSON ignores the keys that Beanstalk only passes on to ECS: they mean nothing on this
// machine, or must not be granted (privileged).
func (c *definition) UnmarshalJSON(b []byte) error {
	return fields{
		"name": &c.name, "image": &c.image, "essential": &c.essential,
		"memory": &c.memory, "memoryReservation": &c.reservation, "environment": &c.environment,
		"command": &c.command, "entryPoint": &c.entryPoint, "links": &c.links,
		"portMappings": &c.ports, "mountPoints": &c.mounts, "volumesFrom": &c.volumesFrom,
		"user": &c.user, "workingDirectory": &c.workingDirectory, "hostname": &c.hostname, "dependsOn": &c.dependsOn,
	}.decode(b, "containerDefinitions")
}

func (a *access) UnmarshalJSON(b []byte) error {
	return fields{"bucket": &a.bucket, "key": &a.key}.decode(b, "authentication")
}

func (d *dependency) UnmarshalJSON(b []byte) error {
	return fields{"containerName": &d.container}.decode(b, "containerDefinitions", "dependsOn")
}

func (v *variable) UnmarshalJSON(b []byte) error {
	return fields{"name": &v.name, "value": &v.value}.decode(b, "containerDefinitions", "environment")
}

func (p *portMapping) UnmarshalJSON(b []byte) error {
	return fields{"hostPort": &p.host, "containerPort": &p.container, "protocol": &p.protocol, "containerPortRange": &p.ports}.decode(b, "containerDefinitions", "portMappings")
}

func (m *mountPoint) UnmarshalJSON(b []byte) error {
	return fields{"sourceVolume": &m.volume, "containerPath": &m.path, "readOnly": &m.readOnly}.decode(b, "containerDefinitions", "mountPoints")
}

func (v *volumeSource) UnmarshalJSON(b []byte) error {
	return fields{"sourceContainer": &v.container, "readOnly": &v.readOnly}.decode(b, "containerDefinitions", "volumesFrom")
}
