"""Replays what the EB CLI calls (aws-facts, section 12), and waits as it does: for the
terminal event of the request."""

import datetime

from cloud import *

eb, s3, iam = client("elasticbeanstalk"), client("s3"), client("iam")
APP, ENV = "shop", "shop-login"
ARN = "arn:aws:elasticbeanstalk:%s:%s:environment/%s/" % (REGION, CLOUDS["quick"]["account"], APP)
BRANCH = "Docker running on 64bit Amazon Linux 2023"
SUCCESS = re.compile("^(Environment update completed successfully.|terminateEnvironment completed successfully.|Pulled logs for environment instances."
                     "|The application has been deleted successfully.|Successfully deployed new configuration to environment.)$"
                     "|^Successfully launched environment: |^Completed swapping CNAMEs for environments |Environment tag update completed successfully.")
FAILURE = re.compile("^(Failed to launch environment.|Failed to deploy application.|Failed to deploy configuration.|The environment was reverted to the previous "
                     "configuration setting.|Environment health has been set to RED)$|^(Create|Update) environment operation is complete, but with errors"
                     "|^Failed to pull logs|Environment tag update failed.")


def request_id(answer):
    return answer["ResponseMetadata"]["RequestId"]


def wait(request, **of):
    """Polls for the events of a request, oldest first, from the last one + 1 ms on; the first terminal text is how it ended."""
    said, start = [], {}
    while True:
        fresh = until(lambda: eb.describe_events(RequestId=request, **of, **start)["Events"])
        for e in reversed(fresh):
            said.append(e["Message"])
            if SUCCESS.search(e["Message"]) or FAILURE.search(e["Message"]):
                return said
        start = {"StartTime": fresh[0]["EventDate"] + datetime.timedelta(milliseconds=1)}


def platform():
    found = eb.list_platform_branches(Filters=[{"Attribute": "BranchName", "Operator": "=", "Values": [BRANCH]}])["PlatformBranchSummaryList"]
    want([b["BranchName"] for b in found], [BRANCH])


def init():
    want(stack(eb, "Docker") in eb.list_available_solution_stacks()["SolutionStacks"], True)
    want(eb.describe_applications(ApplicationNames=[APP])["Applications"], [])
    want(eb.create_application(ApplicationName=APP, Description="Application created from the EB CLI", Tags=[])["Application"]["ApplicationName"], APP)
    platform()
    eb.list_available_solution_stacks()


def upload(label, size=1 << 10):
    want(eb.describe_application_versions(ApplicationName=APP, VersionLabels=[label])["ApplicationVersions"], [])
    bucket, key = eb.create_storage_location()["S3Bucket"], "%s/%s.zip" % (APP, label)
    want("Contents" in s3.list_objects(Bucket=bucket, Prefix=key), False)
    body = bundle() + b"\0" * size
    if size < 7 << 20:
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    else:
        in_parts(bucket, key, body)
    made = eb.create_application_version(ApplicationName=APP, VersionLabel=label, Description="d", Process=False, SourceBundle={"S3Bucket": bucket, "S3Key": key})
    want(made["ApplicationVersion"]["Status"], "UNPROCESSED")


def in_parts(bucket, key, body, part=5 << 20):
    want(s3.list_multipart_uploads(Bucket=bucket, Prefix=key).get("Uploads", []), [])
    upload = {"Bucket": bucket, "Key": key, "UploadId": s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]}
    want(s3.list_parts(**upload).get("Parts", []), [])
    done = []
    for n, at in enumerate(range(0, len(body), part), 1):
        done.append({"PartNumber": n, "ETag": s3.upload_part(PartNumber=n, Body=body[at:at + part], **upload)["ETag"]})
    s3.complete_multipart_upload(MultipartUpload={"Parts": done}, **upload)
    want(s3.head_object(Bucket=bucket, Key=key)["ContentLength"], len(body))


def profile():
    """What it does without --instance_profile: it makes what there is already, and takes 409 for that."""
    name, trust = "aws-elasticbeanstalk-ec2-role", iam.list_roles()["Roles"][0]["AssumeRolePolicyDocument"]
    for call, code, more in ((iam.create_instance_profile, "EntityAlreadyExists", {"InstanceProfileName": name}),
                             (iam.create_role, "EntityAlreadyExists", {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(trust)}),
                             (iam.add_role_to_instance_profile, "LimitExceeded", {"InstanceProfileName": name, "RoleName": name})):
        try:
            call(**more)
            want("success", code)
        except ClientError as e:
            want((e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]), (code, 409))
    for policy in ("AWSElasticBeanstalkWebTier", "AWSElasticBeanstalkMulticontainerDocker", "AWSElasticBeanstalkWorkerTier"):
        iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/" + policy)


