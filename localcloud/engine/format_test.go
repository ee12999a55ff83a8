package engine

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"beansprout/dockerrun"
)

// TestLinterAndEngineAcceptTheSameKeys passes documents with each key of Dockerrun v2, at each depth,
// to the product's linter and to the local cloud. Both must give the same verdict.
func TestLinterAndEngineAcceptTheSameKeys(t *testing.T) {
	keys := 0
	var walk func(path []string, fields map[string]reflect.Type)
	walk = func(path []string, fields map[string]reflect.Type) {
		for _, key := range slices.Sorted(maps.Keys(fields)) {
			keys++
			at := append(slices.Clone(path), key)
			judge(t, at, specimen(fields[key], key))
			if inner := element(fields[key]); inner.Kind() == reflect.Struct {
				walk(at, dockerrun.Keys(at...))
			}
		}
	}
	walk(nil, dockerrun.Keys())
	if keys < 90 {
		t.Errorf("only %d keys were tried", keys)
	}
	for _, key := range []string{"link", "Memory", "taskRoleArn", "portMapping"} {
		judge(t, []string{"containerDefinitions", key}, "x")
		judge(t, []string{key}, "x")
	}
}

// judge has both sides judge a document with the value at the path.
func judge(t *testing.T, at []string, v any) {
	t.Helper()
	doc := object{"AWSEBDockerrunVersion": 2, "executionRoleArn": "arn:aws:iam::1:role/r", "volumes": []object{{"name": "v"}},
		"containerDefinitions": []object{web(object{"mountPoints": []object{{"sourceVolume": "v", "containerPath": "/v"}}}),
			{"name": "other", "image": "i", "memory": 64}}}
	into := doc
	for _, key := range at[:len(at)-1] {
		switch inner := into[key].(type) {
		case []object:
			into = inner[0]
		case object:
			into = inner
		default:
			fresh := object{}
			if into[key] = fresh; element(typeAt(at, key)).Kind() == reflect.Struct && typeAt(at, key).Kind() == reflect.Slice {
				into[key] = []object{fresh}
			}
			into = fresh
		}
	}
	into[at[len(at)-1]] = v
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	_, here := parse(text, 80)
	template, there := dockerrun.Parse("Dockerrun.template.json", text)
	if there == nil {
		_, there = template.Expand(dockerrun.Values{})
	}
	if (here == nil) != (there == nil) {
		t.Errorf("%s: the local cloud says %v, the linter %v", strings.Join(at, "."), here, there)
	}
}

// typeAt returns the type of the key at a path.
func typeAt(path []string, key string) reflect.Type {
	return dockerrun.Keys(path[:slices.Index(path, key)]...)[key]
}

func element(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Slice {
		return t.Elem()
	}
	return t
}

// specimen returns a valid value of a type.
func specimen(t reflect.Type, key string) any {
	known := map[string]any{"hostPort": 80, "containerPort": 8080, "protocol": "tcp", "AWSEBDockerrunVersion": 2, "memory": 64, "memoryReservation": 32,
		"sourceVolume": "v", "containerPath": "/v", "sourcePath": "/data", "links": []string{"other"}, "sourceContainer": "other", "bucket": "b", "key": "k", "containerName": "other"}
	if v, ok := known[key]; ok {
		return v
	}
	switch t.Kind() {
	case reflect.Slice:
		return []any{specimen(t.Elem(), "")}
	case reflect.Map:
		return object{"a": "b"}
	case reflect.Struct:
		return object{}
	case reflect.Bool:
		return true
	case reflect.Int:
		return 1
	}
	return "x"
}
