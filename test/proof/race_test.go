//go:build race

package proof

// raced reports whether the race detector is at work, with which everything takes several times as long.
const raced = true
