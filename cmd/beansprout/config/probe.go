package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Check is how the URL of an environment is asked whether the application is up.
type Check struct {
	Off     bool // don't ask
	Path    string
	Status  []StatusRange
	Timeout Duration
}

// StatusRange is a range of HTTP statuses, both ends included.
type StatusRange struct{ Min, Max int }

// Accepts says whether an answer with the given HTTP status means that the application is up.
func (c Check) Accepts(status int) bool {
	for _, r := range c.Status {
		if r.Min <= status && status <= r.Max {
			return true
		}
	}
	return false
}

func (c *Check) take(v value) {
	if s, ok := v.node.(*ast.StringNode); ok && s.Value == "off" {
		c.Off = true
		return
	}
	if _, ok := v.node.(ast.MapNode); !ok {
		v.fail(`want off, or keys as in {path: /healthz, status: 200-399, timeout: 2m}, not %s`, kind(v.node))
		return
	}
	v.object(fields{
		"path":    text(&c.Path, checkURLPath),
		"status":  c.status,
		"timeout": duration(&c.Timeout, second, hour),
	})
}

func (c *Check) status(v value) {
	values := []value{v}
	if _, ok := v.node.(*ast.SequenceNode); ok {
		values = v.list()
	}
	c.Status = nil
	for _, v := range values {
		s, ok := v.scalar()
		if !ok {
			continue
		}
		r, err := parseStatus(s)
		if err != nil {
			v.fail("%v", err)
		}
		c.Status = append(c.Status, r)
	}
	if len(values) == 0 {
		v.fail("want at least one HTTP status, as in 200-399")
	}
}

var statusPattern = regexp.MustCompile(`^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$`)

func parseStatus(s string) (StatusRange, error) {
	m := statusPattern.FindStringSubmatch(s)
	if m == nil {
		return StatusRange{}, fmt.Errorf("%s is no HTTP status; want one from 100 to 599, or a range as in 200-399", quote(s))
	}
	least, _ := strconv.Atoi(m[1])
	most := least
	if m[2] != "" {
		most, _ = strconv.Atoi(m[2])
	}
	if most < least {
		return StatusRange{}, fmt.Errorf("%s ends before it begins; want %d-%d", quote(s), most, least)
	}
	return StatusRange{least, most}, nil
}

func checkURLPath(s string) error {
	_, err := url.ParseRequestURI(s)
	if err != nil || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, " #\n\t") {
		return errors.New(quote(s) + " is no path of a URL; want one as in /healthz")
	}
	return nil
}
