package wire

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// rules is an `aws` tag: required, min=N, max=N (characters, entries or the value of a number),
// enum=A|B, xml (text without control characters) and, last, pattern=REGEXP, which must match the whole value. Rules after "each" hold
// for the entries of a list.
type rules struct {
	each     *rules
	required bool
	min, max int
	enum     []string
	pattern  *regexp.Regexp
	source   string // the pattern as written
}

func rulesOf(t reflect.Type, f reflect.StructField) rules {
	r, err := parseRules(f.Tag.Get("aws"))
	if err != nil {
		panic(fmt.Sprintf("wire: tag of %s.%s: %v", t, f.Name, err))
	}
	return r
}

func parseRules(tag string) (r rules, err error) {
	r.min, r.max = math.MinInt, math.MaxInt
	for tag != "" && err == nil {
		if p, ok := strings.CutPrefix(tag, "pattern="); ok {
			r.match(p)
			break
		}
		var rule string
		if rule, tag, _ = strings.Cut(tag, ","); rule == "each" {
			each, err := parseRules(tag)
			r.each = &each
			return r, err
		}
		err = r.add(rule)
	}
	return r, err
}

func (r *rules) match(pattern string) {
	r.source, r.pattern = pattern, regexp.MustCompile(`\A(?:`+pattern+`)\z`)
}

func (r *rules) add(rule string) (err error) {
	name, value, _ := strings.Cut(rule, "=")
	switch name {
	case "required":
		r.required = true
	case "min":
		r.min, err = strconv.Atoi(value)
	case "max":
		r.max, err = strconv.Atoi(value)
	case "enum":
		r.enum = strings.Split(value, "|")
	case "xml":
		r.match(`[\x20-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}\r\n\t]*`)
	default:
		err = fmt.Errorf("unknown rule %q", rule)
	}
	return err
}

// broken returns the constraints that a client's value does not satisfy, in AWS's words.
func (r rules) broken(v reflect.Value) []string {
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		return append(r.outside(utf8.RuneCountInString(s), "length"), r.strange(s)...)
	case reflect.Slice:
		return append(r.outside(v.Len(), "length"), r.brokenByEntries(v)...)
	case reflect.Int, reflect.Int32, reflect.Int64:
		return r.outside(int(v.Int()), "value")
	}
	return nil
}

// brokenByEntries returns the constraints that the first invalid entry of a list does not satisfy,
// as one constraint, which is how AWS words it.
func (r rules) brokenByEntries(v reflect.Value) []string {
	if r.each == nil {
		return nil
	}
	for i := range v.Len() {
		if broken := r.each.broken(v.Index(i)); broken != nil {
			return []string{"Member must satisfy constraint: [" + strings.Join(broken, ", ") + "]"}
		}
	}
	return nil
}

func (r rules) outside(n int, what string) (broken []string) {
	if n < r.min {
		broken = append(broken, fmt.Sprintf("Member must have %s greater than or equal to %d", what, r.min))
	}
	if n > r.max {
		broken = append(broken, fmt.Sprintf("Member must have %s less than or equal to %d", what, r.max))
	}
	return broken
}

func (r rules) strange(s string) (broken []string) {
	if r.enum != nil && !slices.Contains(r.enum, s) {
		broken = append(broken, "Member must satisfy enum value set: ["+strings.Join(r.enum, ", ")+"]")
	}
	if r.pattern != nil && !r.pattern.MatchString(s) {
		broken = append(broken, "Member must satisfy regular expression pattern: "+r.source)
	}
	return broken
}

// The constraints that are not in a tag.
const (
	missingMember = "Member must not be null"
	unreadMember  = "Member must be one that the local cloud honours"
)

// violation is a constraint that a parameter does not satisfy.
type violation struct {
	path       string // optionSettings.1.member.namespace
	value      string // 'x' or null
	constraint string
}
