package localcloud

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"beansprout/localcloud/s3"
)

const document = "../docs/local-cloud.md"

// row is one operation in the document.
type row struct{ operation, served, notes string }

var (
	headForm  = regexp.MustCompile(`^### ([a-z0-9]+)$`)
	rowForm   = regexp.MustCompile("^\\| `([A-Za-z0-9]+)` \\| ([a-z]+) \\| (.*)\\|$")
	totalForm = regexp.MustCompile(`In all (\d+) operations of AWS are served, (\d+) of them whole and (\d+) in part\.`)
)

// tables returns the document's tables of operations, by service.
func tables(t *testing.T) (text string, all map[string][]row) {
	t.Helper()
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	all = map[string][]row{}
	service := ""
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if head := headForm.FindStringSubmatch(line); head != nil {
			service = head[1]
		}
		if m := rowForm.FindStringSubmatch(line); m != nil && service != "" {
			all[service] = append(all[service], row{m[1], m[2], strings.TrimSpace(m[3])})
		}
	}
	return string(raw), all
}

func TestDocumentListsEveryOperationOnce(t *testing.T) {
	c := start(t, Config{})
	_, documented := tables(t)
	if got, want := slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(c.services)); !slices.Equal(got, want) {
		t.Errorf("%s has tables of %q, the services are %q", document, got, want)
	}
	for service, rows := range documented {
		var names []string
		for _, r := range rows {
			names = append(names, r.operation)
		}
		if want := operations(t, c, service); !slices.Equal(names, want) {
			t.Errorf("%s: the table of %s differs from the code:\n%s", document, service, difference(names, want))
		}
	}
}

// difference lists the operations that are only documented, only served, documented twice, or out
// of order.
func difference(documented, served []string) string {
	var lines []string
	seen := map[string]bool{}
	for _, name := range documented {
		if seen[name] {
			lines = append(lines, name+" is documented twice")
		}
		if seen[name] = true; !slices.Contains(served, name) {
			lines = append(lines, name+" is not served")
		}
	}
	for _, name := range served {
		if !seen[name] {
			lines = append(lines, name+" is not documented")
		}
	}
	if lines == nil {
		lines = []string{fmt.Sprintf("the order is to be %q", served)}
	}
	return strings.Join(lines, "\n")
}

// operations returns the operations of a service, sorted.
func operations(t *testing.T, c *Cloud, service string) []string {
	t.Helper()
	if service == "s3" {
		return objectOperations()
	}
	h, ok := c.services[service].handler.(interface{ Operations() []string })
	if !ok {
		t.Errorf("the service %q does not say what it serves", service)
		return nil
	}
	return h.Operations()
}

// objectOperations returns the names of S3's operations: it combines each method with each query
// and header that distinguishes operations.
func objectOperations() []string {
	names := map[string]bool{}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete} {
		for _, path := range []string{"/", "/bucket", "/bucket/key"} {
			for _, query := range []string{"", "?uploads", "?uploadId=1", "?location", "?versioning", "?list-type=2", "?delete"} {
				for _, source := range []string{"", "/bucket/key"} {
					r := httptest.NewRequest(method, path+query, nil)
					r.Header.Set("X-Amz-Copy-Source", source)
					if name := s3.ActionOf(r); name != method {
						names[name] = true
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func TestDocumentCountsTheOperations(t *testing.T) {
	text, documented := tables(t)
	count := map[string]int{}
	for service, rows := range documented {
		for _, r := range rows {
			if r.served != "whole" && r.served != "part" || r.served == "part" && r.notes == "" {
				t.Errorf("%s: %s: %+v: want whole, or part and what is missing", document, service, r)
			}
			if service != "beansprout" {
				count[r.served]++
			}
		}
	}
	want := fmt.Sprintf("In all %d operations of AWS are served, %d of them whole and %d in part.", count["whole"]+count["part"], count["whole"], count["part"])
	if got := totalForm.FindString(text); got != want {
		t.Errorf("%s says %q, want %q", document, got, want)
	}
}
