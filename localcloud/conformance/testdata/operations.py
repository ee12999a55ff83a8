"""Drives every operation that the cloud serves, and finds out which ones those are."""

import urllib.request

from accountoperations import *
from cloud import *
from storeoperations import *

eb, sts = client("elasticbeanstalk"), client("sts")
ARN = "arn:aws:elasticbeanstalk:%s:%s:" % (REGION, ACCOUNT)


def everything():
    for part in (identity, roles, quotas, applications, platforms, environments, configurations, looks, changes, ends, repositories, images, objects, parts, conditions, descriptions,
                 presigned, unserved):
        with case(part.__name__):
            part()
    finish()


def identity():
    who = sts.get_caller_identity()
    want((who["Account"], who["Arn"].split(":")[4]), (ACCOUNT, ACCOUNT))
    have = iam.list_roles()["Roles"]
    want([r["RoleName"] for r in have], ["aws-elasticbeanstalk-ec2-role", "aws-elasticbeanstalk-service-role"])
    want([r["AssumeRolePolicyDocument"]["Statement"][0]["Action"] for r in have], ["sts:AssumeRole"] * 2)


def applications():
    made = eb.create_application(ApplicationName="shop", Description="a < b & ü", Tags=[{"Key": "team", "Value": "a=b"}])["Application"]
    want((made["ApplicationArn"], made["Description"]), (ARN + "application/shop", "a < b & ü"))
    bucket = eb.create_storage_location()["S3Bucket"]
    want(bucket, "elasticbeanstalk-%s-%s" % (REGION, ACCOUNT))
    for label in ("v1", "v2", "v3"):
        version = make_version("quick", "shop", label, Description=label + "!", Process=True)["ApplicationVersion"]
        want((version["VersionLabel"], version["SourceBundle"]["S3Bucket"]), (label, bucket))
    until(lambda: all(v["Status"] == "PROCESSED" for v in eb.describe_application_versions(ApplicationName="shop")["ApplicationVersions"]))
    want(labels(VersionLabels=["v2", "none"]), ["v2"])
    want(paged(eb.describe_application_versions, "ApplicationVersions", "VersionLabel", MaxRecords=2), ["v3", "v2", "v1"])
    want(eb.describe_applications(ApplicationNames=["shop", "none"])["Applications"][0]["Versions"], ["v1", "v2", "v3"])
    quotas = eb.describe_account_attributes()["ResourceQuotas"]
    want((quotas["ApplicationQuota"]["Maximum"], quotas["ApplicationVersionQuota"]["Maximum"]), (75, 1000))
    eb.delete_application_version(ApplicationName="shop", VersionLabel="v3", DeleteSourceBundle=True)
    want((labels(), keys(bucket, "shop/")), (["v2", "v1"], ["shop/v1.zip", "shop/v2.zip"]))


def labels(**more):
    return [v["VersionLabel"] for v in eb.describe_application_versions(ApplicationName="shop", **more)["ApplicationVersions"]]


def platforms():
    stacks = eb.list_available_solution_stacks()
    want(stacks["SolutionStacks"], [d["SolutionStackName"] for d in stacks["SolutionStackDetails"]])
    branch = "ECS running on 64bit Amazon Linux 2023"
    found = eb.list_platform_branches(Filters=[{"Attribute": "BranchName", "Operator": "=", "Values": [branch]}])["PlatformBranchSummaryList"]
    want([b["BranchName"] for b in found], [branch])
    filters = [{"Type": "PlatformBranchName", "Operator": "=", "Values": [branch]}, {"Type": "PlatformLifecycleState", "Operator": "=", "Values": ["recommended"]}]
    newest = eb.list_platform_versions(Filters=filters)["PlatformSummaryList"]
    want([p["PlatformBranchName"] for p in newest], [branch])
    want(len(paged(eb.list_platform_versions, "PlatformSummaryList", "PlatformArn", MaxRecords=3)), len(stacks["SolutionStacks"]))
    described = eb.describe_platform_version(PlatformArn=newest[0]["PlatformArn"])["PlatformDescription"]
    want(described["SolutionStackName"] in stacks["SolutionStacks"], True)


