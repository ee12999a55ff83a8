package doctor

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/project/config"
	"beansprout/cmd/internal/secrets"
	"beansprout/cmd/internal/service"
)

// A check that waited for one after it could wait for ever.
func TestChecksWaitOnlyForThoseBeforeThem(t *testing.T) {
	for name, cfg := range map[string]config.Config{
		"no file":                 {},
		"images":                  {File: "x"},
		"an archive":              {File: "x", Artifact: "app.war"},
		"a saved configuration":   {File: "x", Environment: config.Environment{SavedConfiguration: "x"}},
		"a copy":                  {File: "x", Environment: config.Environment{CopyFrom: "x"}},
		"a copy and another role": {File: "x", Environment: config.Environment{CopyFrom: "x", ServiceRole: "y"}},
	} {
		for _, local := range []bool{false, true} {
			s := Subject{Project: project.Of(&cfg, ".", nil), Local: local, Connector: &service.Connector{Secrets: &secrets.Secrets{}, Getenv: func(string) string { return "" }}}
			var before []string
			all := newExamination(s).checks()
			for _, c := range all {
				if slices.Contains(before, c.name) {
					t.Errorf("%s: two checks are called %s", name, c.name)
				}
				for _, needed := range c.needs {
					if !slices.Contains(before, needed) {
						t.Errorf("%s: %s needs %s, which is not before it", name, c.name, needed)
					}
				}
				before = append(before, c.name)
			}
			for i, c := range all {
				for _, used := range c.after {
					if slices.Contains(before[i:], used) {
						t.Errorf("%s: %s comes before %s", name, c.name, used)
					}
				}
			}
		}
	}
}

func TestWhatACheckNeedsIsAwaitedAndItsTimeIsLimited(t *testing.T) {
	order := make(chan string, 6)
	note := func(name string, f Finding) func(context.Context) Finding {
		return func(context.Context) Finding { order <- name; return f }
	}
	findings := run(t.Context(), []check{
		{name: "one", run: note("one", ok("fine"))},
		{name: "two", needs: []string{"one"}, run: note("two", fail("broken", "mend it"))},
		{name: "three", needs: []string{"two"}, run: note("three", ok("fine"))},
		{name: "four", after: []string{"two", "nothing"}, run: note("four", warn("strange"))},
		{name: "five", needs: []string{"three"}, run: note("five", ok("fine"))},
		{name: "six", limit: time.Millisecond, run: func(ctx context.Context) Finding {
			<-ctx.Done()
			return broken(ctx, ctx.Err())
		}},
	})
	close(order)
	var got []string
	for name := range order {
		got = append(got, name)
	}
	if !slices.Equal(got, []string{"one", "two", "four"}) {
		t.Errorf("ran %q", got)
	}
	for i, want := range []string{"one ok fine", "two failed broken", "three not checked it needs two", "four warning strange", "five not checked it needs three", "six failed there was no answer within 1ms"} {
		f := findings[i]
		if text := f.Check + " " + string(f.State) + " " + f.Text; !strings.HasPrefix(text, want) {
			t.Errorf("got %q, want %q", text, want)
		}
	}
	if Count(findings, Failed) != 2 || Count(findings, Unchecked) != 2 {
		t.Errorf("%+v", findings)
	}
}

func TestFindingsFitTheTerminal(t *testing.T) {
	findings := []Finding{
		{Check: "git", State: OK, Text: "feature \x1b[31mx\u202e at 1a2b3c"},
		{Check: "service role", State: Failed, Text: "a text that is too long for the line and goes on in the next one", Fix: "aws iam create-role --role-name x --assume-role-policy-document '{}'\naws iam y"},
	}
	var narrow, wide strings.Builder
	if err := Print(&narrow, findings, 60); err != nil {
		t.Fatal(err)
	}
	if want := `ok      git           feature x\u202e at 1a2b3c
FAILED  service role  a text that is too long for the line
                      and goes on in the next one
    aws iam create-role --role-name x --assume-role-policy-document '{}'
    aws iam y
`; narrow.String() != want {
		t.Errorf("got\n%s", narrow.String())
	}
	if err := Print(&wide, findings, 0); err != nil || strings.Count(wide.String(), "\n") != 4 {
		t.Errorf("got\n%s%v", wide.String(), err)
	}
}

func TestCommandsAreQuotedForAShell(t *testing.T) {
	if got := command("aws", "it's", "", "a b", "$(x)", "arn:aws:iam::1:role/x"); got != `aws 'it'\''s' '' 'a b' '$(x)' arn:aws:iam::1:role/x` {
		t.Errorf("got %s", got)
	}
}
