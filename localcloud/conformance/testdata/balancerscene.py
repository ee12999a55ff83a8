"""Builds a load balancer before an Auto Scaling group, sends requests through it, and reads every answer."""

import base64
import http.client

from cloud import *

ec2, scaling, elb = client("ec2"), client("autoscaling"), client("elbv2")
URLS = CLOUDS["quick"]["urls"]
GROUP = "shop-web-blue"
made = {}  # ARNs by what they are of


def ask(path="/", host="shop.localhost"):
    """The status of an answer, and the version that gave it."""
    c = http.client.HTTPConnection(URLS, timeout=30)
    try:
        c.request("GET", path, headers={"Host": host})
        got = c.getresponse()
        return got.status, got.headers.get("Version") or got.read().decode()
    finally:
        c.close()


def health(group, **more):
    return [d["TargetHealth"]["State"] for d in elb.describe_target_health(TargetGroupArn=made[group], **more)["TargetHealthDescriptions"]]


def groups():
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    for name in ("web", "canary"):
        found = elb.create_target_group(
            Name=name, Protocol="HTTP", ProtocolVersion="HTTP1", Port=80, VpcId=vpc, TargetType="instance", IpAddressType="ipv4", HealthCheckProtocol="HTTP",
            HealthCheckPort="traffic-port", HealthCheckEnabled=True, HealthCheckPath="/", HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=4,
            HealthyThresholdCount=2, UnhealthyThresholdCount=2, Matcher={"HttpCode": "200-299"}, Tags=[{"Key": "k", "Value": ""}])["TargetGroups"][0]
        want((found["LoadBalancerArns"], found["Matcher"]), ([], {"HttpCode": "200-299"}))
        made[name] = found["TargetGroupArn"]
    of = {"TargetGroupArn": made["web"]}
    have = {a["Key"]: a["Value"] for a in elb.describe_target_group_attributes(**of)["Attributes"]}
    want((have["deregistration_delay.timeout_seconds"], have["stickiness.enabled"]), ("300", "false"))
    changed = elb.modify_target_group_attributes(**of, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "2"}])["Attributes"]
    want(changed, elb.describe_target_group_attributes(**of)["Attributes"])
    pages = elb.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 1})
    want(sorted(g["TargetGroupName"] for page in pages for g in page["TargetGroups"]), ["canary", "web"])


def balancer():
    subnets = [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]]
    found = elb.create_load_balancer(Name="shop", Subnets=subnets, Scheme="internet-facing", Type="application", IpAddressType="ipv4", Tags=[{"Key": "team", "Value": "shop"}])["LoadBalancers"][0]
    want((found["State"]["Code"], found["DNSName"]), ("provisioning", "shop.localhost:" + URLS.rpartition(":")[2]))
    made["balancer"] = found["LoadBalancerArn"]
    elb.get_waiter("load_balancer_available").wait(Names=["shop"])
    listener = elb.create_listener(LoadBalancerArn=made["balancer"], Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": made["web"]}],
                                   Tags=[{"Key": "k", "Value": "v"}])["Listeners"][0]
    made["listener"] = listener["ListenerArn"]
    want(listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"], [{"TargetGroupArn": made["web"], "Weight": 1}])
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "410", "ContentType": "text/plain", "MessageBody": "gone"}}
    test = elb.create_listener(LoadBalancerArn=made["balancer"], Protocol="HTTP", Port=8443, DefaultActions=[fixed])["Listeners"][0]
    want(test["DefaultActions"], [{"Order": 1, **fixed}])
    found = elb.describe_listeners(LoadBalancerArn=made["balancer"])["Listeners"]
    want(found, [listener, test])
    want(elb.describe_listeners(ListenerArns=[made["listener"]])["Listeners"], [listener])
    want(ask(host="8443.shop.localhost"), (410, "gone"))
    want(ask()[0], 503)
    tagged = elb.describe_tags(ResourceArns=[made[k] for k in ("balancer", "listener", "web")])["TagDescriptions"]
    want([t["Tags"] for t in tagged], [[{"Key": "team", "Value": "shop"}], [{"Key": "k", "Value": "v"}], [{"Key": "k", "Value": ""}]])


