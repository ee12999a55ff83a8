package envs

import (
	"cmp"
	"math"
	"testing"
	"time"

	"beansprout/envs/store"
)

func TestDaysAreWrittenAndReadBack(t *testing.T) {
	for _, tt := range []struct {
		text    string
		days    Days
		implied bool
	}{
		{"5d", Days{TTL: 5 * day, Least: day}, true},
		{"5d from deploy", Days{TTL: 5 * day, Least: day, FromDeploy: true}, true},
		{"5d least 0s", Days{TTL: 5 * day}, false},
		{"5d from deploy least 1d12h", Days{TTL: 5 * day, Least: 36 * time.Hour, FromDeploy: true}, false},
		{"3s", Days{TTL: 3 * time.Second, Least: 3 * time.Second}, true},
	} {
		got, implied, ok := parseDays(tt.text)
		if !ok || implied != tt.implied || got != tt.days || tt.days.String() != tt.text {
			t.Errorf("%q is read as %+v, %v, %v, and %+v is written as %q", tt.text, got, implied, ok, tt.days, tt.days)
		}
	}
	if got := (Days{TTL: time.Hour, Least: day}).String(); got != "1h" {
		t.Errorf("a least that is longer than the TTL is written: %q", got)
	}
	if got := (Days{Least: day}).String(); got != "" {
		t.Errorf("days without a TTL are written as %q", got)
	}
	for _, text := range []string{"", "0s", "-5d", "5", "d", "NaNd", "Infd", "999999999999999d", "5d from", "5d from birth", "5d  from deploy", "five days", "5d\nleast 1s"} {
		if got, _, ok := parseDays(text); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

// An expiry is the latest of three instants, for every reader.
func TestExpiry(t *testing.T) {
	now := born.Add(4 * day)
	far := time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)
	days := Days{TTL: 5 * day, Least: day}
	launched := func(description string) Environment {
		return Environment{Env: Env{ID: "e-1", TTL: description, Created: born, Updated: born.Add(time.Hour)}}
	}
	changed := func(at time.Time, r *store.Record) Environment {
		e := launched("5d")
		e.Updated = at
		if r != nil {
			r.Environment, r.At = cmp.Or(r.Environment, "e-1"), now
			e.Record = r
		}
		return e
	}
	recorded := func(r store.Record) Environment { return changed(born.Add(time.Hour), &r) }
	never := time.Time{}
	for _, tt := range []struct {
		name string
		days Days
		e    Environment
		want time.Time
	}{
		{"by its description", days, launched("5d"), born.Add(5 * day)},
		{"a file with a shorter TTL", Days{TTL: day, Least: day}, launched("5d"), born.Add(5 * day)},
		{"a file with a longer TTL", Days{TTL: 30 * day, Least: day}, launched("5d"), born.Add(5 * day)},
		{"no file", Days{}, launched("5d"), born.Add(5 * day)},
		{"by its tag", days, Environment{Env: launched("").Env, Tags: Tags{TagTTL: "9d"}}, born.Add(9 * day)},
		{"its description before its tag", days, Environment{Env: launched("7d").Env, Tags: Tags{TagTTL: "9d"}}, born.Add(7 * day)},
		{"a description that is none before its tag", days, Environment{Env: launched("0s").Env, Tags: Tags{TagTTL: "9d"}}, born.Add(9 * day)},
		{"an escaped tag", days, Environment{Env: launched("").Env, Tags: Tags{TagTTL: "9=64"}}, born.Add(9 * day)},
		{"an old environment, by the file", days, launched(""), born.Add(5 * day)},
		{"nothing known", Days{}, launched(""), never},
		{"nothing known, and a record that says much", Days{}, func() Environment {
			e := recorded(store.Record{Extended: now.Add(day), LastDeploy: store.LastDeploy{TTL: "5d"}})
			e.TTL = ""
			return e
		}(), never},
		{"a description of nothing", Days{}, launched("0s"), never},
		{"no date", days, Environment{Env: Env{TTL: "5d", Updated: born}}, never},
		{"a date before Beanstalk", days, Environment{Env: Env{TTL: "5d", Created: time.Unix(0, 0), Updated: time.Unix(0, 0)}}, never},
		{"no date of a change", days, Environment{Env: Env{TTL: "1h", Created: born}}, born.Add(time.Hour)},
		{"a date of creation that is far away", days, Environment{Env: Env{TTL: "5d", Created: far}}, far.Add(5 * day)},

		{"deployed late", days, changed(born.Add(6*day), nil), born.Add(7 * day)},
		{"deployed late, and a file that leaves less", Days{TTL: time.Hour, Least: time.Hour}, changed(born.Add(6*day), nil), born.Add(7 * day)},
		{"deployed late, and no file", Days{}, changed(born.Add(6*day), nil), born.Add(7 * day)},
		{"deployed late, and a file that leaves more", Days{TTL: 5 * day, Least: 2 * day}, changed(born.Add(6*day), nil), born.Add(8 * day)},
		{"deployed late with less", days, func() Environment {
			e := changed(born.Add(6*day), nil)
			e.TTL = "5d least 1h"
			return e
		}(), born.Add(6*day + time.Hour)},
		{"an old environment deployed late, by the file", Days{TTL: 5 * day, Least: 2 * time.Hour}, func() Environment {
			e := changed(born.Add(6*day), nil)
			e.TTL = ""
			return e
		}(), born.Add(6*day + 2*time.Hour)},
		{"least is never more than the TTL", Days{TTL: time.Hour, Least: 9 * day}, Environment{Env: Env{TTL: "1h", Created: born, Updated: born.Add(day)}}, born.Add(day + time.Hour)},
		{"from the deploy, by its description", Days{}, func() Environment {
			e := changed(born.Add(2*day), nil)
			e.TTL = "5d from deploy"
			return e
		}(), born.Add(7 * day)},
		{"from the deploy, by the file", Days{TTL: 9 * day, FromDeploy: true}, changed(born.Add(2*day), nil), born.Add(7 * day)},
		{"from the deploy that the record names", Days{FromDeploy: true}, changed(born.Add(3*day), &store.Record{LastDeploy: store.LastDeploy{At: born.Add(2 * day)}}), born.Add(7 * day)},

		{"changed by others since the deploy", days, changed(born.Add(9*day), &store.Record{LastDeploy: store.LastDeploy{At: born.Add(6 * day)}}), born.Add(7 * day)},
		{"a deploy that AWS knows nothing of", days, changed(born.Add(6*day), &store.Record{LastDeploy: store.LastDeploy{At: far}}), born.Add(7 * day)},
		{"a deploy before the creation", Days{FromDeploy: true}, recorded(store.Record{LastDeploy: store.LastDeploy{At: born.Add(-90 * day)}}), born.Add(5 * day)},
		{"a record of another environment", days, changed(born.Add(6*day), &store.Record{Environment: "e-0", Extended: now.Add(90 * day), LastDeploy: store.LastDeploy{At: born, TTL: "90d"}}), born.Add(7 * day)},

		{"extended", days, recorded(store.Record{Extended: born.Add(8 * day)}), born.Add(8 * day)},
		{"an extension to before", days, recorded(store.Record{Extended: born.Add(day)}), born.Add(5 * day)},
		{"an extension to long ago", days, recorded(store.Record{Extended: born.Add(-9999 * day)}), born.Add(5 * day)},
		{"an extension by a year", days, recorded(store.Record{Extended: now.Add(longestTTL)}), now.Add(longestTTL)},
		{"an extension by ages", days, recorded(store.Record{Extended: far}), now.Add(longestTTL)},
		{"a longer TTL of an up that changed nothing", days, recorded(store.Record{LastDeploy: store.LastDeploy{TTL: "8d"}}), born.Add(8 * day)},
		{"a shorter TTL in the record", days, recorded(store.Record{LastDeploy: store.LastDeploy{TTL: "1s"}}), born.Add(5 * day)},
		{"ages as TTL in the record", days, recorded(store.Record{LastDeploy: store.LastDeploy{TTL: "90000d"}}), now.Add(longestTTL)},
		{"garbage as TTL in the record", days, recorded(store.Record{LastDeploy: store.LastDeploy{TTL: "-1d\x1b[2J"}}), born.Add(5 * day)},
		{"a TTL of ten years that it carries itself", days, func() Environment {
			e := recorded(store.Record{})
			e.TTL = "3650d"
			return e
		}(), born.Add(3650 * day)},
	} {
		if got := tt.days.Expiry(tt.e); !got.Equal(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// No record makes an environment expire earlier than its own days say.
func FuzzNoRecordShortensTheDays(f *testing.F) {
	f.Add(int64(5*day), int64(0), int64(0), int64(0), "1s", "5d", false)
	f.Add(int64(1), int64(math.MaxInt64), int64(math.MinInt64), int64(7), "9999d", "1h least 1s", true)
	f.Fuzz(func(t *testing.T, updated, at, extended, read int64, recorded, carried string, fromDeploy bool) {
		e := Environment{Env: Env{ID: "e-1", TTL: carried, Created: born, Updated: born.Add(time.Duration(updated))}}
		d := Days{TTL: 5 * day, Least: day, FromDeploy: fromDeploy}
		lost := d.Expiry(e)
		e.Record = &store.Record{
			Environment: "e-1", At: born.Add(time.Duration(read)), Extended: born.Add(time.Duration(extended)),
			LastDeploy: store.LastDeploy{At: born.Add(time.Duration(at)), TTL: recorded},
		}
		got, own := d.Expiry(e), 5*day
		if days, _, ok := parseDays(carried); ok {
			own = days.TTL
		}
		if first := born.Add(own); got.Before(first) {
			t.Errorf("it expires at %v, want not before %v", got, first)
		}
		if limit := latest(lost, e.Record.At.Add(longestTTL)); got.After(limit) {
			t.Errorf("it expires at %v, want not after %v", got, limit)
		}
	})
}
