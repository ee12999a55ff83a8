// Package autoscaling is EC2 Auto Scaling on this machine: groups, their scheduled actions and
// policies, and a reconciler that launches and terminates instances of a fleet. One file holds the
// state and survives a kill at any time: what was begun is continued when it is opened again.
package autoscaling

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"beansprout/localcloud/instance"
	"beansprout/localcloud/table"
	"beansprout/localcloud/wire"
)

// Templates are the launch templates.
type Templates interface {
	// Launched returns an instance as a version of a template, named by its id or its name, describes
	// it. The error is EC2's refusal.
	Launched(region, account, id, name, version string) (instance.Instance, error)
}

// Config configures a Service.
type Config struct {
	File      string // of the state
	Fleet     *instance.Fleet
	Templates Templates
	Targets   instance.Targets // nil = there are no target groups
	Now       func() time.Time
	Sleep     func(context.Context, time.Duration) error // by the clock of Now
	Log       *slog.Logger                               // nil = no log
}

// Service is Auto Scaling.
type Service struct {
	Config
	db     *bolt.DB
	ctx    context.Context // ends when Close is called
	cancel context.CancelFunc
	wait   sync.WaitGroup
	poked  chan struct{}
}

// Open opens the state and reconciles its groups until [Service.Close].
func Open(ctx context.Context, c Config) (*Service, error) {
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	db, err := table.Open(c.File, groups.Bucket, activities.Bucket)
	if err != nil {
		return nil, err
	}
	s := &Service{Config: c, db: db, poked: make(chan struct{}, 1)}
	if err := db.Update(s.forget); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", c.File, err), db.Close())
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.Fleet.Watch(s.poke)
	s.wait.Go(s.run)
	return s, nil
}

// Close ends the reconciling, which the next Open continues.
func (s *Service) Close() error {
	s.cancel()
	s.wait.Wait()
	return s.db.Close()
}

// poke has the reconciler look at once.
func (s *Service) poke() {
	select {
	case s.poked <- struct{}{}:
	default: // it will look anyway
	}
}

// Namespace is that of the answers.
const Namespace = "http://autoscaling.amazonaws.com/doc/2011-01-01/"

// Handler returns the handler of the query protocol. Requests must come from [wire.WithCall].
func (s *Service) Handler() http.Handler {
	return wire.Query(Namespace, "2011-01-01", map[string]wire.Operation{
		"BatchDeleteScheduledAction":          changes(s, batchDeleteScheduledAction),
		"BatchPutScheduledUpdateGroupAction":  changes(s, batchPutScheduledAction),
		"CreateAutoScalingGroup":              changes(s, createGroup),
		"CreateOrUpdateTags":                  changes(s, createOrUpdateTags),
		"DeleteAutoScalingGroup":              changes(s, deleteGroup),
		"DeletePolicy":                        changes(s, deletePolicy),
		"DescribeAutoScalingGroups":           reads(s, describeGroups),
		"DescribeInstanceRefreshes":           reads(s, describeRefreshes),
		"DescribePolicies":                    reads(s, describePolicies),
		"DescribeScalingActivities":           reads(s, describeActivities),
		"DescribeScheduledActions":            reads(s, describeScheduledActions),
		"EnterStandby":                        changes(s, enterStandby),
		"ExitStandby":                         changes(s, exitStandby),
		"PutScalingPolicy":                    changes(s, putPolicy),
		"PutScheduledUpdateGroupAction":       changes(s, putScheduledAction),
		"ResumeProcesses":                     changes(s, resumeProcesses),
		"SetDesiredCapacity":                  changes(s, setDesiredCapacity),
		"StartInstanceRefresh":                changes(s, startRefresh),
		"SuspendProcesses":                    changes(s, suspendProcesses),
		"TerminateInstanceInAutoScalingGroup": changes(s, terminateInstance),
		"UpdateAutoScalingGroup":              changes(s, updateGroup),
	})
}

var (
	groups     = table.Table[group]{Bucket: "groups"}        // region, name
	activities = table.Table[activity]{Bucket: "activities"} // region, number
)

// state is what one call reads and changes in one transaction.
type state struct {
	wire.Call
	*Service
	tx *bolt.Tx
}

// changes returns an operation that writes, and after which the reconciler looks. It is undone if f
// fails.
func changes[In, Out any](s *Service, f func(*state, In) (Out, error)) wire.Operation {
	return table.Op(func(do func(*bolt.Tx) error) error {
		err := s.db.Update(do)
		s.poke()
		return err
	}, s.state, f)
}

// reads returns an operation that writes nothing.
func reads[In, Out any](s *Service, f func(*state, In) (Out, error)) wire.Operation {
	return table.Op(s.db.View, s.state, f)
}

// state returns what an operation works on.
func (s *Service) state(_ context.Context, call wire.Call, tx *bolt.Tx) *state {
	call.Now = round(call.Now)
	return &state{call, s, tx}
}

// none is the output of an operation whose answer has no result element.
type none = struct{}

// invalid returns the most frequent refusal. Clients distinguish its cases by the message.
func invalid(format string, args ...any) error {
	return wire.Errorf("ValidationError", format, args...)
}

// round truncates t to the resolution of AWS's dates.
func round(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// stamp writes a time as the texts of activities have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// group returns the group with a name, and refuses others.
func (st *state) group(name string) (*group, error) {
	g, ok, err := groups.Get(st.tx, st.Region, name)
	if err == nil && !ok {
		err = invalid("AutoScalingGroup name not found - AutoScalingGroup '%s' not found", name)
	}
	return &g, err
}

// change changes a group that is not being deleted.
func (st *state) change(name string, f func(*group) error) error {
	g, err := st.group(name)
	if err != nil {
		return err
	}
	if g.Deleting {
		return invalid("AutoScalingGroup '%s' is pending delete", name)
	}
	if err := f(g); err != nil {
		return err
	}
	return st.put(g)
}

func (st *state) put(g *group) error { return groups.Put(st.tx, *g, g.Region, g.Name) }

func (st *state) arn(kind, rest string) string {
	return wire.ARN("autoscaling", st.Region, st.Account, fmt.Sprintf("%s:%s:%s", kind, wire.UUID(), rest))
}
