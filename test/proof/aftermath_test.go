package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/envs"
)

// check looks at what the operations have left.
func (o *order) check() {
	name := envs.Name(o.account, o.application, feature)
	o.checkReceipts()
	living := o.settled(o.application)
	var rec struct {
		Environment, Version string
		Lease                any
	}
	_ = json.Unmarshal([]byte(o.record(name)), &rec)
	switch failed := o.failed(); {
	case len(living) > 1:
		o.problems = append(o.problems, fmt.Sprintf("%d environments live", len(living)))
	case rec.Lease != nil && !failed:
		o.problems = append(o.problems, "the lease was not given back")
	case len(living) == 1 && !failed && (rec.Environment != living[0].EnvironmentId || rec.Version != living[0].VersionLabel):
		o.problems = append(o.problems, fmt.Sprintf("the record says %+v, and %+v lives", rec, living[0]))
	case len(living) == 1 && living[0].EnvironmentId != o.first && !o.launched():
		o.problems = append(o.problems, "an environment is there that no operation says to have launched")
	}
	o.checkNothingIsLeft()
	if len(o.problems) == 0 {
		return
	}
	for _, op := range o.operations {
		o.problems = append(o.problems, fmt.Sprintf("%s ended with %v", op.name, op.err))
	}
	o.Errorf("%s:\n%s\n%s", o.application, strings.Join(o.problems, "\n"), strings.Join(o.story, "\n"))
}

// failed reports whether an operation was cut off, so that it could not write down how it ended.
func (o *order) failed() bool {
	return slices.ContainsFunc(o.operations, func(op *operation) bool { return op.cut < 0 || op.pause > time.Minute || !expected(op.err) })
}

// errInTheWay is the error of a process that found others at work on the same feature.
var errInTheWay = errors.New("something stood in the way")

// launched reports whether an up may have launched something: it did not fail before.
func (o *order) launched() bool {
	return slices.ContainsFunc(o.operations, func(op *operation) bool {
		return strings.HasPrefix(op.name, "up") && (op.err == nil || o.failed())
	})
}

// expected reports whether an operation may end so where others are at work on the same feature.
func expected(err error) bool {
	for _, is := range []error{envs.ErrNotFound, envs.ErrReplaced, envs.ErrNotReady, envs.ErrAlive, errInTheWay} {
		if errors.Is(err, is) {
			return true
		}
	}
	var going *envs.GoingError
	var protected *envs.ProtectedError
	var superseded *envs.SupersededError
	return err == nil || errors.As(err, &going) || errors.As(err, &protected) || errors.As(err, &superseded)
}

// checkReceipts wants each thing in one receipt.
func (o *order) checkReceipts() {
	seen := map[string]string{}
	for _, op := range o.operations {
		for _, receipt := range op.receipts {
			for _, item := range receipt.Removed {
				if by := seen[item]; by != "" {
					o.problems = append(o.problems, fmt.Sprintf("%s is in a receipt of %s and of %s", item, by, op.name))
				}
				seen[item] = op.name
			}
		}
	}
}

// checkNothingIsLeft removes the feature as a person does, and wants nothing to be left of it.
func (o *order) checkNothingIsLeft() {
	ctx := o.Context()
	name := envs.Name(o.account, o.application, feature)
	if err := o.removeAll(ctx); err != nil {
		o.problems = append(o.problems, "it can't be removed in the end: "+err.Error())
	}
	versions, err := o.bare.DescribeApplicationVersions(ctx, &elasticbeanstalk.DescribeApplicationVersionsInput{ApplicationName: &o.application})
	if err != nil {
		o.problems = append(o.problems, err.Error())
		return
	}
	for _, v := range versions.ApplicationVersions {
		o.problems = append(o.problems, "there is still version "+aws.ToString(v.VersionLabel))
	}
	if rows := o.rows(o.application); len(rows) > 0 {
		o.problems = append(o.problems, fmt.Sprintf("there is still %+v", rows))
	}
	if left := o.bundles(name); len(left) > 0 {
		o.problems = append(o.problems, fmt.Sprintf("there are still %q", left))
	}
}

// removeAll removes the feature, and again where a machine that stands still has lost the lease.
func (o *order) removeAll(ctx context.Context) (err error) {
	for range 5 {
		m := o.new("the last", nil)
		var e envs.Environment
		if e, err = m.Find(ctx, o.application, feature); err == nil {
			_, err = m.Remove(ctx, e, envs.RemoveOptions{Force: true, Purge: true})
		}
		if err == nil {
			break
		}
	}
	return err
}
