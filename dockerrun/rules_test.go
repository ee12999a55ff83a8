package dockerrun

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"beansprout/test/must"
)

func TestEachBrokenRuleIsOneFinding(t *testing.T) {
	tests := map[string]struct{ members, want string }{
		"misspelt key":           {`"link": ["web"]`, `containerDefinitions[0].link: unknown key; did you mean links?`},
		"key in another case":    {`"Command": ["x"]`, `containerDefinitions[0].Command: unknown key; did you mean command?`},
		"key of nothing":         {`"healthCheck": {"zzz": 1}`, `containerDefinitions[0].healthCheck.zzz: unknown key; known are command, interval, retries, startPeriod, timeout`},
		"key with a placeholder": {`"dockerLabels": {"${feature}": "x"}`, `containerDefinitions[0].dockerLabels["${feature}"]: a placeholder may be in a value, but not in a key`},
		"number for text":        {`"environment": [{"name": "A", "value": 5}]`, `containerDefinitions[0].environment[0].value: wants text, not 5`},
		"text for list":          {`"links": "api"`, `containerDefinitions[0].links: wants a list, not "api"`},
		"null":                   {`"links": null`, `containerDefinitions[0].links: wants a list, not null`},
		"object for list":        {`"environment": {"A": "b"}`, `containerDefinitions[0].environment: wants a list, not an object`},
		"fraction":               {`"cpu": 1.5`, `containerDefinitions[0].cpu: wants a whole number, not 1.5`},
		"link to nothing":        {`"links": ["wbe:x"]`, `containerDefinitions[0].links[0]: is not the name of a container: "wbe:x"; did you mean web?`},
		"link to itself":         {`"links": ["web"]`, `containerDefinitions[0].links[0]: is the container itself`},
		"volumes from nothing":   {`"volumesFrom": [{"sourceContainer": "x"}]`, `containerDefinitions[0].volumesFrom[0].sourceContainer: is not the name of a container: "x"; known are web`},
		"waits for nothing":      {`"dependsOn": [{"condition": "START"}]`, `containerDefinitions[0].dependsOn[0].containerName: is not the name of a container: it is missing; known are web`},
		"mount of nothing":       {`"mountPoints": [{"sourceVolume": "awseb-logs-wb", "containerPath": "/x"}]`, `containerDefinitions[0].mountPoints[0].sourceVolume: is not the name of a volume: "awseb-logs-wb"; did you mean awseb-logs-web?`},
		"mount to nowhere":       {`"mountPoints": [{"sourceVolume": "awseb-logs-web"}]`, `containerDefinitions[0].mountPoints[0].containerPath: must be an absolute path: it is missing`},
		"secrets without a role": {`"secrets": [{"name": "A", "valueFrom": "arn"}]`, `containerDefinitions[0].secrets: need an executionRoleArn, at the top of the document`},
		"reservation over limit": {`"memoryReservation": 65`, `containerDefinitions[0].memoryReservation: is more than memory: 65 > 64`},
		"tiny reservation":       {`"memoryReservation": -1`, `containerDefinitions[0].memoryReservation: must be at least 6 (MiB), not -1`},
		"essential as text":      {`"essential": "no"`, `containerDefinitions[0].essential: wants true or false, not "no"`},
		"not essential":          {`"essential": false`, `containerDefinitions: no container is essential`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { isOnlyFinding(t, withContainer(", "+test.members), test.want) })
	}
}

