package builder

import (
	"regexp"
	"strconv"
)

var exitCode = regexp.MustCompile(`exit code: (\d+)`)

// explain makes the error of a failed build out of the step that failed; without one
// it is the refusal that the stream ended with.
func (t *trace) explain(image, refusal string) *BuildError {
	refused := plain(t.mask.hide(refusal))
	if t.fault == nil {
		return &BuildError{Image: image, Err: recognize(refused, refusal, pulls)}
	}
	e := &BuildError{Image: image, Step: t.fault.name, Output: t.fault.out.tail(), Err: refused}
	if m := exitCode.FindStringSubmatch(t.fault.err); m != nil {
		e.ExitCode, _ = strconv.Atoi(m[1])
	}
	switch {
	case e.ExitCode != 0:
		e.Err = recognize(refused, refusal+"\n"+e.Output, machine)
	case copies.MatchString(e.Step) && absent.MatchString(refusal):
		e.Err = recognized{refused, ErrNothingToCopy}
	default:
		e.Err = recognize(refused, refusal, pulls)
	}
	return e
}

var (
	copies = regexp.MustCompile(`^\[[^\]]*\] (COPY|ADD) `)
	absent = regexp.MustCompile(`not found$|no such file or directory$`)
)
