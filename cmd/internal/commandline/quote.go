package commandline

import "strings"

// Quote returns s as one word of a shell.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Argument returns a feature as an argument that a person can paste behind a verb, also where it looks like a
// flag.
func Argument(feature string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,-"
	word := feature
	if strings.Trim(feature, plain) != "" || feature == "" {
		word = Quote(feature)
	}
	if strings.HasPrefix(feature, "-") {
		return "--feature=" + word
	}
	return word
}
