package release

import "beansprout/release/aws"

// MoveKind is a kind of move. There are no others than these.
type MoveKind string

// Moves that change the record, or nothing.
const (
	Remember MoveKind = "remember" // write Before into the record
	Enter    MoveKind = "enter"    // write Phase, Step, Reason and the time into the record
	Wait     MoveKind = "wait"     // read again later
	Gate     MoveKind = "gate"     // wait for a person
	Halt     MoveKind = "halt"     // a person is needed; Reason says what for
	End      MoveKind = "end"      // close the record with Outcome
)

// Moves that change AWS. Each may be made again: the same again changes nothing.
const (
	Resize          MoveKind = "resize" // Min, Max and Desired that are not nil, in one call
	SetTag          MoveKind = "tag"
	RemoveTag       MoveKind = "remove tag"
	Suspend         MoveKind = "suspend"
	Resume          MoveKind = "resume"
	EnterStandby    MoveKind = "enter standby" // and lower the desired capacity
	ExitStandby     MoveKind = "exit standby"
	Register        MoveKind = "register"
	Terminate       MoveKind = "terminate" // one id, without lowering the desired capacity
	PutSchedules    MoveKind = "put schedules"
	RemoveSchedules MoveKind = "remove schedules"
	PutPolicy       MoveKind = "put policy"
	RemovePolicy    MoveKind = "remove policy"
)

// A Move is the one thing to do now. Fields that its kind has no use for are empty.
type Move struct {
	Kind   MoveKind
	Reason string // in words
	Stands []Fact // the readings that it stands on

	Group       string // the Auto Scaling group that it changes
	TargetGroup string // the ARN of Register
	IDs         []string
	Processes   []string
	Key         string // of a tag
	Tag         aws.Tag
	Schedules   []aws.Schedule
	Names       []string // of schedules, or of one policy
	Policy      aws.Policy

	Min, Max, Desired *int

	Before  map[string]Before
	Phase   Phase
	Step    int
	Outcome Outcome
}

// ChangesAWS reports whether the move is a call that changes something at AWS.
func (m Move) ChangesAWS() bool {
	switch m.Kind {
	case Remember, Enter, Wait, Gate, Halt, End:
		return false
	}
	return true
}

// standbyLimit is how many ids one call may move to Standby or back.
const standbyLimit = 20
