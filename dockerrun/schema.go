package dockerrun

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// document is a Dockerrun.aws.json, version 2. Each field is a key, which begins with a small
// letter, and has the type of its value; hence the unusual initials. See
// "Configuring the Dockerrun.aws.json v2 file" in Beanstalk's developer guide, which says that
// volumes and containers have the format of an ECS task definition.
type document struct {
	AWSEBDockerrunVersion *int `json:"AWSEBDockerrunVersion"`
	ExecutionRoleArn      string
	Authentication        *struct{ Bucket, Key string }
	Volumes               []volume
	ContainerDefinitions  []container
}

type volume struct {
	Name                      string
	Host                      struct{ SourcePath string }
	DockerVolumeConfiguration struct {
		Scope, Driver      string
		Autoprovision      bool
		DriverOpts, Labels map[string]string
	}
	EfsVolumeConfiguration struct {
		FileSystemId, RootDirectory, TransitEncryption string
		TransitEncryptionPort                          int
		AuthorizationConfig                            struct{ AccessPointId, Iam string }
	}
}

type container struct {
	Name, Image, Hostname, User, WorkingDirectory, VersionConsistency string

	Memory, MemoryReservation      int // MiB
	Cpu, StartTimeout, StopTimeout int

	Essential *bool // nil is true

	Privileged, ReadonlyRootFilesystem, DisableNetworking, Interactive, PseudoTerminal bool

	EntryPoint, Command, DnsServers, DnsSearchDomains, DockerSecurityOptions, CredentialSpecs []string

	Links        []string // NAME or NAME:ALIAS
	PortMappings []portMapping
	MountPoints  []struct {
		SourceVolume, ContainerPath string
		ReadOnly                    bool
	}
	VolumesFrom []struct {
		SourceContainer string
		ReadOnly        bool
	}
	DependsOn []struct{ ContainerName, Condition string }

	Environment                            []struct{ Name, Value string }
	EnvironmentFiles, ResourceRequirements []struct{ Value, Type string }
	Secrets                                []secret
	RepositoryCredentials                  struct{ CredentialsParameter string }

	DockerLabels     map[string]string
	ExtraHosts       []struct{ Hostname, IpAddress string }
	SystemControls   []struct{ Namespace, Value string }
	LinuxParameters  linuxParameters
	LogConfiguration struct {
		LogDriver     string
		Options       map[string]string
		SecretOptions []secret
	}
	FirelensConfiguration struct {
		Type    string
		Options map[string]string
	}
	Ulimits []struct {
		Name                 string
		SoftLimit, HardLimit int
	}
	HealthCheck struct {
		Command                                 []string
		Interval, Timeout, Retries, StartPeriod int
	}
	RestartPolicy struct {
		Enabled              bool
		IgnoredExitCodes     []int
		RestartAttemptPeriod int
	}
}

type portMapping struct {
	ContainerPort               int
	HostPort                    int // 0 is any free port
	Protocol, Name, AppProtocol string
	ContainerPortRange          string // instead of the two ports
}

type secret struct{ Name, ValueFrom string }

type linuxParameters struct {
	Capabilities struct{ Add, Drop []string }
	Devices      []struct {
		HostPath, ContainerPath string
		Permissions             []string
	}
	InitProcessEnabled                    bool
	SharedMemorySize, MaxSwap, Swappiness int
	Tmpfs                                 []struct {
		ContainerPath string
		Size          int
		MountOptions  []string
	}
}

// Keys returns the keys of the object at a path of keys, and the types of their values. Without a
// path it returns those of the document, with "containerDefinitions" those of its containers.
func Keys(path ...string) map[string]reflect.Type {
	t := reflect.TypeFor[document]()
	for _, key := range path {
		if t = fieldsOf(t)[key]; t.Kind() == reflect.Slice {
			t = t.Elem()
		}
	}
	return fieldsOf(t)
}

// fieldsOf returns the keys of an object and the types of their values.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for field := range t.Fields() {
		key := field.Tag.Get("json")
		if key == "" {
			key = strings.ToLower(field.Name[:1]) + field.Name[1:]
		}
		fields[key] = field.Type
		if field.Type.Kind() == reflect.Pointer {
			fields[key] = field.Type.Elem()
		}
	}
	return fields
}

// kind is the kind of a JSON value, in the words of a message.
type kind string

const (
	objects   kind = "an object"
	lists     kind = "a list"
	texts     kind = "text"
	numbers   kind = "a whole number"
	fractions kind = "a number"
	booleans  kind = "true or false"
	nulls     kind = "null"
)

// kindOf returns the kind of a JSON literal.
func kindOf(literal []byte) kind {
	switch literal[0] {
	case '{':
		return objects
	case '[':
		return lists
	case '"':
		return texts
	case 't', 'f':
		return booleans
	case 'n':
		return nulls
	}
	if _, err := strconv.ParseInt(string(literal), 10, 64); err != nil {
		return fractions
	}
	return numbers
}

// kindWanted returns the kind of a type of the schema.
func kindWanted(t reflect.Type) kind {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return objects
	case reflect.Slice:
		return lists
	case reflect.Int:
		return numbers
	case reflect.Bool:
		return booleans
	default:
		return texts
	}
}

// quote returns s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string in a Buffer can't fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