def create():
    want(eb.check_dns_availability(CNAMEPrefix=ENV)["Available"], True)
    platform()
    want({"aws-elasticbeanstalk-service-role", "aws-elasticbeanstalk-ec2-role"} <= {r["RoleName"] for r in iam.list_roles()["Roles"]}, True)
    profile()
    upload("v1", 8 << 20)
    made = eb.create_environment(ApplicationName=APP, EnvironmentName=ENV, CNAMEPrefix=ENV, VersionLabel="v1", SolutionStackName=stack(eb, "Docker"),
                                 OptionSettings=[PROFILE, SINGLE, ROLE, ENHANCED], Tags=[{"Key": "a", "Value": "b"}],
                                 Description="Environment created from the EB CLI using \"eb create\"", Tier={"Name": "WebServer", "Type": "Standard", "Version": "1.0"})
    want((made["Status"], made["Health"], made["HealthStatus"]), ("Launching", "Grey", "Pending"))
    want(eb.describe_platform_version(PlatformArn=made["PlatformArn"])["PlatformDescription"]["PlatformBranchName"], BRANCH)
    platform()
    said = wait(request_id(made))
    want((said[0], said[-1]), ("createEnvironment is starting.", "Successfully launched environment: " + ENV))
    want([t for t in said if "health" in t], [])  # events about health carry no request id
    want(row(eb, ENV)["Status"], "Ready")


def look():
    rows = eb.describe_environments(ApplicationName=APP, IncludeDeleted=False)["Environments"]
    want([(e["EnvironmentName"], e["Status"], e["Health"]) for e in rows], [(ENV, "Ready", "Green")])
    eb.describe_platform_version(PlatformArn=rows[0]["PlatformArn"])
    platform()
    events = eb.describe_events(ApplicationName=APP, EnvironmentName=ENV)["Events"]
    want(events[-1]["Message"], "createEnvironment is starting.")
    want([e["Message"][:55] for e in events if "RequestId" not in e], ["Environment health has transitioned from Pending to Ok."])


def deploy(label="v2", ends="Environment update completed successfully."):
    eb.describe_platform_version(PlatformArn=row(eb, ENV)["PlatformArn"])
    platform()
    upload(label)
    said = wait(request_id(eb.update_environment(EnvironmentName=ENV, VersionLabel=label)), EnvironmentName=ENV)
    want((said[0], said[-1]), ("Environment update is starting.", ends))


def deploy_v2():
    deploy()
    want(settled(eb, ENV)["VersionLabel"], "v2")


def deploy_broken():
    deploy("broken", "Failed to deploy application.")
    want((settled(eb, ENV)["VersionLabel"], row(eb, ENV)["Status"]), ("v2", "Ready"))


def tags():
    def listed():
        return {t["Key"]: t["Value"] for t in eb.list_tags_for_resource(ResourceArn=ARN + ENV)["ResourceTags"]}

    want(listed(), {"Name": ENV, "a": "b", "elasticbeanstalk:environment-name": ENV, "elasticbeanstalk:environment-id": row(eb, ENV)["EnvironmentId"]})
    for change in ({"TagsToAdd": [{"Key": "c", "Value": "d"}], "TagsToRemove": []}, {"TagsToAdd": [], "TagsToRemove": ["a"]}):
        said = wait(request_id(eb.update_tags_for_resource(ResourceArn=ARN + ENV, **change)))
        want(said[-1], "Environment tag update completed successfully.")
        settled(eb, ENV)
    want({k: v for k, v in listed().items() if len(k) == 1}, {"c": "d"})


def settings():
    return eb.describe_configuration_settings(ApplicationName=APP, EnvironmentName=ENV)["ConfigurationSettings"][0]


