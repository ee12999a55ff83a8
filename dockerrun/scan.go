package dockerrun

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// maxDepth is more than any Dockerrun.aws.json nests, and few enough to recurse without fear.
const maxDepth = 64

// value is one value of a template.
type value struct {
	path       string
	parent     int    // index of the object or list that it is in; 0 for the document too
	key        string // its key in that object
	text       string // what it says, if it is a string
	at         int    // where it or its key starts, in bytes
	start, end int    // where it stands itself; of an object or list the opening bracket
}

// invalid says where and why a text is not one JSON value, if so.
func invalid(text []byte) (at int, problem string) {
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		return 0, "starts with a byte order mark: save it as UTF-8 without one"
	}
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at, "is not UTF-8"
		}
		at += size
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(text, new(json.RawMessage)); errors.As(err, &syntax) {
		return max(0, int(syntax.Offset)-1), syntax.Error() // the offset is behind the culprit
	}
	return 0, ""
}

// scanner reads the values of a text that is known to be valid.
type scanner struct {
	*json.Decoder
	report *report
	values []value
}

// scan returns the values of the report's text, and notes their places.
func scan(r *report) []value {
	s := &scanner{Decoder: json.NewDecoder(bytes.NewReader(r.text)), report: r}
	s.UseNumber()
	s.value(value{}, 1)
	return s.values
}

// value reads the next value, of which v says already where it belongs.
func (s *scanner) value(v value, depth int) {
	if depth > maxDepth {
		s.report.add(v.path, "nests deeper than %d levels", maxDepth)
		s.skip()
		return
	}
	v.start = s.offset()
	token := s.token()
	v.end = int(s.InputOffset())
	v.text, _ = token.(string)
	s.report.places[v.path] = v
	s.values = append(s.values, v)
	if open, ok := token.(json.Delim); ok {
		s.children(v, open, depth+1)
		s.token() // the closing bracket
	}
}

func (s *scanner) children(v value, open json.Delim, depth int) {
	parent := len(s.values) - 1
	for n := 0; s.More(); n++ {
		child := value{path: fmt.Sprintf("%s[%d]", v.path, n), parent: parent, at: s.offset()}
		if open == '{' {
			child.key, _ = s.token().(string)
			child.path = member(v.path, child.key)
		}
		_, twice := s.report.places[child.path]
		s.report.places[child.path] = child
		if twice {
			s.report.add(child.path, "this key stands in its object twice")
			s.skip()
			continue
		}
		s.value(child, depth)
	}
}

func (s *scanner) skip() { _ = s.Decode(new(json.RawMessage)) }

// token returns the next token. It can't fail: the text is valid.
func (s *scanner) token() json.Token {
	token, _ := s.Token()
	return token
}

// offset returns where the next token starts.
func (s *scanner) offset() int {
	rest := s.report.text[s.InputOffset():]
	return len(s.report.text) - len(bytes.TrimLeft(rest, " \t\r\n,:"))
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// member returns the path of a key in the object at a path.
func member(path, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return fmt.Sprintf("%s[%q]", path, key)
	case path == "":
		return key
	default:
		return path + "." + key
	}
}
