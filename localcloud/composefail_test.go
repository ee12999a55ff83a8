package localcloud

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

// An update that fails names the service in an event and leaves the version before. The logs have one
// section for each service. The termination leaves nothing on the Docker Engine.
func TestFailedComposeUpdateNamesTheService(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a Docker Engine")
	}
	docker := newDocker(t)
	image := docker.testImage(t)
	text := "services:\n  web: {image: '" + image + "', env_file: .env, ports: ['80:8080'], volumes: ['data:/data']}\nvolumes: {data: {}}\n"
	c := start(t, Config{Docker: true})
	t.Cleanup(func() { wipe(t, c, docker) })
	const name = "shop-login"
	c.deployCompose(t, name, "v1", text)
	eb := elasticbeanstalk.NewFromConfig(sdk(t, c))
	label := c.composeVersion(t, name+"-v2", strings.Replace(text, "services:\n", "services:\n  job: {image: '"+image+"', command: ['exit=3']}\n", 1))
	if _, err := eb.UpdateEnvironment(t.Context(), &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentName: aws.String(name), VersionLabel: label}); err != nil {
		t.Fatal(err)
	}
	awaitVersion(t, eb, name, name+"-v1")
	awaitPage(t, c, "version=v1")
	awaitEvent(t, eb, name, "Failed to run the services of docker-compose.yml: service job stopped with exit code 3: ")
	awaitEvent(t, eb, name, "Failed to deploy application.")
	if logs := tailLogs(t, eb, name); !slices.ContainsFunc(logs, func(text string) bool { return text == "==> web <==\nlistening on :8080\n" }) ||
		!slices.ContainsFunc(logs, func(text string) bool {
			return strings.Contains(text, "==> job <==\n") && strings.Contains(text, "about to give up\n")
		}) {
		t.Errorf("the logs are %q", logs)
	}
	if _, err := eb.TerminateEnvironment(t.Context(), &elasticbeanstalk.TerminateEnvironmentInput{EnvironmentName: aws.String(name)}); err != nil {
		t.Fatal(err)
	}
	awaitEvent(t, eb, name, "terminateEnvironment completed successfully.")
	mine := filters.NewArgs(filters.Arg("label", "beansprout.local="+c.id.ID))
	networks, err1 := docker.NetworkList(t.Context(), network.ListOptions{Filters: mine})
	volumes, err2 := docker.VolumeList(t.Context(), volume.ListOptions{Filters: mine})
	if n := docker.containers(t, c); n+len(networks)+len(volumes.Volumes) > 0 || err1 != nil || err2 != nil {
		t.Errorf("left behind: %d containers, %v, %v, %v %v", n, networks, volumes.Volumes, err1, err2)
	}
}

// awaitEvent waits until an environment has an event that begins with a text.
func awaitEvent(t *testing.T, eb *elasticbeanstalk.Client, name, prefix string) {
	t.Helper()
	var last []string
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		out, err := eb.DescribeEvents(t.Context(), &elasticbeanstalk.DescribeEventsInput{EnvironmentName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		last = nil
		for _, e := range out.Events {
			if strings.HasPrefix(*e.Message, prefix) {
				return
			}
			last = append(last, *e.Message)
		}
	}
	t.Fatalf("no event begins with %q: %q", prefix, last)
}

// tailLogs requests the logs of an environment and returns them.
func tailLogs(t *testing.T, eb *elasticbeanstalk.Client, name string) []string {
	t.Helper()
	if _, err := eb.RequestEnvironmentInfo(t.Context(), &elasticbeanstalk.RequestEnvironmentInfoInput{EnvironmentName: aws.String(name), InfoType: ebtypes.EnvironmentInfoTypeTail}); err != nil {
		t.Fatal(err)
	}
	awaitEvent(t, eb, name, "Pulled logs for environment instances.")
	out, err := eb.RetrieveEnvironmentInfo(t.Context(), &elasticbeanstalk.RetrieveEnvironmentInfoInput{EnvironmentName: aws.String(name), InfoType: ebtypes.EnvironmentInfoTypeTail})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, info := range out.EnvironmentInfo {
		response, err := http.Get(*info.Message)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}
