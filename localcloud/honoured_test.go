package localcloud

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"beansprout/localcloud/wire"
)

var updateHonoured = flag.Bool("update", false, "write testdata/honoured.txt")

const honouredFile = "testdata/honoured.txt"

// leaf is one member of an operation's input, with its path on the wire, such as Tags[].Key.
type leaf struct {
	service, operation, path string
	kind                     string // string, boolean, number or time
}

func (l leaf) String() string { return l.service + " " + l.operation + " " + l.path }

// clientTypes are the SDK's clients. Each of their methods is an operation.
var clientTypes = map[string]reflect.Type{
	"elasticbeanstalk": reflect.TypeFor[*elasticbeanstalk.Client](), "ecr": reflect.TypeFor[*ecr.Client](), "sts": reflect.TypeFor[*sts.Client](),
}

// sdkLeaves returns the members of an operation's input in the SDK.
func sdkLeaves(service, operation string) (leaves []leaf) {
	client, ok := clientTypes[service]
	if !ok {
		return nil
	}
	method, ok := client.MethodByName(operation)
	if !ok {
		return nil
	}
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		kind := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Int32: "number", reflect.Int64: "number"}[t.Kind()]
		switch {
		case t.Kind() == reflect.Pointer:
			walk(t.Elem(), path)
		case t.Kind() == reflect.Slice:
			walk(t.Elem(), path+"[]")
		case t == reflect.TypeFor[time.Time]():
			leaves = append(leaves, leaf{service, operation, path, "time"})
		case t.Kind() == reflect.Struct:
			for _, f := range reflect.VisibleFields(t) {
				if f.IsExported() {
					walk(f.Type, strings.TrimPrefix(path+"."+wireName(service, f.Name), "."))
				}
			}
		case kind != "":
			leaves = append(leaves, leaf{service, operation, path, kind})
		}
	}
	walk(method.Type.In(2), "")
	return leaves
}

func wireName(service, field string) string {
	if service == "ecr" {
		return strings.ToLower(field[:1]) + field[1:]
	}
	return field
}

// botocoreLeaves returns the members in botocore's model of a service, if botocore is installed.
func botocoreLeaves(t *testing.T, service string) (leaves []leaf) {
	home, err := exec.Command("python3", "-c", "import botocore, os; print(os.path.dirname(botocore.__file__))").Output()
	if err != nil {
		t.Logf("without botocore: %v", err)
		return nil
	}
	folder := map[string]string{"servicequotas": "service-quotas", "elasticloadbalancing": "elbv2"}[service]
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(home)), "data", cmp.Or(folder, service), "*", "service-2.json*"))
	if len(files) == 0 {
		t.Errorf("botocore has no model of %s", service)
		return nil
	}
	var model struct {
		Operations map[string]struct{ Input struct{ Shape string } }
		Shapes     map[string]struct {
			Type    string
			Members map[string]struct{ Shape, LocationName, QueryName string }
			Member  struct{ Shape string }
		}
	}
	if err := json.Unmarshal(unzipped(t, files[len(files)-1]), &model); err != nil {
		t.Fatal(err)
	}
	var walk func(operation, shape, path string)
	walk = func(operation, shape, path string) {
		kinds := map[string]string{"string": "string", "boolean": "boolean", "integer": "number", "long": "number", "double": "number", "timestamp": "time"}
		s := model.Shapes[shape]
		for name, m := range s.Members {
			if service == "ec2" { // whose parameters begin with a capital
				name = cmp.Or(m.QueryName, m.LocationName, name)
				name = strings.ToUpper(name[:1]) + name[1:]
			}
			walk(operation, m.Shape, strings.TrimPrefix(path+"."+name, "."))
		}
		switch {
		case s.Type == "list":
			walk(operation, s.Member.Shape, path+"[]")
		case kinds[s.Type] != "":
			leaves = append(leaves, leaf{service, operation, path, kinds[s.Type]})
		}
	}
	for name, o := range model.Operations {
		walk(name, o.Input.Shape, "")
	}
	return leaves
}

