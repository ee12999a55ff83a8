package dockerrun

import (
	"reflect"
	"strings"
)

// document is a Dockerrun.aws.json, version 2. A field is a key that may stand in one, with a
// small letter first, and has the type that is wanted there; hence the unusual initials. See
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

	Essential *bool // true where it is not said

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
	HostPort                    int // 0: any that is free
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

// fieldsOf returns the keys of an object and the types that are wanted there.
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
