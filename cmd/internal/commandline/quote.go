package commandline

import "strings"

// Quote returns s as one word of a shell.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Word returns s as one word for a shell, in quotes where it needs them.
func Word(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,-"
	if s == "" || strings.Trim(s, plain) != "" {
		return Quote(s)
	}
	return s
}

// Argument returns a feature as an argument that a person can paste behind a verb, also where it looks like a
// flag.
func Argument(feature string) string {
	if strings.HasPrefix(feature, "-") {
		return "--feature=" + Word(feature)
	}
	return Word(feature)
}
