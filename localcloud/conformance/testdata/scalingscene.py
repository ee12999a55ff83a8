"""Builds a blue and a green group, moves one to the other's place, and reads every answer."""

import base64
import datetime

from cloud import *

ec2, scaling = client("ec2"), client("autoscaling")
ACCOUNT = CLOUDS["quick"]["account"]
BLUE, GREEN = "shop-web-blue", "shop-web-green"
USER_DATA = "#!/bin/sh\n# pretend: port 8080\n"
TOMORROW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=1)


def group(name, **more):
    return scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name], **more)["AutoScalingGroups"][0]


def states(name):
    return sorted(i["LifecycleState"] for i in group(name)["Instances"])


def ids(name, state="InService"):
    return [i["InstanceId"] for i in group(name)["Instances"] if i["LifecycleState"] == state]


def settled(name, *wanted):
    until(lambda: states(name) == sorted(wanted))


def network():
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    want([s["AvailabilityZone"] for s in subnets], [REGION + z for z in "abc"])
    want(ec2.describe_subnets(SubnetIds=[subnets[1]["SubnetId"]])["Subnets"], subnets[1:2])
    want(ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])["Vpcs"], [vpc])
    return [s["SubnetId"] for s in subnets]


def template():
    data = {"ImageId": "ami-0123456789abcdef0", "InstanceType": "t3.small", "UserData": base64.b64encode(USER_DATA.encode()).decode(),
            "MetadataOptions": {"InstanceMetadataTags": "enabled"}, "IamInstanceProfile": {"Name": "aws-elasticbeanstalk-ec2-role"},
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "shop"}]}]}
    made = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data, TagSpecifications=[
        {"ResourceType": "launch-template", "Tags": [{"Key": "k", "Value": ""}]}])["LaunchTemplate"]
    want((made["LatestVersionNumber"], made["Tags"]), (1, [{"Key": "k", "Value": ""}]))
    for more in ({"LaunchTemplateNames": ["web"]}, {"LaunchTemplateIds": [made["LaunchTemplateId"]]}, {"Filters": [{"Name": "tag:k", "Values": [""]}]}):
        want(ec2.describe_launch_templates(**more)["LaunchTemplates"], [made])
    check_refusal(ec2.create_launch_template, "InvalidLaunchTemplateName.AlreadyExistsException", "", {"LaunchTemplateName": "web", "LaunchTemplateData": data})
    check_refusal(ec2.describe_launch_templates, "InvalidLaunchTemplateName.NotFoundException", "", {"LaunchTemplateNames": ["none"]})


def pair():
    subnets = network()
    for name, n in ((BLUE, 3), (GREEN, 0)):
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name, MinSize=n, MaxSize=6, DesiredCapacity=n, LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Latest"},
            VPCZoneIdentifier=",".join(subnets), HealthCheckType="EC2", HealthCheckGracePeriod=30, TerminationPolicies=["OldestInstance", "Default"],
            DefaultCooldown=60, DefaultInstanceWarmup=10, NewInstancesProtectedFromScaleIn=False,
            Tags=[{"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": "docker:image:name", "Value": "shop/web", "PropagateAtLaunch": True}])
    scaling.create_or_update_tags(Tags=[{"ResourceId": GREEN, "ResourceType": "auto-scaling-group", "Key": "docker:image:version", "Value": "v2", "PropagateAtLaunch": True}])
    settled(BLUE, *["InService"] * 3)
    found = group(BLUE)
    want(sorted(i["AvailabilityZone"] for i in found["Instances"]), [REGION + z for z in "abc"])
    want((found["LaunchTemplate"]["Version"], found["Instances"][0]["LaunchTemplate"]["Version"]), ("$Latest", "1"))
    want("Instances" in group(BLUE, IncludeInstances=False) and group(BLUE, IncludeInstances=False)["Instances"], [])
    tagged = [{"Name": "tag:docker:image:name", "Values": ["shop/web", "other"]}]
    want([g["AutoScalingGroupName"] for g in scaling.describe_auto_scaling_groups(Filters=tagged)["AutoScalingGroups"]], [BLUE, GREEN])
    pages = scaling.get_paginator("describe_auto_scaling_groups").paginate(PaginationConfig={"PageSize": 1})
    want([g["AutoScalingGroupName"] for page in pages for g in page["AutoScalingGroups"]], [BLUE, GREEN])


