package beanstalk

import (
	"strings"
	"testing"

	"beansprout/envs/beanstalk"
)

// TestExistingOptionsAreNotTakenForMisspelt compares the product's short list with the cloud's long
// one.
func TestExistingOptionsAreNotTakenForMisspelt(t *testing.T) {
	for namespace, names := range optionNames {
		if strings.HasSuffix(namespace, ":") {
			namespace += "443"
		}
		for name := range strings.SplitSeq(names, "|") {
			if meant, misspelt := (beanstalk.Setting{Namespace: namespace, Name: name}).Misspelt(); misspelt {
				t.Errorf("%s of %s passes for %s", name, namespace, meant)
			}
			if !(option{Namespace: namespace, OptionName: name}).exists() {
				t.Errorf("%s of %s does not exist", name, namespace)
			}
		}
	}
}