def setenv():
    variable = {"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "FOO", "Value": "bar baz"}
    said = wait(request_id(eb.update_environment(EnvironmentName=ENV, OptionSettings=[variable], OptionsToRemove=[])))
    want(said[-1], "Successfully deployed new configuration to environment.")
    want(settled(eb, ENV)["Status"], "Ready")
    want([o["Value"] for o in settings()["OptionSettings"] if o["OptionName"] == "FOO"], ["bar baz"])  # printenv


def config():
    """eb config save, and eb config ENVIRONMENT < FILE"""
    raw("CreateConfigurationTemplate", **{"ApplicationName": APP, "TemplateName": "saved", "TemplateSpecification.TemplateSource.EnvironmentName": ENV})
    kept = eb.describe_configuration_settings(ApplicationName=APP, TemplateName="saved")["ConfigurationSettings"][0]["OptionSettings"]
    want([o["Value"] for o in kept if o["OptionName"] == "FOO"], ["bar baz"])
    eb.delete_configuration_template(ApplicationName=APP, TemplateName="saved")
    contents = "Platform: {PlatformArn: '%s'}\nOptionSettings: {'aws:elasticbeanstalk:application:environment': {SAVED: 'yes'}}\n" % row(eb, ENV)["PlatformArn"]
    answer = raw("UpdateEnvironment", **{"EnvironmentName": ENV, "TemplateSpecification.TemplateSource.SourceContents": contents})
    wait(re.search("<RequestId>(.*?)</RequestId>", answer).group(1))
    settled(eb, ENV)
    want([o["Value"] for o in settings()["OptionSettings"] if o["OptionName"] == "SAVED"], ["yes"])


def opened():
    want((settings()["EnvironmentName"], row(eb, ENV)["CNAME"].split(".")[0]), (ENV, ENV))


def logs():
    settings()
    said = wait(request_id(eb.request_environment_info(EnvironmentName=ENV, InfoType="tail")))
    want(said[-1], "Pulled logs for environment instances.")
    found = eb.retrieve_environment_info(EnvironmentName=ENV, InfoType="tail")["EnvironmentInfo"]
    want([i["Message"].startswith("http") for i in found], [True])


def health():
    want(tier_of(raw("DescribeConfigurationSettings", ApplicationName=APP, EnvironmentName=ENV)), "WebServer")
    asked = ["HealthStatus", "Status", "Color", "Causes", "ApplicationMetrics", "InstancesHealth", "RefreshedAt"]
    seen = eb.describe_environment_health(EnvironmentName=ENV, AttributeNames=asked)
    want((seen["Status"], seen["HealthStatus"], seen["Color"], seen["Causes"], seen["InstancesHealth"]["Ok"]), ("Ready", "Ok", "Green", [], 1))
    asked = ["HealthStatus", "Color", "Causes", "ApplicationMetrics", "RefreshedAt", "LaunchedAt", "System", "Deployment", "AvailabilityZone", "InstanceType"]
    instance = eb.describe_instances_health(EnvironmentName=ENV, AttributeNames=asked)["InstanceHealthList"][0]
    want((instance["Deployment"]["VersionLabel"], instance["HealthStatus"]), (row(eb, ENV)["VersionLabel"], "Ok"))


def tier_of(answer):
    return re.search("<Tier>.*?<Name>(.*?)</Name>", answer).group(1)


def raw(action, **params):
    """Sends members that botocore's model lacks, signed by its own signer, and returns the XML."""
    sender, seen = client("elasticbeanstalk", validate=False), []
    given = params
    sender.meta.events.register("before-call", lambda params, **_: params["body"].update(given))
    sender.meta.events.register("after-call", lambda http_response, **_: seen.append(http_response.text))
    sender._make_api_call(action, {})
    return seen[0]


def swap():
    launch(eb, APP, "shop-other")
    before = row(eb, ENV)["CNAME"], row(eb, "shop-other")["CNAME"]
    said = wait(request_id(eb.swap_environment_cnames(SourceEnvironmentName=ENV, DestinationEnvironmentName="shop-other")))
    want(said[-1].startswith("Completed swapping CNAMEs for environments "), True)
    want((settled(eb, "shop-other")["CNAME"], settled(eb, ENV)["CNAME"]), before)
    wait(request_id(eb.swap_environment_cnames(SourceEnvironmentName=ENV, DestinationEnvironmentName="shop-other")))
    settled(eb, ENV), settled(eb, "shop-other")


def abort():
    slow = client("elasticbeanstalk", "slow")
    make_version("slow", APP, "v1")
    launch(slow, APP, ENV)
    updated = request_id(slow.update_environment(EnvironmentName=ENV, VersionLabel="v1"))
    rows = slow.describe_environments(ApplicationName=APP, IncludeDeleted=False)["Environments"]
    want([e["EnvironmentName"] for e in rows if e["AbortableOperationInProgress"]], [ENV])
    slow.abort_environment_update(EnvironmentName=ENV)
    want("VersionLabel" in settled(slow, ENV), False)
    want("The environment was reverted to the previous configuration setting." in [e["Message"] for e in slow.describe_events(RequestId=updated)["Events"]], True)


def clone():
    want(eb.check_dns_availability(CNAMEPrefix="shop-clone")["Available"], True)
    origin = row(eb, ENV)
    answer = raw("CreateEnvironment", **{
        "ApplicationName": APP, "EnvironmentName": "shop-clone", "CNAMEPrefix": "shop-clone", "VersionLabel": origin["VersionLabel"],
        "TemplateSpecification.TemplateSource.EnvironmentName": ENV, "Tags.member.1.Key": "c", "Tags.member.1.Value": "d"})
    said = wait(re.search("<RequestId>(.*?)</RequestId>", answer).group(1))
    want(said[-1], "Successfully launched environment: shop-clone")
    made = settled(eb, "shop-clone")
    want((made["VersionLabel"], made["PlatformArn"], made["Tier"]), (origin["VersionLabel"], origin["PlatformArn"], origin["Tier"]))
    options = eb.describe_configuration_settings(ApplicationName=APP, EnvironmentName="shop-clone")["ConfigurationSettings"][0]["OptionSettings"]
    want([o["Value"] for o in options if o["OptionName"] == "FOO"], ["bar baz"])


def terminate():
    shared = [o["Value"] for o in settings()["OptionSettings"] if o["OptionName"] == "LoadBalancerIsShared"]
    want(shared, [])  # it has no load balancer
    said = wait(request_id(eb.terminate_environment(EnvironmentName=ENV, ForceTerminate=False)))
    want((said[0], said[-1]), ("terminateEnvironment is starting.", "terminateEnvironment completed successfully."))
    want(settled(eb, ENV)["Status"], "Terminated")
    rows = eb.describe_environments(ApplicationName=APP, IncludeDeleted=False)["Environments"]
    want([e["Status"] for e in rows if e["Status"] == "Terminated"], [])


def restore():
    back = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=42)
    rows = eb.describe_environments(ApplicationName=APP, IncludeDeleted=True, IncludedDeletedBackTo=back)["Environments"]
    gone = [e for e in rows if e["Status"] == "Terminated"][0]
    said = wait(request_id(eb.rebuild_environment(EnvironmentId=gone["EnvironmentId"])))
    want((said[0], said[-1]), ("rebuildEnvironment is starting.", "Successfully launched environment: " + ENV))
    back = settled(eb, ENV)
    want((back["EnvironmentId"], back["CNAME"]), (gone["EnvironmentId"], gone["CNAME"]))


