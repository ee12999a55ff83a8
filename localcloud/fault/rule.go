// Package fault makes calls of a service fail on demand: [Rule]s say which calls fail and how, and
// a [Set], between the clients and the services, applies them.
package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is what the client gets instead of its answer.
type Kind string

// The kinds. Before means that the service does not get the call, After that it carries the call
// out but the client does not get the answer.
const (
	Throttle      Kind = "throttle"       // the service's own refusal: Throttling, ThrottlingException, SlowDown
	Internal      Kind = "error"          // the service's own internal error, 500
	Empty         Kind = "empty"          // 500 without a body
	HTML          Kind = "html"           // 502 and a page, as load balancers answer
	TimeoutBefore Kind = "timeout-before" // silence until the client leaves or For is over, then the end of the connection
	TimeoutAfter  Kind = "timeout-after"
	ResetBefore   Kind = "reset-before" // TCP RST
	ResetAfter    Kind = "reset-after"
	Slow          Kind = "slow"      // the answer, delayed by For
	Truncated     Kind = "truncated" // half of the announced body, then the end of the connection
	Malformed     Kind = "malformed" // half of the body as if it were whole
	Stale         Kind = "stale"     // the previous answer to the same read; the first read is answered normally
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{Throttle, Internal, Empty, HTML, TimeoutBefore, TimeoutAfter, ResetBefore, ResetAfter, Slow, Truncated, Malformed, Stale}
}

func services() []string {
	return []string{"elasticbeanstalk", "ecr", "registry", "s3", "sts", "iam", "servicequotas", "ec2", "autoscaling", "elasticloadbalancing"}
}

// Rule says which calls fail and how. If several rules cover a call, the first one that strikes
// decides, and the rules after it do not count the call.
type Rule struct {
	Service string // elasticbeanstalk, ecr, registry, s3, sts, iam; * is any
	// Operation is a name (DescribeEnvironments), a prefix (Describe*), "reads" or "writes". The
	// registry's operations look like PUT /v2/shop/manifests/1.
	Operation   string
	Kind        Kind
	Skip        int           // how many calls are answered normally at first
	Count       int           // how many calls fail; 0 = all
	Probability float64       // with which each of these fails; 0 = always
	Seed        uint64        // equal seeds give equal results
	For         time.Duration // of Slow and the time-outs; 0 = a time-out ends when the client leaves
}

// Check returns an error if the rule is invalid.
func (r Rule) Check() error {
	prefix, _ := strings.CutSuffix(r.Operation, "*")
	switch {
	case r.Service != "*" && !slices.Contains(services(), r.Service):
		return fmt.Errorf("no service is called %q; there are %s, and * for all of them", r.Service, services())
	case r.Operation == "" || strings.ContainsAny(prefix, "*:"):
		return fmt.Errorf("%q is no operation; want its name, the beginning of it and a *, reads or writes", r.Operation)
	case !slices.Contains(Kinds(), r.Kind):
		return fmt.Errorf("no kind is called %q; there are %s", r.Kind, Kinds())
	case r.Kind == Stale && prefix == r.Operation && !Reads(r.Operation) && r.Operation != "reads":
		return fmt.Errorf("%s is no read, so its answer cannot be stale", r.Operation)
	case r.Skip < 0 || r.Count < 0 || r.For < 0:
		return errors.New("skip, count and for cannot be negative")
	case !(r.Probability >= 0 && r.Probability <= 1): // refuses NaN, too
		return errors.New("probability must be more than 0 and at most 1")
	case r.Kind == Slow && r.For == 0:
		return errors.New("slow needs for=DURATION")
	case r.For != 0 && r.Kind != Slow && r.Kind != TimeoutBefore && r.Kind != TimeoutAfter:
		return fmt.Errorf("%s does not last, so for has no meaning", r.Kind)
	}
	return nil
}

// covers reports whether the rule applies to the call.
func (r Rule) covers(c Call) bool {
	if r.Service != c.Service && (r.Service != "*" || !slices.Contains(services(), c.Service)) || r.Kind == Stale && !Reads(c.Operation) {
		return false
	}
	switch prefix, open := strings.CutSuffix(r.Operation, "*"); {
	case open:
		return strings.HasPrefix(c.Operation, prefix)
	case r.Operation == "reads":
		return Reads(c.Operation)
	case r.Operation == "writes":
		return !Reads(c.Operation)
	}
	return r.Operation == c.Operation
}

// Reads reports whether an operation, or a request to the registry, changes nothing. AWS's names
// tell.
func Reads(operation string) bool {
	return slices.ContainsFunc([]string{"Describe", "List", "Get", "Head", "Retrieve", "Check", "BatchGet", "BatchCheck", "GET ", "HEAD "},
		func(verb string) bool { return strings.HasPrefix(operation, verb) })
}