def rules():
    shares = [{"TargetGroupArn": made["web"], "Weight": 0}, {"TargetGroupArn": made["canary"], "Weight": 10}]
    rule = elb.create_rule(
        ListenerArn=made["listener"], Priority=10, Tags=[{"Key": "k", "Value": "v"}],
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": ["canary.*"]}}, {"Field": "path-pattern", "Values": ["/new/*"]}],
        Actions=[{"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": shares, "TargetGroupStickinessConfig": {"Enabled": False, "DurationSeconds": 60}}}])["Rules"][0]
    made["rule"] = rule["RuleArn"]
    want((rule["Conditions"][0]["Values"], rule["Actions"][0]["ForwardConfig"]["TargetGroups"]), (["canary.*"], shares))
    want(elb.describe_rules(RuleArns=[made["rule"]])["Rules"], [rule])
    pages = elb.get_paginator("describe_rules").paginate(ListenerArn=made["listener"], PaginationConfig={"PageSize": 1})
    want([r["Priority"] for page in pages for r in page["Rules"]], ["10", "default"])
    want(elb.describe_target_groups(TargetGroupArns=[made["canary"]])["TargetGroups"][0]["LoadBalancerArns"], [made["balancer"]])


def fleet():
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.small",
                                                                           "UserData": base64.b64encode(b"#!/bin/sh\n").decode()})
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=GROUP, MinSize=0, MaxSize=4, DesiredCapacity=3, LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"},
        AvailabilityZones=[REGION + "a", REGION + "b"], TargetGroupARNs=[made["web"]], HealthCheckType="ELB", HealthCheckGracePeriod=300,
        Tags=[{"ResourceId": GROUP, "ResourceType": "auto-scaling-group", "Key": "docker:image:version", "Value": "v1", "PropagateAtLaunch": True}])
    until(lambda: health("web") == ["healthy"] * 3)
    elb.get_waiter("target_in_service").wait(TargetGroupArn=made["web"])
    want(ask(), (200, "v1"))


def ids():
    of = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"][0]["Instances"]
    return {i["InstanceId"]: i["LifecycleState"] for i in of}


def standby():
    """A move to Standby lasts as long as the deregistration delay."""
    one = sorted(ids())[0]
    target = [{"Id": one}]
    scaling.enter_standby(AutoScalingGroupName=GROUP, InstanceIds=[one], ShouldDecrementDesiredCapacity=True)
    until(lambda: health("web", Targets=target) == ["draining"])
    want(ids()[one], "EnteringStandby")
    elb.get_waiter("target_deregistered").wait(TargetGroupArn=made["web"], Targets=target, WaiterConfig={"Delay": 1})
    until(lambda: ids()[one] == "Standby")
    want((health("web", Targets=target), health("web")), (["unused"], ["healthy"] * 2))
    elb.register_targets(TargetGroupArn=made["canary"], Targets=target)
    until(lambda: health("canary") == ["healthy"])
    want((ask("/new/x", "canary.shop.localhost"), ask("/new/x")), ((200, "v1"), (200, "v1")))
    elb.deregister_targets(TargetGroupArn=made["canary"], Targets=target + [{"Id": "i-0123456789abcdef0"}])
    want(ask("/new/x", "canary.shop.localhost")[0], 503)
    scaling.exit_standby(AutoScalingGroupName=GROUP, InstanceIds=[one])
    until(lambda: health("web") == ["healthy"] * 3)


def refusals_():
    none = made["web"][:-4] + "0000"
    refused("load balancer that is not there", elb.describe_load_balancers, "LoadBalancerNotFound", "^One or more load balancers not found$", Names=["none"])
    refused("group that is not there", elb.describe_target_health, "TargetGroupNotFound", "^One or more target groups not found$", TargetGroupArn=none)
    refused("rule to a group that is not there", elb.create_rule, "TargetGroupNotFound", "not found", ListenerArn=made["listener"], Priority=11,
            Conditions=[{"Field": "path-pattern", "Values": ["/x"]}], Actions=[{"Type": "forward", "TargetGroupArn": none}])
    refused("priority in use", elb.create_rule, "PriorityInUse", "", ListenerArn=made["listener"], Priority=10,
            Conditions=[{"Field": "path-pattern", "Values": ["/x"]}], Actions=[{"Type": "forward", "TargetGroupArn": made["web"]}])
    refused("instance that is not there", elb.register_targets, "InvalidTarget", "not in a running state", TargetGroupArn=made["web"], Targets=[{"Id": "i-0123456789abcdef0"}])
    refused("group in use", elb.delete_target_group, "ResourceInUse", "currently in use by a listener or a rule", TargetGroupArn=made["canary"])
    refused("port in use", elb.create_listener, "DuplicateListener", "", LoadBalancerArn=made["balancer"], Protocol="HTTP", Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": made["canary"]}])
    refused("name in use", elb.create_load_balancer, "DuplicateLoadBalancerName", "", Name="shop", Scheme="internal", Subnets=[s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]])
    refused("attribute out of range", elb.modify_target_group_attributes, "ValidationError", "must be between '0-3600' inclusive", TargetGroupArn=made["web"],
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "3601"}])
    refused("classic load balancers", client("elb").describe_load_balancers, "InvalidAction", "2012-06-01")


def ends():
    scaling.delete_auto_scaling_group(AutoScalingGroupName=GROUP, ForceDelete=True)
    until(lambda: not scaling.describe_auto_scaling_groups()["AutoScalingGroups"])
    elb.delete_rule(RuleArn=made["rule"])
    elb.delete_target_group(TargetGroupArn=made["canary"])
    elb.delete_listener(ListenerArn=made["listener"])
    elb.delete_load_balancer(LoadBalancerArn=made["balancer"])
    elb.get_waiter("load_balancers_deleted").wait(LoadBalancerArns=[made["balancer"]])
    elb.delete_target_group(TargetGroupArn=made["web"])
    want((elb.describe_load_balancers()["LoadBalancers"], elb.describe_target_groups()["TargetGroups"]), ([], []))
    want(ask()[0], 404)


for part in (groups, balancer, rules, fleet, standby):
    with case(part.__name__):
        part()
refusals_()
with case("ends"):
    ends()
finish()
