package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	goyaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"go.yaml.in/yaml/v3"

	"beansprout/dockerrun"
	"beansprout/pattern"
)

// maxDepth is how deep a file may nest: more than any compose file does, and little enough for recursion.
const maxDepth = 64

// read returns the document of a text, which has no byte order mark.
func read(name string, text []byte) (*document, error) {
	d := &document{name: name, text: bytes.TrimPrefix(text, []byte("\ufeff"))}
	d.lines = lineStarts(d.text)
	if at := invalid(d.text); at >= 0 {
		return nil, d.refuse(d.at(at), "is not UTF-8")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(d.text))
	var top, second yaml.Node
	if err := decoder.Decode(&top); errors.Is(err, io.EOF) {
		return nil, d.refuse(nil, "the file is empty; want services:")
	} else if err != nil {
		return nil, d.syntax(err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, d.refuse(&second, "a second document begins here; the file holds one")
	}
	if d.root = top.Content[0]; d.root.Kind != yaml.MappingNode {
		return nil, d.refuse(d.root, "want keys such as services: at the top")
	}
	if n := deeper(d.root, maxDepth); n != nil {
		return nil, d.refuse(n, "nests deeper than %d levels", maxDepth)
	}
	// What refuses to be decoded holds itself, has a key twice, or grows beyond all bounds.
	if err := top.Decode(new(map[string]any)); err != nil {
		return nil, d.syntax(err)
	}
	return d, nil
}

// model returns the document as values.
func (d *document) model() (map[string]any, error) {
	values := map[string]any{}
	return values, d.root.Decode(&values)
}

// invalid returns where a text stops being UTF-8, or -1.
func invalid(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// at returns a node at an offset, for a finding.
func (d *document) at(offset int) *yaml.Node {
	line := 0
	for line+1 < len(d.lines) && d.lines[line+1] <= offset {
		line++
	}
	return &yaml.Node{Line: line + 1, Column: 1 + utf8.RuneCount(d.text[d.lines[line]:offset])}
}

func (d *document) refuse(n *yaml.Node, format string, args ...any) error {
	return d.refuseAt(n, "", format, args...)
}

func deeper(n *yaml.Node, levels int) *yaml.Node {
	if levels == 0 {
		return n
	}
	for _, c := range n.Content {
		if found := deeper(c, levels-1); found != nil {
			return found
		}
	}
	return nil
}

// syntax returns the parser's error as a finding in its line.
func (d *document) syntax(err error) error {
	line, problem := YAMLProblem(d.text, err)
	return d.refuse(&yaml.Node{Line: line, Column: 1}, "is not valid YAML: %s", problem)
}

// yamlLine matches how the parser's messages name a line.
var yamlLine = pattern.New(`(?s)^(?:unmarshal errors:\s*)?(?:.*at )?line (\d+):? ?(.*)$`)

// YAMLProblem says what the YAML parser did not take, and in which line. It often names the line where a
// block begins, or none; the parser of beansprout.yaml knows the line itself.
func YAMLProblem(text []byte, refusal error) (line int, problem string) {
	_, err := parser.ParseBytes(text, 0)
	if located, ok := errors.AsType[goyaml.Error](err); ok && located.GetToken() != nil {
		return located.GetToken().Position.Line, located.GetMessage()
	}
	problem = strings.TrimPrefix(refusal.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(problem); m != nil {
		line, _ = strconv.Atoi(m[1])
		return max(line, 1), m[2]
	}
	return 1 + bytes.Count(text[:firstUnreadable(text)], []byte("\n")), problem
}

// firstUnreadable is where the first character stands that YAML doesn't have.
func firstUnreadable(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 || r < ' ' && !strings.ContainsRune("\t\n\r", r) || r == 0x7f {
			return i
		}
		i += size
	}
	return 0
}

func (d *document) refuseAt(n *yaml.Node, path, format string, args ...any) error {
	return dockerrun.Findings{d.finding(n, path, "%s", fmt.Sprintf(format, args...))}
}