def environments():
    want(eb.check_dns_availability(CNAMEPrefix="shop-one")["Available"], True)
    made = launch(eb, "shop", "shop-one", settle=False, VersionLabel="v1", Description="first", Tags=[{"Key": "beansprout:feature", "Value": "one"}],
                  Tier={"Name": "WebServer", "Type": "Standard", "Version": "1.0"})
    want((made["Status"], made["Health"], made["EnvironmentArn"]), ("Launching", "Grey", ARN + "environment/shop/shop-one"))
    eb.get_waiter("environment_exists").wait(EnvironmentIds=[made["EnvironmentId"]], WaiterConfig={"Delay": 1})
    found = settled(eb, "shop-one")
    want((found["Status"], found["Health"], found["VersionLabel"], found["Tier"]["Name"]), ("Ready", "Green", "v1", "WebServer"))
    want("HealthStatus" in found, False)
    want(eb.check_dns_availability(CNAMEPrefix="shop-one")["Available"], False)
    launch(eb, "shop", "shop-two", OptionSettings=[ROLE, ENHANCED], OperationsRole="arn:aws:iam::%s:role/ops" % ACCOUNT)
    worker = eb.create_environment(ApplicationName="shop", EnvironmentName="shop-worker", SolutionStackName=stack(eb), OptionSettings=[PROFILE],
                                   Tier={"Name": "Worker", "Type": "SQS/HTTP"})
    want((worker["Tier"]["Name"], "CNAME" in worker), ("Worker", False))
    settled(eb, "shop-worker")
    want(paged(eb.describe_environments, "Environments", "EnvironmentName", MaxRecords=1, ApplicationName="shop").__len__(), 3)
    want([e["EnvironmentName"] for e in eb.describe_environments(VersionLabel="v1")["Environments"]], ["shop-one"])


def configurations():
    made = eb.create_configuration_template(ApplicationName="shop", TemplateName="saved", Description="d", EnvironmentId=row(eb, "shop-two")["EnvironmentId"])
    want((made["TemplateName"], made["SolutionStackName"]), ("saved", stack(eb)))
    eb.create_configuration_template(ApplicationName="shop", TemplateName="plain", SolutionStackName=stack(eb), Tags=[{"Key": "k", "Value": "v"}])
    copy = {"ApplicationName": "shop", "TemplateName": "saved"}
    eb.create_configuration_template(ApplicationName="shop", TemplateName="copy", SourceConfiguration=copy, OptionSettings=[PROFILE])
    want(option(ENHANCED, TemplateName="copy"), "enhanced")
    want(option(ENHANCED, EnvironmentName="shop-one"), "basic")
    want(eb.describe_applications(ApplicationNames=["shop"])["Applications"][0]["ConfigurationTemplates"], ["copy", "plain", "saved"])
    eb.update_configuration_template(ApplicationName="shop", TemplateName="copy", Description="updated")
    want(eb.describe_configuration_settings(ApplicationName="shop", TemplateName="copy")["ConfigurationSettings"][0]["Description"], "updated")
    eb.delete_configuration_template(ApplicationName="shop", TemplateName="plain")
    eb.create_environment(ApplicationName="shop", EnvironmentName="shop-tpl", TemplateName="saved")
    want((settled(eb, "shop-tpl")["Status"], option(ENHANCED, EnvironmentName="shop-tpl")), ("Ready", "enhanced"))


def option(like, **of):
    for s in eb.describe_configuration_settings(ApplicationName="shop", **of)["ConfigurationSettings"][0]["OptionSettings"]:
        if (s["Namespace"], s["OptionName"]) == (like["Namespace"], like["OptionName"]):
            return s["Value"]


def looks():
    addresses(eb)
    one = eb.describe_environment_resources(EnvironmentName="shop-one")["EnvironmentResources"]
    want((one["EnvironmentName"], len(one["Instances"]), one["LoadBalancers"]), ("shop-one", 1, []))
    health = eb.describe_environment_health(EnvironmentName="shop-two", AttributeNames=["All"])
    want((health["HealthStatus"], health["Color"], health["InstancesHealth"]["Ok"]), ("Ok", "Green", 1))
    instances = eb.describe_instances_health(EnvironmentName="shop-two", AttributeNames=["All"])["InstanceHealthList"]
    want([i["Color"] for i in instances], ["Green"])
    some = eb.describe_environment_health(EnvironmentName="shop-two", AttributeNames=["Status", "Color"])
    want(sorted(some.keys() - {"ResponseMetadata"}), ["Color", "EnvironmentName", "Status"])
    asked = eb.request_environment_info(EnvironmentName="shop-one", InfoType="tail")["ResponseMetadata"]["RequestId"]
    until(lambda: "Pulled logs for environment instances." in messages(RequestId=asked))
    tail = eb.retrieve_environment_info(EnvironmentName="shop-one", InfoType="tail")["EnvironmentInfo"]
    want([urllib.request.urlopen(t["Message"]).status for t in tail], [200])
    everything = eb.describe_events(ApplicationName="shop")["Events"]
    dates = [e["EventDate"] for e in everything]
    want(dates, sorted(set(dates), reverse=True))
    want([d for d in paged(eb.describe_events, "Events", "EventDate", ApplicationName="shop", MaxRecords=7)], dates)
    want([e["EventDate"] for e in eb.describe_events(StartTime=dates[5], EndTime=dates[1])["Events"]], dates[2:6])
    want(messages(Severity="FATAL"), [])


