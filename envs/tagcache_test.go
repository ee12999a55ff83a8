package envs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
)

func TestAnInventoryReadsTagsWhereTheyMatter(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	const n = tagReadLimit + 3
	for i := range n {
		w.deployed(deployment(fmt.Sprint("f", i), "one"), Created)
	}
	if s := w.calm(); len(w.inventory.tags.readings) > 0 || len(s.Warnings) > 0 {
		t.Errorf("the tags of %d environments are read, whose end is far; %q", len(w.inventory.tags.readings), s.Warnings)
	}
	w.cloud.Advance(5*day - time.Hour)
	s, calls := w.read()
	if !strings.Contains(calls, fmt.Sprint(tagsAtOnce, " ListTagsForResource")) || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], fmt.Sprintf("of %d environments", n-tagsAtOnce)) {
		t.Errorf("when the ends are near, %s, %q", calls, s.Warnings)
	}
	known := 0
	for _, e := range s.Environments {
		if e.ProtectionKnown() {
			known++
		}
	}
	if known != tagsAtOnce {
		t.Errorf("of %d environments it is known whether they are protected", known)
	}
	if s := w.calm(); len(w.inventory.tags.readings) != n || len(s.Warnings) > 0 {
		t.Errorf("in the end the tags of %d are known; %q", len(w.inventory.tags.readings), s.Warnings)
	}
}

func TestTagsThatAreRefusedKeepNoOthersFromBeingRead(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	for i := range tagsAtOnce + 1 {
		w.deployed(deployment(fmt.Sprint("f", i), "one"), Created)
	}
	w.inventory.tags.readings = map[string]tagReading{}
	for n := range tagsAtOnce {
		w.before(n+1, "ListTagsForResource", func() string { return "AccessDenied" })
	}
	if s, calls := w.read(); len(s.Environments) != tagsAtOnce+1 || len(s.Warnings) != tagsAtOnce+1 || !strings.Contains(calls, "1 DescribeEnvironments") {
		t.Errorf("%d environments, %s, %q", len(s.Environments), calls, s.Warnings)
	}
	w.inventory.tags.paused = time.Time{}
	if _, calls := w.read(); !strings.Contains(calls, "1 ListTagsForResource") {
		t.Errorf("after the pause %s", calls)
	}
	w.cloud.Advance(tagsRetry)
	if _, calls := w.read(); !strings.Contains(calls, fmt.Sprint(tagsAtOnce, " ListTagsForResource")) {
		t.Errorf("later %s", calls)
	}
}

func TestATagThatAPersonSetsIsSeen(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	e := w.deployed(deployment("x", "one"), Created)
	for i := range tagsAtOnce {
		w.deployed(deployment(fmt.Sprint("f", i), "one"), Created)
	}
	if s, _ := w.read(); len(s.Warnings) > 0 {
		t.Errorf("of few environments the tags are not known at first: %q", s.Warnings)
	}
	if s := w.calm(); s.of("x").Protected() || !s.of("x").ProtectionKnown() {
		t.Errorf("at first %q", s.of("x").Protection())
	}
	w.tag(e, TagLifecycle, Keep)
	if s := w.calm(); !s.of("x").Protected() {
		t.Error("it is not protected")
	}
	w.cloud.Advance(2 * tagsLag) // AWS may have told the former tags
	if _, calls := w.read(); !strings.Contains(calls, " ListTagsForResource") {
		t.Errorf("a while later %s", calls)
	}
	w.calm()
}

func TestAnEnvironmentWhoseDescriptionIsEditedStays(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	w.deployed(deployment("x", "one"), Created)
	w.calm()
	_, err := w.bare().UpdateEnvironment(t.Context(), &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentId: &w.calm().Environments[0].ID, Description: aws.String("edited")})
	if err != nil {
		t.Fatal(err)
	}
	w.refuse("ListTagsForResource")
	w.inventory.tags.readings = nil
	s, _ := w.read()
	if s.features() != "x/" || len(s.Warnings) == 0 {
		t.Errorf("while its tags can't be read: %s, %q", s.features(), s.Warnings)
	}
	if _, calls := w.read(); calls != nothingNew {
		t.Errorf("they are asked for again at once: %s", calls)
	}
	w.refuse("ListTagsForResource")
	other := &watched{w.plot, w.manager.Inventory()}
	if s, _ := other.read(); s.features() != "/" || !strings.Contains(strings.Join(s.Warnings, "\n"), "1 environments are left out") {
		t.Errorf("one that does not know it has %s, %q", s.features(), s.Warnings)
	}
	other.inventory = w.manager.Inventory()
	if s := other.calm(); s.features() != "x/" || s.of("x").Tags == nil {
		t.Errorf("with its tags: %s, %q", s.features(), s.Warnings)
	}
}
