package starter

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// composeCopy is the template where the compose file publishes no port 80.
const composeCopy = "compose.beansprout.yaml"

// publication is a port of the host that a service of a compose file publishes.
type publication struct {
	service   string
	container string     // the port inside
	node      *yaml.Node // what has to change: the short form, or the port in the long one
	isLong    bool
}

// hidden are the ports of databases and the like, which answer no browser.
var hidden = []string{"1025", "1433", "2181", "2379", "3306", "4222", "5432", "5672", "6379", "8025", "9042", "9092", "9200", "11211", "15672", "27017"}

// frontPort publishes port 80 in a copy of the compose file whose services publish other ports alone. Everything
// else of it stays byte for byte.
func (p *planner) frontPort(services *yaml.Node) error {
	all, has80 := publications(services)
	all = slices.DeleteFunc(all, func(c publication) bool { return slices.Contains(hidden, c.container) })
	if has80 || len(all) == 0 {
		return nil // the check of the plan says that none does
	}
	chosen, err := p.frontService(all)
	if err != nil {
		return err
	}
	becomes := `"80:` + chosen.container + `"`
	if chosen.isLong {
		becomes = "80"
	}
	text, ok := replaceScalar(p.Compose.Text, chosen.node, becomes)
	if !ok {
		return nil
	}
	p.note(p.Compose.Name, chosen.node.Line, "no service publishes port 80, where requests arrive: %s is a copy in which %s does, and is what is deployed", composeCopy, chosen.service)
	p.yaml.template = composeCopy
	head := "# A copy of " + p.Compose.Name + " in which port 80 is published. It isn't needed where that file does so itself.\n"
	p.output(composeCopy, head+string(text))
	return nil
}

// frontService decides which service answers requests.
func (p *planner) frontService(all []publication) (publication, error) {
	names := []string{}
	for _, c := range all {
		if !slices.Contains(names, c.service) {
			names = append(names, c.service)
		}
	}
	name := names[0]
	if len(names) > 1 || p.answers[Service] != "" {
		rank := func(name string) int {
			if i := slices.Index(fronts, name); i >= 0 {
				return i
			}
			return len(fronts)
		}
		likely := slices.MinFunc(names, func(a, b string) int { return rank(a) - rank(b) })
		var err error
		name, err = p.answer(Guess{
			Key: Service, Question: "Which service answers requests?", Value: likely, Why: "it is the likeliest of those with ports", Choices: names,
		})
		if err != nil {
			return publication{}, err
		}
	}
	return all[slices.IndexFunc(all, func(c publication) bool { return c.service == name })], nil
}

// publications returns the ports that services publish, and whether one is 80.
func publications(services *yaml.Node) (all []publication, has80 bool) {
	for i := 0; services != nil && i+1 < len(services.Content); i += 2 {
		ports := mapping(services.Content[i+1], "ports")
		if ports == nil || ports.Kind != yaml.SequenceNode {
			continue
		}
		for _, n := range ports.Content {
			c := publication{service: services.Content[i].Value, node: n}
			host := ""
			switch n.Kind {
			case yaml.ScalarNode:
				host, c.container = shortPort(n.Value)
			case yaml.MappingNode:
				c.isLong, c.container, c.node = true, text(n, "target"), mapping(n, "published")
				if host = text(n, "published"); host == "" {
					continue
				}
			}
			has80 = has80 || host == "80"
			if c.container != "" && !strings.ContainsAny(c.container, "-$") {
				all = append(all, c)
			}
		}
	}
	return all, has80
}

// shortPort splits the short form of a port: "3000:8080", "127.0.0.1:3000:8080/tcp" or "8080".
func shortPort(value string) (host, container string) {
	value, protocol, _ := strings.Cut(value, "/")
	if protocol == "udp" {
		return "", ""
	}
	host, container = "", value
	if i := strings.LastIndex(value, ":"); i >= 0 {
		host, container = value[:i], value[i+1:]
	}
	return host[strings.LastIndex(host, ":")+1:], container
}

// replaceScalar replaces the text of a scalar. It reports whether the scalar is written there as it was read.
func replaceScalar(source []byte, n *yaml.Node, becomes string) ([]byte, bool) {
	start := 0
	for range n.Line - 1 {
		end := bytes.IndexByte(source[start:], '\n')
		if end < 0 {
			return nil, false
		}
		start += end + 1
	}
	start += n.Column - 1
	for _, quote := range []string{"", `"`, `'`} {
		if written := quote + n.Value + quote; start <= len(source) && bytes.HasPrefix(source[start:], []byte(written)) {
			return slices.Concat(source[:start], []byte(becomes), source[start+len(written):]), true
		}
	}
	return nil, false
}
