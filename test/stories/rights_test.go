package stories

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"beansprout/localcloud"
)

// usedRights are the actions of IAM that the program's calls in the stories needed, by the holder of the
// policy that has to allow them.
type usedRights struct {
	mu      sync.Mutex
	holders map[string]map[string]bool
}

var made = usedRights{holders: map[string]map[string]bool{"deployer": {}, "janitor": {}}}

// read adds what the request log of a local cloud says of the program's calls. The judge reads no log that a
// story has removed.
func (u *usedRights) read(dir string) {
	for _, name := range []string{"requests.log.1", "requests.log"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			continue // a cloud that was not called has none
		}
		for s := bufio.NewScanner(f); s.Scan(); {
			var e localcloud.Entry
			if json.Unmarshal(s.Bytes(), &e) == nil {
				u.add(e)
			}
		}
		_ = f.Close()
	}
}

// add counts a call of the program's. The verb is in the user agent, except in the registry's calls: the engine
// pushes for up, and pulls for the instances. doctor does without rights.
func (u *usedRights) add(e localcloud.Entry) {
	verb, ours := strings.CutPrefix(e.Agent, "beansprout-")
	holder := "deployer"
	switch {
	case verb == "janitor" || verb == "sweep":
		holder = "janitor"
	case e.Service == "registry":
		method, path, _ := strings.Cut(e.Action, " ")
		ours = method != "GET" && (method != "HEAD" || strings.Contains(path, "/blobs/"))
	}
	right := e.Right()
	if !ours || verb == "doctor" || right == "" {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.holders[holder][right] = true
}

// judge compares the rights that were used with the policies that the program prints: they allow all of them
// and, after all stories, nothing else.
func (u *usedRights) judge() error {
	var errs []error
	for holder, used := range u.holders {
		if len(used) == 0 {
			continue
		}
		has, err := policyOf(holder)
		if err != nil {
			return err
		}
		for _, right := range slices.Sorted(maps.Keys(used)) {
			if !slices.Contains(has, right) {
				errs = append(errs, fmt.Errorf("the policy of the %s lacks %s, which a story needed", holder, right))
			}
		}
		for _, right := range has {
			if allStories() && !used[right] && elsewhere[right].by == "" && elsewhere[holder+" "+right].by == "" {
				errs = append(errs, fmt.Errorf("the policy of the %s has %s, which no story needed", holder, right))
			}
		}
	}
	return errors.Join(errs...)
}

// allStories reports whether this run tells all stories.
func allStories() bool {
	return !testing.Short() && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
}

// need is who needs a right that no story needs: a test, or AWS itself, where its documentation says so.
type need struct{ by, what string }

// elsewhere has the rights that no story needs. A test of the house looks for the tests.
var elsewhere = map[string]need{
	"elasticbeanstalk:AbortEnvironmentUpdate":          {"TestAnInterruptedDeployIsAbortedWithTheRightToDoSo", "up --abort"},
	"elasticbeanstalk:AddTags":                         {"AWS", "to create an environment with tags (Service Authorization Reference)"},
	"janitor elasticbeanstalk:RequestEnvironmentInfo":  {"TestARestoreThatFailsShowsTheLogs", "a press of Restore"},
	"janitor elasticbeanstalk:RetrieveEnvironmentInfo": {"TestARestoreThatFailsShowsTheLogs", "a press of Restore"},
	"elasticbeanstalk:UpdateConfigurationTemplate":     {"TestADeployStartsFromACopyOfAnEnvironment", "environment.copy_from whose copy is out of date"},
	"iam:PassRole":                          {"AWS", "to pass the roles on, with the caller's rights"},
	"s3:ListAllMyBuckets":                   {"TestTagsThatOthersMayNeedStay", "images that an earlier version tagged"},
	"elasticbeanstalk:DescribeApplications": {"TestWhatCannotBeRestoredIsAnError", "saved configurations, where one is missing"},
	"ecr:BatchDeleteImage":                  {"TestImagesAreTaggedWhileTheyRunOrRanBefore", "images that no environment needs any more"},
	"janitor ecr:BatchGetImage":             {"TestImageTagsWithoutVersionAndRecordAreLeftovers", "leftovers of environments with images"},
	"janitor ecr:DescribeRepositories":      {"TestImageTagsWithoutVersionAndRecordAreLeftovers", "leftovers of environments with images"},
	"janitor ecr:GetLifecyclePolicy":        {"TestImageTagsWithoutVersionAndRecordAreLeftovers", "leftovers of environments with images"},
	"janitor ecr:ListImages":                {"TestImageTagsWithoutVersionAndRecordAreLeftovers", "leftovers of environments with images"},
	"janitor ecr:PutImage":                  {"TestARestoreShieldsItsImages", "a restore, which tags the images again"},
	"ecr:DeleteLifecyclePolicy":             {"TestARepositoryWithoutRulesHasNoPolicy", "registry.expire_images_after: 0s"},
}

// policyOf returns the actions of the policy that the program prints.
func policyOf(holder string) (actions []string, err error) {
	out, err := exec.Command("beansprout", "iam-policy", holder, "--any").Output()
	if err != nil {
		return nil, fmt.Errorf("print the policy of the %s: %w", holder, err)
	}
	var policy struct{ Statement []struct{ Action any } }
	if err := json.Unmarshal(out, &policy); err != nil {
		return nil, err
	}
	for _, s := range policy.Statement {
		switch action := s.Action.(type) {
		case string:
			actions = append(actions, action)
		case []any:
			for _, a := range action {
				actions = append(actions, a.(string))
			}
		}
	}
	return actions, nil
}