def instances():
    of = ids(BLUE)
    rows = [i for r in ec2.describe_instances(InstanceIds=of)["Reservations"] for i in r["Instances"]]
    want([(i["State"]["Name"], i["InstanceType"]) for i in rows], [("running", "t3.small")] * 3)
    tags = {t["Key"]: t["Value"] for t in rows[0]["Tags"]}
    want([tags[k] for k in ("team", "docker:image:name", "aws:autoscaling:groupName")], ["shop", "shop/web", BLUE])
    ec2.create_tags(Resources=of, Tags=[{"Key": "beansprout:runs", "Value": "v1"}])
    filters = [{"Name": "resource-type", "Values": ["instance"]}, {"Name": "key", "Values": ["beansprout:*"]}]
    want(sorted(t["ResourceId"] for t in ec2.describe_tags(Filters=filters)["Tags"]), sorted(of))
    pages = ec2.get_paginator("describe_instances").paginate(Filters=[{"Name": "tag:beansprout:runs", "Values": ["v?"]}], PaginationConfig={"PageSize": 5})
    want(sorted(i["InstanceId"] for page in pages for r in page["Reservations"] for i in r["Instances"]), sorted(of))
    out = ec2.get_console_output(InstanceId=of[0])["Output"]
    want("listening on port 8080" in out, True)
    check_refusal(ec2.describe_instances, "InvalidInstanceID.NotFound", "i-0123", {"InstanceIds": [of[0], "i-0123"]})
    check_refusal(ec2.describe_instances, "InvalidInstanceID.Malformed", "", {"InstanceIds": ["nonsense"]})


def release():
    """The switch by hand: green grows, blue stands by, comes back, and goes."""
    for name in (BLUE, GREEN):
        scaling.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["AZRebalance", "ScheduledActions"])
    want([p["ProcessName"] for p in group(BLUE)["SuspendedProcesses"]], ["AZRebalance", "ScheduledActions"])
    scaling.update_auto_scaling_group(AutoScalingGroupName=GREEN, MinSize=3, MaxSize=6, DesiredCapacity=3)
    settled(GREEN, *["InService"] * 3)
    old = ids(BLUE)
    bounds = {"AutoScalingGroupName": BLUE, "InstanceIds": old, "ShouldDecrementDesiredCapacity": True}
    check_refusal(scaling.enter_standby, "ValidationError", "has min-size=3, max-size=6, and desired-size=3. To place into standby 3 instances", bounds)
    scaling.update_auto_scaling_group(AutoScalingGroupName=BLUE, MinSize=0)
    moved = scaling.enter_standby(**bounds)["Activities"]
    want([a["Progress"] for a in moved], [50] * 3)
    settled(BLUE, *["Standby"] * 3)
    want(group(BLUE)["DesiredCapacity"], 0)
    check_refusal(scaling.enter_standby, "ValidationError", "is not in InService", bounds)
    scaling.exit_standby(AutoScalingGroupName=BLUE, InstanceIds=old[:1])
    settled(BLUE, "InService", "Standby", "Standby")
    scaling.enter_standby(**{**bounds, "InstanceIds": old[:1]})
    settled(BLUE, *["Standby"] * 3)
    ended = scaling.terminate_instance_in_auto_scaling_group(InstanceId=old[0], ShouldDecrementDesiredCapacity=False)["Activity"]
    want(ended["Description"], "Terminating EC2 instance: " + old[0])
    settled(BLUE, *["Standby"] * 2)
    scaling.resume_processes(AutoScalingGroupName=BLUE)
    want(group(BLUE)["SuspendedProcesses"], [])
    history = scaling.describe_scaling_activities(AutoScalingGroupName=BLUE)["Activities"]
    want({a["StatusCode"] for a in history}, {"Successful"})
    newest = scaling.describe_scaling_activities(AutoScalingGroupName=BLUE, MaxRecords=1)
    want(newest["Activities"], history[:1])


def schedules():
    night = {"ScheduledActionName": "night", "Recurrence": "0 22 * * *", "TimeZone": "Asia/Seoul", "MinSize": 1, "MaxSize": 4, "DesiredCapacity": 1}
    once = {"ScheduledActionName": "once", "StartTime": TOMORROW, "EndTime": TOMORROW + datetime.timedelta(days=1), "DesiredCapacity": 2}
    scaling.put_scheduled_update_group_action(AutoScalingGroupName=BLUE, **night)
    failed = scaling.batch_put_scheduled_update_group_action(AutoScalingGroupName=GREEN, ScheduledUpdateGroupActions=[night, once, {**once, "ScheduledActionName": "twice"}])
    want([(f["ScheduledActionName"], f["ErrorCode"]) for f in failed["FailedScheduledUpdateGroupActions"]], [("twice", "AlreadyExists")])
    for name, given in ((BLUE, [night]), (GREEN, [night, once])):
        found = scaling.describe_scheduled_actions(AutoScalingGroupName=name)["ScheduledUpdateGroupActions"]
        want([{k: v for k, v in a.items() if k not in ("AutoScalingGroupName", "ScheduledActionARN", "Time")} for a in found], given)
    failed = scaling.batch_delete_scheduled_action(AutoScalingGroupName=GREEN, ScheduledActionNames=["night", "none"])["FailedScheduledActions"]
    want([(f["ScheduledActionName"], f["ErrorMessage"]) for f in failed], [("none", "Scheduled action name not found")])
    want(len(scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]), 2)
    check_refusal(scaling.put_scheduled_update_group_action, "ValidationError", "Desired capacity must be greater than or equal to min size",
                  {"AutoScalingGroupName": BLUE, **night, "DesiredCapacity": 0})