func unzipped(t *testing.T, file string) []byte {
	raw, err := os.ReadFile(file)
	if err == nil && strings.HasSuffix(file, ".gz") {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(raw)); err == nil {
			raw, err = io.ReadAll(z)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// jsonTargets are the targets of the services that speak JSON.
var jsonTargets = map[string]string{"ecr": "AmazonEC2ContainerRegistry_V20150921", "servicequotas": "ServiceQuotasV20190624"}

// refuses sends one member alone and reports whether it is refused because nothing reads it.
func (l leaf) refuses(c *Cloud) bool {
	value := map[string]string{"string": "abcd", "boolean": "true", "number": "1", "time": "2026-01-01T00:00:00Z"}[l.kind]
	var r *http.Request
	if target := jsonTargets[l.service]; target != "" {
		var node any = map[string]any{"string": value, "boolean": true, "number": 1, "time": 1.5}[l.kind]
		parts := strings.Split(strings.ReplaceAll(l.path, "[]", ".[]"), ".")
		for _, p := range slices.Backward(parts) {
			if p == "[]" {
				node = []any{node}
			} else {
				node = map[string]any{p: node}
			}
		}
		body, _ := json.Marshal(node)
		r = httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("X-Amz-Target", target+"."+l.operation)
	} else {
		version := map[string]string{"elasticbeanstalk": "2010-12-01", "sts": "2011-06-15", "iam": "2010-05-08", "ec2": "2016-11-15", "autoscaling": "2011-01-01", "elasticloadbalancing": "2015-12-01"}[l.service]
		entry := ".member.1"
		if l.service == "ec2" {
			entry = ".1"
		}
		form := url.Values{"Action": {l.operation}, "Version": {version}, strings.ReplaceAll(l.path, "[]", entry): {value}}
		r = httptest.NewRequest("POST", "/", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	call := wire.Call{ID: "1", Region: "us-east-1", Account: c.id.Account, Now: time.Now()}
	c.services[l.service].handler.ServeHTTP(w, wire.WithCall(r, call))
	return w.Code == http.StatusBadRequest && strings.Contains(w.Body.String(), "Member must be one that the local cloud honours")
}

// TestEveryMemberIsHonouredOrRefused sends each member that AWS's clients know, alone, to its
// operation. A member that is not listed as honoured must be refused.
func TestEveryMemberIsHonouredOrRefused(t *testing.T) {
	c := start(t, Config{})
	var all, honoured []string
	for _, service := range []string{"autoscaling", "ec2", "ecr", "elasticbeanstalk", "elasticloadbalancing", "iam", "servicequotas", "sts"} {
		foreign := botocoreLeaves(t, service)
		for _, operation := range operations(t, c, service) {
			known := sdkLeaves(service, operation)
			for _, l := range foreign {
				if l.operation == operation && !slices.Contains(known, l) {
					known = append(known, l)
				}
			}
			paths := []string{""}
			for _, l := range known {
				all = append(all, l.String())
				if !l.refuses(c) {
					honoured = append(honoured, l.String())
				}
				if i := strings.LastIndex(l.path, "."); i >= 0 && !slices.Contains(paths, l.path[:i+1]) {
					paths = append(paths, l.path[:i+1])
				}
			}
			for _, path := range paths {
				if l := (leaf{service, operation, path + "Unheard", "string"}); !l.refuses(c) {
					t.Errorf("%s is taken and dropped", l)
				}
			}
		}
	}
	for _, l := range []leaf{
		{"elasticbeanstalk", "CreateEnvironment", "TemplateSpecification.TemplateSource.SourceContents", "string"},
		{"elasticbeanstalk", "UpdateEnvironment", "TemplateSpecification.TemplateSource.EnvironmentName", "string"},
		{"elasticbeanstalk", "CreateConfigurationTemplate", "TemplateSpecification.TemplateSource.SourceContents", "string"},
	} { // only the EB CLI knows these
		if !l.refuses(c) {
			t.Errorf("%s is taken and dropped", l)
		}
	}
	slices.Sort(honoured)
	if *updateHonoured {
		if err := os.WriteFile(honouredFile, []byte(strings.Join(honoured, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(honouredFile)
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.Fields(strings.ReplaceAll(strings.TrimSpace(string(raw)), " ", "/"))
	for _, l := range honoured {
		if !slices.Contains(listed, strings.ReplaceAll(l, " ", "/")) {
			t.Errorf("%s is not listed as honoured in %s, and is not refused", l, honouredFile)
		}
	}
	for _, l := range listed {
		if l = strings.ReplaceAll(l, "/", " "); slices.Contains(all, l) && !slices.Contains(honoured, l) {
			t.Errorf("%s is listed as honoured in %s, and is refused", l, honouredFile)
		}
	}
}

// kept is why the members of policies need no code.
const kept = "policies are kept and described whole; there are no metrics"

// idle lists members that need no code, with the reason.
var idle = map[string]string{
	"autoscaling.MetricIntervalLowerBound": kept, "autoscaling.MetricIntervalUpperBound": kept,
	"autoscaling.TargetValue": kept, "autoscaling.DisableScaleIn": kept, "autoscaling.MetricName": kept, "autoscaling.Namespace": kept,
	"autoscaling.Dimensions": kept, "autoscaling.Statistic": kept, "autoscaling.Unit": kept, "autoscaling.Period": kept,
	"autoscaling.Strategy":           "its rule takes Rolling alone",
	"beanstalk.ForceTerminate":       "it ignores links to other environments, and there are none",
	"beanstalk.MaxAgeInDays":         "a lifecycle that is switched on is refused",
	"beanstalk.MaxCount":             "a lifecycle that is switched on is refused",
	"beanstalk.DeleteSourceFromS3":   "a lifecycle that is switched on is refused",
	"beanstalk.SourceType":           "SourceBuildInformation is refused",
	"beanstalk.SourceRepository":     "SourceBuildInformation is refused",
	"beanstalk.SourceLocation":       "SourceBuildInformation is refused",
	"beanstalk.ArtifactName":         "BuildConfiguration is refused",
	"beanstalk.CodeBuildServiceRole": "BuildConfiguration is refused",
	"beanstalk.ComputeType":          "BuildConfiguration is refused",
	"beanstalk.Image":                "BuildConfiguration is refused",
	"beanstalk.TimeoutInMinutes":     "BuildConfiguration is refused",
	"elb.DurationSeconds":            "the stickiness of groups that is switched on is refused",
	"elb.HealthCheckProtocol":        "its rule takes HTTP alone",
	"elb.IpAddressType":              "its rule takes ipv4 alone",
	"elb.ProtocolVersion":            "its rule takes HTTP1 alone",
	"elb.TargetType":                 "its rule takes instance alone",
	"ecr.EncryptionType":             "its rule takes AES256 alone",
	"ecr.FilterType":                 "exclusions are refused",
}

// TestEveryMemberThatIsReadIsUsed fails for fields of inputs that no code mentions.
func TestEveryMemberThatIsReadIsUsed(t *testing.T) {
	for _, dir := range []string{".", "autoscaling", "beanstalk", "ec2", "ecr", "elb", "iam"} {
		var fields []string
		used := map[string]bool{}
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		pkg := ""
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			pkg = tree.Name.Name
			ast.Inspect(tree, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.StructType:
					fields = append(fields, checked(n)...)
				case *ast.SelectorExpr:
					used[n.Sel.Name] = true
				}
				return true
			})
		}
		for _, f := range fields {
			if !used[f] && idle[pkg+"."+f] == "" {
				t.Errorf("%s: the member %s is read and not used: honour it, or take it out so that it is refused", pkg, f)
			}
		}
	}
}

// checked returns the fields of an operation's input. Some are checked by rules only.
func checked(s *ast.StructType) (names []string) {
	rules := false
	for _, f := range s.Fields.List {
		rules = rules || f.Tag != nil && strings.Contains(f.Tag.Value, "aws:")
		for _, n := range f.Names {
			names = append(names, n.Name)
		}
	}
	if !rules {
		return nil
	}
	return names
}
