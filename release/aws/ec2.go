package aws

import "time"

// A Machine is an instance as EC2 describes it.
type Machine struct {
	ID       string
	State    MachineState
	Launched time.Time
	Tags     map[string]string
	At       time.Time
}

// MachineState is the state of an instance in EC2.
type MachineState string

// The states of instances.
const (
	MachinePending MachineState = "pending"
	Running        MachineState = "running"
	ShuttingDown   MachineState = "shutting-down"
	Terminated     MachineState = "terminated"
	Stopping       MachineState = "stopping"
	Stopped        MachineState = "stopped"
)
