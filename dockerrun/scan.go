package dockerrun

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"beansprout/pattern"
)

// maxDepth is the number of levels that a template may nest: more than any Dockerrun.aws.json
// has, and few enough for recursion.
const maxDepth = 64

// value is one value of a template.
type value struct {
	path       string
	parent     int    // index of the object or list that it is in; also 0 for the document
	key        string // its key in that object
	text       string // its text, if it is a string
	at         int    // offset of the value or its key, in bytes
	start, end int    // offsets of the value; of an object or list, those of the opening bracket
}

// invalid returns where and why a text is not one JSON value; problem is "" when it is.
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
		return max(0, int(syntax.Offset)-1), syntax.Error() // the offset is after the wrong byte
	}
	return 0, ""
}

// scanner reads the values of a valid text.
type scanner struct {
	decoder *json.Decoder
	report  *report
	values  []value
}

// scan returns the values of the report's text, and stores their places.
func scan(r *report) []value {
	s := &scanner{decoder: json.NewDecoder(bytes.NewReader(r.source.text)), report: r}
	s.decoder.UseNumber()
	s.value(value{}, 1)
	return s.values
}

// value reads the next value; v has its path, parent and key.
func (s *scanner) value(v value, depth int) {
	if depth > maxDepth {
		s.report.add(v.path, "nests deeper than %d levels", maxDepth)
		s.skip()
		return
	}
	v.start = s.offset()
	token := s.token()
	v.end = int(s.decoder.InputOffset())
	v.text, _ = token.(string)
	s.report.source.places[v.path] = v
	s.values = append(s.values, v)
	if open, ok := token.(json.Delim); ok {
		s.children(v, open, depth+1)
		s.token() // the closing bracket
	}
}

func (s *scanner) children(v value, open json.Delim, depth int) {
	parent := len(s.values) - 1
	for n := 0; s.decoder.More(); n++ {
		child := value{path: fmt.Sprintf("%s[%d]", v.path, n), parent: parent, at: s.offset()}
		if open == '{' {
			child.key, _ = s.token().(string)
			child.path = keyPath(v.path, child.key)
		}
		_, twice := s.report.source.places[child.path]
		s.report.source.places[child.path] = child
		if twice {
			s.report.add(child.path, "this key is in its object twice")
			s.skip()
			continue
		}
		s.value(child, depth)
	}
}

func (s *scanner) skip() { _ = s.decoder.Decode(new(json.RawMessage)) }

// token returns the next token. It can't fail: the text is valid.
func (s *scanner) token() json.Token {
	token, _ := s.decoder.Token()
	return token
}

// offset returns where the next token starts.
func (s *scanner) offset() int {
	rest := s.report.source.text[s.decoder.InputOffset():]
	return len(s.report.source.text) - len(bytes.TrimLeft(rest, " \t\r\n,:"))
}

var plainKey = pattern.New(`^[A-Za-z0-9_-]+$`)

// keyPath returns the path of a key in the object at a path.
func keyPath(path, key string) string {
	switch {
	case !plainKey.MatchString(key):
		return fmt.Sprintf("%s[%q]", path, key)
	case path == "":
		return key
	default:
		return path + "." + key
	}
}