def policies():
    label = "app/web/0123456789abcdef/targetgroup/web/0123456789abcdef"
    tracking = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}, "TargetValue": 42.5, "DisableScaleIn": True}
    custom = {"CustomizedMetricSpecification": {"MetricName": "m", "Namespace": "n", "Dimensions": [{"Name": "AutoScalingGroupName", "Value": BLUE}], "Statistic": "Average", "Unit": "Percent"},
              "TargetValue": 50.0}
    for name in (BLUE, GREEN):
        made = scaling.put_scaling_policy(AutoScalingGroupName=name, PolicyName="load", PolicyType="TargetTrackingScaling", TargetTrackingConfiguration=tracking)
        want([a["AlarmName"].rpartition("-Alarm")[0] for a in made["Alarms"]], ["TargetTracking-" + name] * 2)
    scaling.put_scaling_policy(AutoScalingGroupName=BLUE, PolicyName="custom", PolicyType="TargetTrackingScaling", TargetTrackingConfiguration=custom, Enabled=False)
    scaling.put_scaling_policy(AutoScalingGroupName=BLUE, PolicyName="simple", AdjustmentType="ChangeInCapacity", ScalingAdjustment=-1, Cooldown=60)
    scaling.put_scaling_policy(AutoScalingGroupName=BLUE, PolicyName="steps", PolicyType="StepScaling", AdjustmentType="PercentChangeInCapacity", MinAdjustmentMagnitude=1,
                               StepAdjustments=[{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 10}], MetricAggregationType="Average", EstimatedInstanceWarmup=60)
    found = {p["PolicyName"]: p for p in scaling.describe_policies(AutoScalingGroupName=BLUE)["ScalingPolicies"]}
    want((sorted(found), found["load"]["TargetTrackingConfiguration"], found["custom"]["Enabled"]), (["custom", "load", "simple", "steps"], tracking, False))
    want([p["AutoScalingGroupName"] for p in scaling.describe_policies(PolicyNames=["load"])["ScalingPolicies"]], [BLUE, GREEN])
    scaling.delete_policy(AutoScalingGroupName=BLUE, PolicyName="load")
    scaling.delete_policy(PolicyName=found["simple"]["PolicyARN"])
    want([p["PolicyName"] for p in scaling.describe_policies(PolicyTypes=["TargetTrackingScaling"])["ScalingPolicies"]], ["custom", "load"])
    check_refusal(scaling.delete_policy, "ValidationError", "", {"AutoScalingGroupName": BLUE, "PolicyName": "load"})


def refreshes():
    before = ids(GREEN)
    made = scaling.start_instance_refresh(AutoScalingGroupName=GREEN, Strategy="Rolling")["InstanceRefreshId"]
    of = until(lambda: [r for r in scaling.describe_instance_refreshes(AutoScalingGroupName=GREEN, InstanceRefreshIds=[made])["InstanceRefreshes"] if r["Status"] == "Successful"])
    want((of[0]["PercentageComplete"], set(before) & set(ids(GREEN))), (100, set()))


def sizes():
    scaling.set_desired_capacity(AutoScalingGroupName=GREEN, DesiredCapacity=5, HonorCooldown=False)
    settled(GREEN, *["InService"] * 5)
    check_refusal(scaling.set_desired_capacity, "ValidationError", "New SetDesiredCapacity value 7 is above max value 6 for the AutoScalingGroup.", {"AutoScalingGroupName": GREEN, "DesiredCapacity": 7})
    check_refusal(scaling.update_auto_scaling_group, "ValidationError", "Desired capacity:2 must be between the specified min size:3 and max size:6",
                  {"AutoScalingGroupName": GREEN, "DesiredCapacity": 2})
    check_refusal(scaling.set_desired_capacity, "ValidationError", "AutoScalingGroup 'none' not found", {"AutoScalingGroupName": "none", "DesiredCapacity": 1})
    lost = ids(GREEN)[0]
    want(ec2.terminate_instances(InstanceIds=[lost])["TerminatingInstances"][0]["CurrentState"], {"Code": 32, "Name": "shutting-down"})
    until(lambda: lost not in ids(GREEN) and len(ids(GREEN)) == 5)


def ends():
    check_refusal(scaling.delete_auto_scaling_group, "ResourceInUse", "", {"AutoScalingGroupName": GREEN})
    for name in (BLUE, GREEN):
        scaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    until(lambda: not scaling.describe_auto_scaling_groups()["AutoScalingGroups"])
    want(scaling.describe_scaling_activities()["Activities"], [])
    want(len(scaling.describe_scaling_activities(IncludeDeletedGroups=True, MaxRecords=5)["Activities"]), 5)
    want({i["State"]["Name"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]}, {"terminated"})


for part in (template, pair, instances, release, schedules, policies, refreshes, sizes, ends):
    with case(part.__name__):
        part()
finish()
