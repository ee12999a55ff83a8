package doctor

import (
	"strings"

	"beansprout/cmd/internal/commandline"
)

// command returns a line for a shell that runs a program with these arguments.
func command(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = commandline.Word(w)
	}
	return strings.Join(quoted, " ")
}
