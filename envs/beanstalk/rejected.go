package beanstalk

import (
	"errors"
	"regexp"
)

// rejection is how Beanstalk names an option that it rejects, in the answer to a call and in events.
var rejection = regexp.MustCompile(`Namespace: '([^']+)', OptionName: '([^']+)'`)

// Rejected returns the option that an error of a call or an operation is about, its value
// left out; false when it names none.
func Rejected(err error) (Setting, bool) {
	text := ""
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		text = refusal.Message
	}
	if failure, ok := errors.AsType[*Failure](err); ok {
		text = failure.Reason + failure.Story()
	}
	if m := rejection.FindStringSubmatch(text); m != nil {
		return Setting{Namespace: m[1], Name: m[2]}, true
	}
	return Setting{}, false
}
