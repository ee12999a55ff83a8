package failure

import (
	"cmp"
	"io"
	"strings"

	"beansprout/cmd/internal/secrets"
	"beansprout/cmd/internal/terminal"
)

// failureView is an error as --json shows it.
type failureView struct {
	Error struct {
		Kind    string `json:"kind"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
	} `json:"error"`
}

func newFailureView(err error) (v failureView) {
	k := kindOf(err)
	v.Error.Kind = k.name
	v.Error.Message, _, _ = strings.Cut(strings.TrimPrefix(Render(err), "error: "), "\nhint: ")
	v.Error.Message = strings.TrimSpace(v.Error.Message)
	v.Error.Hint = cmp.Or(strings.Join(Hints(err), "\n"), k.hint)
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
