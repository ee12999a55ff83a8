package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// document is a Dockerrun.aws.json of version 2, as far as Beanstalk honours it.
type document struct {
	version    json.RawMessage
	volumes    []volume
	containers []definition
}

type volume struct{ name, sourcePath string }

type definition struct {
	name, image                      string
	essential                        *bool
	memory, reservation              int64 // MiB
	environment                      []variable
	command, entryPoint, links       []string
	ports                            []portMapping
	mounts                           []mountPoint
	volumesFrom                      []volumeSource
	user, workingDirectory, hostname string
}

type variable struct{ name, value string }

type portMapping struct {
	host, container int
	protocol        string
}

type mountPoint struct {
	volume, path string
	readOnly     bool
}

type volumeSource struct {
	container string
	readOnly  bool
}

// refused is AWS's wording for a document that Beanstalk itself turns down.
func refused(format string, args ...any) *Failure {
	return &Failure{cause: "ECS Application sourcebundle validation error: " + fmt.Sprintf(format, args...)}
}

// refusedByECS is how Beanstalk hands on that ECS does not register the task definition.
func refusedByECS(message string) *Failure {
	return &Failure{cause: "Service:AmazonECS, Code:ClientException, Message:" + oneLine(message, 400) +
		", Class:com.amazonaws.services.ecs.model.ClientException"}
}

// parse reads a hostile Dockerrun.aws.json. Its error is a *Failure in AWS's words.
func parse(text []byte) (document, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return d, mistake(text, err)
	}
	switch version := strings.Trim(string(d.version), `"`); version {
	case "", "null":
		return d, refused("AWSEBDockerrunVersion is missing.")
	case "2":
		return d, d.check()
	default:
		return d, refused("Unsupported AWSEBDockerrunVersion: %s", oneLine(version, 40))
	}
}

// mistake words an error of the JSON decoder. AWS names the token that it met and no place.
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

// fields says where each key of an object goes; nil means that the key is known and not honoured.
type fields map[string]any

// decode is strict where encoding/json is kind: AWS tells upper from lower case in keys.
func (f fields) decode(b []byte) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		into, known := f[key]
		if !known {
			return fmt.Errorf("unknown key %q", key)
		}
		if into == nil {
			continue
		}
		if err := json.Unmarshal(object[key], into); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func (d *document) UnmarshalJSON(b []byte) error {
	return fields{
		"AWSEBDockerrunVersion": &d.version, "volumes": &d.volumes, "containerDefinitions": &d.containers,
		"authentication": nil, "executionRoleArn": nil, "taskRoleArn": nil, "family": nil, "networkMode": nil,
	}.decode(b)
}

func (v *volume) UnmarshalJSON(b []byte) error {
	var host json.RawMessage
	if err := (fields{"name": &v.name, "host": &host}).decode(b); err != nil || host == nil {
		return err
	}
	return fields{"sourcePath": &v.sourcePath}.decode(host)
}

// The keys without a place are ECS's own: Beanstalk hands them on, and a machine of one's own
// has no use for them or must not grant them (privileged).
func (c *definition) UnmarshalJSON(b []byte) error {
	return fields{
		"name": &c.name, "image": &c.image, "essential": &c.essential,
		"memory": &c.memory, "memoryReservation": &c.reservation, "environment": &c.environment,
		"command": &c.command, "entryPoint": &c.entryPoint, "links": &c.links,
		"portMappings": &c.ports, "mountPoints": &c.mounts, "volumesFrom": &c.volumesFrom,
		"user": &c.user, "workingDirectory": &c.workingDirectory, "hostname": &c.hostname,
		"cpu": nil, "privileged": nil, "readonlyRootFilesystem": nil, "disableNetworking": nil,
		"dnsServers": nil, "dnsSearchDomains": nil, "extraHosts": nil, "dockerSecurityOptions": nil,
		"dockerLabels": nil, "ulimits": nil, "logConfiguration": nil, "healthCheck": nil,
		"linuxParameters": nil, "interactive": nil, "pseudoTerminal": nil, "systemControls": nil,
		"resourceRequirements": nil, "secrets": nil, "environmentFiles": nil, "dependsOn": nil,
		"startTimeout": nil, "stopTimeout": nil, "repositoryCredentials": nil,
	}.decode(b)
}

func (v *variable) UnmarshalJSON(b []byte) error {
	return fields{"name": &v.name, "value": &v.value}.decode(b)
}

func (p *portMapping) UnmarshalJSON(b []byte) error {
	return fields{"hostPort": &p.host, "containerPort": &p.container, "protocol": &p.protocol}.decode(b)
}

func (m *mountPoint) UnmarshalJSON(b []byte) error {
	return fields{"sourceVolume": &m.volume, "containerPath": &m.path, "readOnly": &m.readOnly}.decode(b)
}

func (v *volumeSource) UnmarshalJSON(b []byte) error {
	return fields{"sourceContainer": &v.container, "readOnly": &v.readOnly}.decode(b)
}
