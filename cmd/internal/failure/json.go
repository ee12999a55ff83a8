package failure

import (
	"errors"
	"io"
	"strings"

	"beansprout/builder"
	"beansprout/cmd/internal/secrets"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

// kinds tell errors apart for programs. The first that fits counts.
var kinds = []struct {
	err  error
	kind string
}{
	{ErrTimeout, "timeout"},
	{envs.ErrNotOurs, "not_ours"},
	{envs.ErrCredentials, "credentials"},
	{envs.ErrCertificate, "certificate"},
	{envs.ErrQuota, "quota"},
	{envs.ErrTaken, "taken"},
	{envs.ErrNotReady, "not_ready"},
	{envs.ErrNotFound, "not_found"},
	{builder.ErrNoEngine, "no_engine"},
}

// kindOf is what sort of error err is.
func kindOf(err error) string {
	switch ExitCode(err) {
	case ExitUsage:
		return "usage"
	case ExitInterrupted:
		return "interrupted"
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.kind
		}
	}
	if _, ok := errors.AsType[*envs.CheckError](err); ok {
		return "check"
	}
	if _, ok := errors.AsType[*builder.BuildError](err); ok {
		return "build"
	}
	if _, ok := errors.AsType[*beanstalk.Failure](err); ok {
		return "deploy"
	}
	if denied(err) != "" {
		return "denied"
	}
	return "failed"
}

// failureView is an error as --json shows it.
type failureView struct {
	Error struct {
		Kind    string  `json:"kind"`
		Message string  `json:"message"`
		Hint    *string `json:"hint"` // null where there is none
	} `json:"error"`
}

func newFailureView(err error) (v failureView) {
	v.Error.Kind = kindOf(err)
	v.Error.Message, _, _ = strings.Cut(strings.TrimPrefix(Render(err), "error: "), "\nhint: ")
	v.Error.Message = strings.TrimSpace(v.Error.Message)
	if all := Hints(err); len(all) > 0 {
		joined := strings.Join(all, "\n")
		v.Error.Hint = &joined
	}
	return v
}

// PrintJSON prints an error as one JSON object.
func PrintJSON(w io.Writer, known *secrets.Secrets, err error) error {
	var b strings.Builder
	if err := terminal.PrintJSON(&b, newFailureView(err)); err != nil {
		return err
	}
	_, err = io.WriteString(w, known.Hide(b.String()))
	return err
}
