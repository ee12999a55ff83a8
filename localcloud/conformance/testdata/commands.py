"""Runs tables of commands through the aws command line: behind "=>" stands what one must
print, behind "=!" the code with which it must be refused."""

import os
import pathlib
import string
import subprocess
import tempfile

from cloud import *

try:  # version 1 is Python: its own entry point spares half a second a command
    from awscli.clidriver import create_clidriver
except ImportError:
    create_clidriver = None

HERE = pathlib.Path(__file__).parent
ACCOUNT = CLOUDS["quick"]["account"]
os.environ.update({"AWS_ENDPOINT_URL": CLOUDS["quick"]["endpoint"], "AWS_ACCESS_KEY_ID": CLOUDS["quick"]["key"], "AWS_SECRET_ACCESS_KEY": CLOUDS["quick"]["secret"],
                   "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION, "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "", "AWS_DEFAULT_OUTPUT": "json"})
TOMORROW = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
FILES = pathlib.Path(tempfile.mkdtemp(dir=os.environ["HOME"]))
(FILES / "file").write_text("0123456789")
ECS = "ECS running on 64bit Amazon Linux 2023"
eb, scaling = client("elasticbeanstalk"), client("autoscaling")
driver = create_clidriver and create_clidriver()
ec2, elb = client("ec2"), client("elbv2")
LATER = {  # words for what a command made
    "balancer": lambda: elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"],
    "group": lambda: elb.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"],
    "listener": lambda: elb.describe_listeners(LoadBalancerArn=LATER["balancer"]())["Listeners"][0]["ListenerArn"],
    "rule": lambda: elb.describe_rules(ListenerArn=LATER["listener"]())["Rules"][0]["RuleArn"],
}


class Words(dict):
    def __missing__(self, word):
        return LATER[word]()


WORDS = Words({
    "vpc": ec2.describe_vpcs()["Vpcs"][0]["VpcId"], **{"subnet%d" % n: s["SubnetId"] for n, s in enumerate(ec2.describe_subnets()["Subnets"])},
    "account": ACCOUNT, "region": REGION, "file": str(FILES / "file"), "copy": str(FILES / "copy"), "stack": stack(eb),
    "platform": next(p["PlatformArn"] for p in eb.list_platform_versions()["PlatformSummaryList"] if p["PlatformBranchName"] == ECS),
    "environment": "arn:aws:elasticbeanstalk:%s:%s:environment/shop/shop-one" % (REGION, ACCOUNT),
    "repository": "arn:aws:ecr:%s:%s:repository/shop" % (REGION, ACCOUNT),
    "options": json.dumps([PROFILE, ROLE, ENHANCED]), "filters": json.dumps([{"Type": "PlatformBranchName", "Operator": "=", "Values": [ECS]}]),
    "manifest": json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json", "manifests": []}),
    "trust": '{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}',
    "data": '{"ImageId":"ami-0123456789abcdef0","InstanceType":"t3.small","UserData":"IyEvYmluL3NoCg=="}', "tomorrow": TOMORROW,
    "tracking": '{"PredefinedMetricSpecification":{"PredefinedMetricType":"ASGAverageCPUUtilization"},"TargetValue":50}',
    "inline": '{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}',
    "policy": json.dumps({"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9},
                                     "action": {"type": "expire"}}]}),
})


def aws(args):
    if driver is None:
        done = subprocess.run(["aws", *args], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        status = driver.main(args)
    return status, out.getvalue(), errors.getvalue()


def run(line):
    command, _, code = line.partition(" =! ")
    command, _, text = command.partition(" => ")
    args = [expand(word) for word in command.split()]
    if args[0] == "settled":
        return settled(eb, args[1])
    if args[0] == "counts":
        return until(lambda: counts(args[1]) == args[2:])
    status, out, errors = aws(args)
    if code and (status == 0 or "(%s)" % code not in errors):
        raise AssertionError("printed %s%s; want %s" % (out, errors, code))
    if not code and (status != 0 or expand(text) not in out):
        raise AssertionError("printed %s%s; want %s" % (out, errors, text))


def counts(group):
    """How many instances are in each state, such as ["2", "InService"]. $instance is the first one."""
    of = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"][0]["Instances"]
    states = [i["LifecycleState"] for i in of]
    if of:
        WORDS["instance"] = of[0]["InstanceId"]
    return [word for s in sorted(set(states)) for word in (str(states.count(s)), s)]


def expand(word):
    return string.Template(word).substitute(WORDS)


for line in (HERE / "commands.txt").read_text().splitlines():
    with case("aws " + line.partition(" =")[0]):
        run(line)
finish()
