package envs

import (
	"math"
	"testing"
	"time"
)

func TestDurationsOfAnyLength(t *testing.T) {
	for d, want := range map[time.Duration]string{
		59 * time.Second: "59s", 47 * time.Hour: "47h", 60 * time.Hour: "3d", 59 * time.Hour: "2d", math.MaxInt64: "106752d",
	} {
		if got := Roughly(d); got != want {
			t.Errorf("Roughly(%s) = %s, want %s", d, got, want)
		}
	}
}