func TestEachBrokenDocumentIsOneFinding(t *testing.T) {
	const rest = `"containerDefinitions": [{"name": "web", "image": "i", "memory": 64, "portMappings": [{"hostPort": 80, "containerPort": 80}]}]`
	replace := func(old, new string) string {
		return strings.Replace(`{"AWSEBDockerrunVersion": 2, `+rest+`}`, old, new, 1)
	}
	tests := map[string]struct{ text, want string }{
		"list":                {`[]`, `wants an object, not a list`},
		"version missing":     {`{` + rest + `}`, `AWSEBDockerrunVersion: is missing: it must be 2`},
		"version 1":           {replace("2", "1"), `AWSEBDockerrunVersion: must be 2, the version for the ECS platform, not 1`},
		"version as text":     {replace("2", `"2"`), `AWSEBDockerrunVersion: wants a whole number, not "2"`},
		"containers missing":  {`{"AWSEBDockerrunVersion": 2}`, `containerDefinitions: there is no container`},
		"containers no list":  {`{"AWSEBDockerrunVersion": 2, "containerDefinitions": {}}`, `containerDefinitions: wants a list, not an object`},
		"container no object": {`{"AWSEBDockerrunVersion": 2, "containerDefinitions": ["web"]}`, `containerDefinitions[0]: wants an object, not "web"`},
		"unknown top key":     {replace("{", `{"volume": [], `), `volume: unknown key; did you mean volumes?`},
		"authentication":      {replace("{", `{"authentication": {"bucket": "b"}, `), `authentication: must name a bucket and a key`},
		"volume twice":        {replace("{", `{"volumes": [{"name": "a"}, {"name": "a"}], `), `volumes[1].name: is used before: "a"`},
		"volume unnamed":      {replace("{", `{"volumes": [{}], `), `volumes[0].name: is missing`},
		"container unnamed":   {replace(`"name": "web", `, ``), `containerDefinitions[0].name: is missing`},
		"container misnamed":  {replace(`"web"`, `"we b"`), `containerDefinitions[0].name: must be 1 to 255 of A-Z, a-z, 0-9, _ and -: "we b"`},
		"container twice":     {replace(`[{"name"`, `[{"name": "web", "image": "i", "memory": 64}, {"name"`), `containerDefinitions[1].name: is used before: "web"`},
		"image missing":       {replace(`"image": "i", `, ``), `containerDefinitions[0].image: is missing`},
		"image of two words":  {replace(`"i"`, `"i -v /:/host"`), `containerDefinitions[0].image: contains a character that is not allowed in an image reference`},
		"memory missing":      {replace(`"memory": 64, `, ``), `containerDefinitions[0].memory: is missing: memory or memoryReservation must say how many MiB`},
		"memory zero":         {replace(`64`, `0`), `containerDefinitions[0].memory: is missing: memory or memoryReservation must say how many MiB`},
		"memory too small":    {replace(`64`, `5`), `containerDefinitions[0].memory: must be at least 6 (MiB), not 5`},
		"nothing on 80":       {replace(`"hostPort": 80, `, ``), `containerDefinitions: no container is on host port 80, where Beanstalk sends requests`},
		"80 by udp":           {replace(`"hostPort": 80, `, `"protocol": "udp", "hostPort": 80, `), `containerDefinitions: no container is on host port 80, where Beanstalk sends requests`},
		"80 as text":          {replace(`"hostPort": 80`, `"hostPort": "80"`), `containerDefinitions[0].portMappings[0].hostPort: wants a whole number, not "80"`},
		"80 twice":            {replace(`80}]`, `80}, {"hostPort": 80, "containerPort": 81}]`), `containerDefinitions[0].portMappings[1].hostPort: 80/tcp is used by an earlier mapping`},
		"no container port":   {replace(`, "containerPort": 80`, ``), `containerDefinitions[0].portMappings[0].containerPort: must be a port from 1 to 65535, not 0`},
		"host port too high":  {replace(`80}]`, `80}, {"hostPort": 65536, "containerPort": 1}]`), `containerDefinitions[0].portMappings[1].hostPort: must be a port from 1 to 65535, or 0 for any, not 65536`},
		"unknown protocol":    {replace(`80}]`, `80}, {"containerPort": 1, "protocol": "http"}]`), `containerDefinitions[0].portMappings[1].protocol: must be tcp or udp: "http"`},
		"bad alias":           {replace(`[{"name"`, `[{"name": "a", "image": "i", "memory": 64, "links": ["web:"]}, {"name"`), `containerDefinitions[0].links[0]: has an invalid alias: "web:"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { isOnlyFinding(t, test.text, test.want) })
	}
}

func isOnlyFinding(t *testing.T, template, want string) {
	t.Helper()
	_, err := expand(t, template, values())
	var findings Findings
	if !errors.As(err, &findings) {
		t.Fatalf("got %v, want Findings", err)
	}
	if len(findings) != 1 || !strings.HasSuffix(err.Error(), ": "+want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAllMistakesAreFoundAtOnceAndInOrder(t *testing.T) {
	_, err := expand(t, `{
  "AWSEBDockerrunVersion": 1,
  "containerDefinitions": [
    {"name": "web", "image": "${image.wep}", "essential": false, "link": ["api"]},
    {"name": "web", "image": "i", "essential": false, "memory": 0,
     "link": [], "links": ["x"], "memoryReservation": "6"}
  ]
}`, values())
	want := `T.json:2:3: AWSEBDockerrunVersion: must be 2, the version for the ECS platform, not 1
T.json:3:3: containerDefinitions: no container is essential
T.json:3:3: containerDefinitions: no container is on host port 80, where Beanstalk sends requests
T.json:4:5: containerDefinitions[0].memory: is missing: memory or memoryReservation must say how many MiB
T.json:4:21: containerDefinitions[0].image: unknown placeholder ${image.wep}; did you mean image.web?
T.json:4:66: containerDefinitions[0].link: unknown key; did you mean links?
T.json:5:6: containerDefinitions[1].name: is used before: "web"
T.json:6:6: containerDefinitions[1].link: unknown key; did you mean links?
T.json:6:28: containerDefinitions[1].links[0]: is not the name of a container: "x"; known are web
T.json:6:34: containerDefinitions[1].memoryReservation: wants a whole number, not "6"`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestDifferentPortsAreValid(t *testing.T) {
	for name, more := range map[string]string{
		"two protocols": `{"hostPort": 80, "containerPort": 80, "protocol": "UDP"}`,
		"any host port": `{"containerPort": 81}, {"containerPort": 82, "hostPort": 0}`,
		"a range":       `{"containerPortRange": "100-200"}`,
	} {
		t.Run(name, func(t *testing.T) {
			template := strings.Replace(withContainer(""), `80}]`, `80}, `+more+`]`, 1)
			if _, err := expand(t, template, values()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAContainerMustBeOnTheFrontPort(t *testing.T) {
	const text = `{"AWSEBDockerrunVersion": 2, "containerDefinitions": [{"name": "web", "image": "i", "memory": 64, "portMappings": [%s]}]}`
	for _, test := range []struct {
		mapping string
		port    int
		want    string
	}{
		{`{"hostPort": 80, "containerPort": 1}`, 0, ""},
		{`{"hostPort": 9050, "containerPort": 1}`, 9050, ""},
		{`{"hostPort": 9050, "containerPort": 1}`, AnyPort, ""},
		{`{"hostPort": 9050, "containerPort": 1}`, 0, "no container is on host port 80"},
		{`{"hostPort": 80, "containerPort": 1}`, 9050, "no container is on host port 9050"},
		{`{"containerPort": 1}`, AnyPort, "no container is on a port of the host"},
		{`{"hostPort": 9050, "containerPort": 1, "protocol": "udp"}`, AnyPort, "no container is on a port of the host"},
	} {
		template, err := Parse("t", fmt.Appendf(nil, text, test.mapping))
		must.Succeed(t, err)
		if _, err = template.Expand(Values{Port: test.port}); test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s on %d: %v, want %q", test.mapping, test.port, err, test.want)
		}
	}
}