def balanced():
    eb.create_environment(ApplicationName=APP, EnvironmentName="shop-balanced", SolutionStackName=stack(eb), OptionSettings=[PROFILE])
    settled(eb, "shop-balanced")
    found = eb.describe_configuration_settings(ApplicationName=APP, EnvironmentName="shop-balanced")["ConfigurationSettings"][0]["OptionSettings"]
    want([o["Value"] for o in found if o["OptionName"] == "LoadBalancerIsShared"], ["false"])


def terminate_all():
    bundles = [v["SourceBundle"] for v in eb.describe_application_versions(ApplicationName=APP)["ApplicationVersions"]]
    bucket = bundles[0]["S3Bucket"]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": b["S3Key"]} for b in bundles]})
    said = wait(request_id(eb.delete_application(ApplicationName=APP, TerminateEnvByForce=True)))
    while said[-1] != "The application has been deleted successfully.":
        said = until(lambda: [e["Message"] for e in eb.describe_events(ApplicationName=APP)["Events"][:1]])
    want(eb.describe_applications(ApplicationNames=[APP])["Applications"], [])
    want({e["Status"] for e in eb.describe_environments(ApplicationName=APP)["Environments"]}, {"Terminated"})


for sequence in (init, create, look, deploy_v2, deploy_broken, tags, setenv, config, opened, logs, health, swap, abort, clone, terminate, restore, balanced, terminate_all):
    with case("eb " + sequence.__name__):
        sequence()
finish()
