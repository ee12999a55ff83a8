package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"

	"beansprout/envs"
)

// Duration is a length of time that isn't negative.
type Duration time.Duration

const (
	second = Duration(time.Second)
	hour   = Duration(time.Hour)
	day    = 24 * hour
	year   = 365 * day
)

// ParseDuration reads a duration: Go's, which may have days in front: "5d", "1d12h", "1.5d".
// A negative one is an error.
func ParseDuration(s string) (Duration, error) {
	d, err := envs.ParseDuration(s)
	return Duration(d), err
}

// Std returns d as the type of the standard library.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns d as ParseDuration reads it, with days and without units that are zero: "5d",
// "1d12h", "0s".
func (d Duration) String() string { return envs.FormatDuration(d.Std()) }

// durationPattern matches what ParseDuration takes, and too much time as well.
const (
	durationPattern = `^(?:` + amount + `d)?(?:0|(?:` + amount + `(?:ns|us|[µμ]s|ms|s|m|h))+)$|^` + amount + `d$`
	amount          = `(?:[0-9]+\.?[0-9]*|\.[0-9]+)`
	wantsDuration   = "want a duration such as 5d, 36h, 1d12h or 30s"
)

// maxBytes is more than any folder has.
const maxBytes = 1 << 50

const (
	sizePattern = `^[0-9]+(?:\.[0-9]+)?(?:[eE]\+?[0-9]+)? ?(?:[kKmMgGtTpP](?:[iI]?[bB])?|[bB])?$`
	wantsSize   = "want one such as 200MB or 1.5GiB"
)

var isSize = lazily(sizePattern)

// parseSize reads a number of bytes: "200MB" is 200 million, "1.5GiB" counts in powers of 1,024.
func parseSize(s string) (int64, error) {
	parse := units.FromHumanSize
	if strings.Contains(s, "i") {
		parse = units.RAMInBytes
	}
	n, err := parse(s)
	switch {
	case err != nil || !isSize(s):
		return 0, fmt.Errorf("%s is no size; %s", quote(s), wantsSize)
	case n < 0 || n > maxBytes: // less than 0 after an overflow
		return 0, fmt.Errorf("%s is too large; want at most 1PiB", quote(s))
	}
	return n, nil
}

const (
	// statusRangePattern leaves it to parseStatus to compare ends of the same hundred.
	statusRangePattern = `^(?:[1-5][0-9]{2}|1[0-9]{2}-[1-5][0-9]{2}|2[0-9]{2}-[2-5][0-9]{2}|3[0-9]{2}-[3-5][0-9]{2}|4[0-9]{2}-[45][0-9]{2}|5[0-9]{2}-5[0-9]{2})$`
	wantsStatus        = "want one from 100 to 599, or a range as in 200-399"
)

var isStatus = lazily(`^[1-5][0-9]{2}(?:-[1-5][0-9]{2})?$`)

// parseStatus reads a status or a range of them: "200", "200-399".
func parseStatus(s string) (StatusRange, error) {
	if !isStatus(s) {
		return StatusRange{}, fmt.Errorf("%s is no HTTP status; %s", quote(s), wantsStatus)
	}
	from, to, ranged := strings.Cut(s, "-")
	first, _ := strconv.Atoi(from)
	last, _ := strconv.Atoi(to)
	if !ranged {
		last = first
	}
	if last < first {
		return StatusRange{}, fmt.Errorf("%s ends before it begins; want %d-%d", quote(s), last, first)
	}
	return StatusRange{first, last}, nil
}

// parseAgent reads an agent as docker's --ssh has it: default, ID, ID=SOCKET or ID=KEY,KEY.
func parseAgent(s string) SSH {
	id, paths, named := strings.Cut(s, "=")
	if !named {
		return SSH{ID: id}
	}
	return SSH{ID: id, Paths: strings.Split(paths, ",")}
}
