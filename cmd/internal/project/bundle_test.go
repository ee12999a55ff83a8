package project

import (
	"testing"

	"beansprout/cmd/internal/project/config"
	"beansprout/dockerrun"
)

func TestTheFrontIsWhereTheLoadBalancerSendsRequests(t *testing.T) {
	const process = "aws:elasticbeanstalk:environment:process:"
	for name, test := range map[string]struct {
		options map[string]map[string]string
		base    config.Environment
		want    int
	}{
		"nothing is set":      {nil, config.Environment{Platform: "ECS"}, 0},
		"the default process": {map[string]map[string]string{process + "default": {"Port": "9050"}}, config.Environment{Platform: "ECS"}, 9050},
		"another process":     {map[string]map[string]string{process + "admin": {"Port": "9050"}}, config.Environment{Platform: "ECS"}, 0},
		"the listener's":      {map[string]map[string]string{process + "web": {"Port": "9050"}, "aws:elbv2:listener:default": {"DefaultProcess": "web"}}, config.Environment{Platform: "ECS"}, 9050},
		"HTTPS alone": {map[string]map[string]string{
			process + "web": {"Port": "9050"}, "aws:elbv2:listener:default": {"ListenerEnabled": "false", "DefaultProcess": "x"}, "aws:elbv2:listener:443": {"DefaultProcess": "web"},
		}, config.Environment{Platform: "ECS"}, 9050},
		"HTTPS as well": {map[string]map[string]string{
			process + "web": {"Port": "9050"}, "aws:elbv2:listener:443": {"DefaultProcess": "web"},
		}, config.Environment{Platform: "ECS"}, 0},
		"a classic default's":  {map[string]map[string]string{"aws:elb:listener": {"InstancePort": "8080"}}, config.Environment{Platform: "ECS"}, 8080},
		"a classic one's":      {map[string]map[string]string{"aws:elb:listener:80": {"InstancePort": "8080"}}, config.Environment{Platform: "ECS"}, 8080},
		"a copy":               {nil, config.Environment{CopyFrom: "shop"}, dockerrun.AnyPort},
		"a copy with a port":   {map[string]map[string]string{process + "default": {"Port": "9050"}}, config.Environment{CopyFrom: "shop"}, 9050},
		"saved":                {nil, config.Environment{SavedConfiguration: "shop"}, dockerrun.AnyPort},
		"what AWS will refuse": {map[string]map[string]string{process + "default": {"Port": "http"}}, config.Environment{Platform: "ECS"}, dockerrun.AnyPort},
	} {
		test.base.Options = test.options
		if got := frontPort(test.base); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
