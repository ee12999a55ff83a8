package janitor

import (
	"fmt"
	"testing"
	"time"

	"beansprout/envs"
)

// What a record delays is far from its end by its days alone, so only where all are read is it known.
func TestTheRecordsOfAllAreReadWhereFewAreOurs(t *testing.T) {
	for _, tt := range []struct {
		young, foreign, gone int
		want                 bool
	}{
		{recordsOfAll - 1, 0, 0, true},
		{recordsOfAll, 0, 0, false},
		{recordsOfAll - 1, 7, 0, true},
		{recordsOfAll - 1, 0, 7, true},
	} {
		j, s := house("due")
		for i := range tt.young {
			s.add(fmt.Sprintf("young-%03d", i), time.Hour)
		}
		for i := range tt.foreign {
			c := s.add(fmt.Sprint("foreign-", i), time.Hour)
			c.Proved, c.Foreign = false, true
		}
		for i := range tt.gone {
			s.add(fmt.Sprint("gone-", i), time.Hour).Environment.State = envs.Terminating
		}
		report, err := j.Sweep(t.Context(), false)
		if err != nil || report.Young != tt.young {
			t.Fatalf("%d are young, %v", report.Young, err)
		}
		for _, d := range report.Decisions {
			if want := tt.want || d.Env.Feature == "due"; d.candidate.Proved && d.far && d.candidate.Read != want || d.Env.Feature == "due" && !d.candidate.Read {
				t.Fatalf("%+v: the record of %s is read: %v", tt, d.Env.Feature, d.candidate.Read)
			}
		}
	}
}