def messages(**of):
    return [e["Message"] for e in eb.describe_events(**of)["Events"]]


def changes():
    eb.update_environment(EnvironmentName="shop-one", VersionLabel="v2")
    eb.get_waiter("environment_updated").wait(EnvironmentNames=["shop-one"], WaiterConfig={"Delay": 1})
    want(settled(eb, "shop-one")["VersionLabel"], "v2")
    variable = {"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "K", "Value": "v"}
    eb.update_environment(EnvironmentName="shop-one", OptionSettings=[variable], Description="second")
    want((settled(eb, "shop-one")["Description"], option(variable, EnvironmentName="shop-one")), ("second", "v"))
    eb.update_environment(EnvironmentName="shop-one", OptionsToRemove=[{k: variable[k] for k in ("Namespace", "OptionName")}])
    want((settled(eb, "shop-one")["Status"], option(variable, EnvironmentName="shop-one")), ("Ready", None))
    for arn in ("environment/shop/shop-one", "application/shop", "applicationversion/shop/v1", "configurationtemplate/shop/saved"):
        eb.update_tags_for_resource(ResourceArn=ARN + arn, TagsToAdd=[{"Key": "k", "Value": "v"}], TagsToRemove=["absent"])
        until(lambda: {"Key": "k", "Value": "v"} in eb.list_tags_for_resource(ResourceArn=ARN + arn)["ResourceTags"])
    before = settled(eb, "shop-one")["CNAME"], row(eb, "shop-two")["CNAME"]
    eb.swap_environment_cnames(SourceEnvironmentName="shop-one", DestinationEnvironmentName="shop-two")
    want((settled(eb, "shop-two")["CNAME"], settled(eb, "shop-one")["CNAME"]), before)
    eb.rebuild_environment(EnvironmentName="shop-two")
    want(settled(eb, "shop-two")["Status"], "Ready")
    slow = client("elasticbeanstalk", "slow")
    slow.create_application(ApplicationName="shop")
    launch(slow, "shop", "shop-one")
    slow.update_environment(EnvironmentName="shop-one", OptionSettings=[variable])
    want((row(slow, "shop-one")["Status"], row(slow, "shop-one")["AbortableOperationInProgress"]), ("Updating", True))
    slow.abort_environment_update(EnvironmentName="shop-one")
    want(settled(slow, "shop-one")["Status"], "Ready")


def ends():
    gone = eb.terminate_environment(EnvironmentName="shop-one", TerminateResources=True, ForceTerminate=False)
    want(gone["Status"], "Terminating")
    eb.get_waiter("environment_terminated").wait(EnvironmentIds=[gone["EnvironmentId"]], WaiterConfig={"Delay": 1})
    eb.rebuild_environment(EnvironmentId=gone["EnvironmentId"])
    want(settled(eb, "shop-one")["EnvironmentId"], gone["EnvironmentId"])
    eb.delete_application(ApplicationName="shop", TerminateEnvByForce=True)
    until(lambda: not eb.describe_applications(ApplicationNames=["shop"])["Applications"])
    want(messages(ApplicationName="shop")[0], "The application has been deleted successfully.")
    want({e["Status"] for e in eb.describe_environments(ApplicationName="shop")["Environments"]}, {"Terminated"})


def unserved():
    """Any operation must have been driven above, or be refused in AWS's words."""
    for service, refusal in (("elasticbeanstalk", "InvalidAction"), ("ecr", "UnknownOperationException"), ("sts", "InvalidAction"), ("iam", "InvalidAction"),
                             ("service-quotas", "UnknownOperationException"),                             ("s3", "NotImplemented")):
        blind = client(service, validate=False)
        for name in blind.meta.service_model.operation_names:
            operation = blind.meta.service_model.operation_model(name)
            if service + ":" + name not in driven and operation.endpoint is None:  # others have a host of their own
                probe(blind, operation, refusal)


def probe(blind, operation, refusal):
    params = {m: blank(operation.input_shape.members[m]) for m in operation.input_shape.required_members} if operation.input_shape else {}
    before = len(noticed)
    try:
        blind._make_api_call(operation.name, params)
        code = "success"
    except ClientError as e:
        code = e.response["Error"]["Code"]
    del noticed[before:]
    if code not in (refusal, "MissingAuthenticationToken"):  # some are never signed
        noticed.append("%s: %s" % (operation.name, code))


def blank(shape):
    return {"structure": {}, "list": [], "map": {}, "integer": 1, "double": 1.0, "boolean": True}.get(shape.type_name, "large")


everything()
