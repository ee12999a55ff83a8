"""What Beanstalk refuses because of a state, a name or another parameter (aws-facts, section 2)."""

from cloud import *

eb, s3 = client("elasticbeanstalk"), client("s3")
INVALID, COMBINATION, MISSING = "InvalidParameterValue", "InvalidParameterCombination", "MissingRequiredParameter"
CONFIGURATION, BUSY = "ConfigurationValidationException", "OperationInProgressFailure"
ACCOUNT = CLOUDS["quick"]["account"]
BUCKET = "elasticbeanstalk-%s-%s" % (REGION, ACCOUNT)
ARN = "arn:aws:elasticbeanstalk:%s:%s:" % (REGION, ACCOUNT)
APP = {"ApplicationName": "shop"}
VARIABLE = {"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "K", "Value": "v"}


def setup():
    """An application with a version, a template and an environment."""
    with case("setup"):
        make_version("quick", "shop", "v1")
        launch(eb, "shop", "shop-live", VersionLabel="v1")
        eb.create_configuration_template(ApplicationName="shop", TemplateName="saved", SolutionStackName=stack(eb))
        launch(eb, "shop", "shop-gone")
        eb.terminate_environment(EnvironmentName="shop-gone")
        settled(eb, "shop-gone")


def names():
    for bad in ("has_underscore", "-front", "back-", "dot.ted", "spa ce", "ümlaut"):
        refused("environment named " + bad, eb.create_environment, INVALID, "may not start or end with a dash",
                EnvironmentName=bad, SolutionStackName=stack(eb), **APP)
        refused("CNAME prefix " + bad, eb.create_environment, INVALID, "may not start or end with a dash",
                EnvironmentName="shop-new", CNAMEPrefix=bad, SolutionStackName=stack(eb), **APP)
        refused("is %s available" % bad, eb.check_dns_availability, INVALID, "dash", CNAMEPrefix=bad)
    refused("application with a slash", eb.create_application, INVALID, "'/'", ApplicationName="a/b")
    refused("version with a slash", eb.create_application_version, INVALID, "'/'", VersionLabel="a/b", **APP)
    refused("template with a slash", eb.create_configuration_template, INVALID, "'/'", TemplateName="a/b", SolutionStackName=stack(eb), **APP)


def unknown_names():
    gone = row(eb, "shop-gone")["EnvironmentId"]
    for call in (eb.update_environment, eb.abort_environment_update, eb.terminate_environment, eb.describe_environment_resources,
                 eb.describe_environment_health, eb.describe_instances_health, eb.rebuild_environment):
        refused(call.__name__ + " of an unknown name", call, INVALID, "^No Environment found for EnvironmentName = 'nobody'.$", EnvironmentName="nobody")
        refused(call.__name__ + " of an unknown id", call, INVALID, "^No Environment found for EnvironmentId = 'e-0000000000'.$", EnvironmentId="e-0000000000")
        refused(call.__name__ + " of nothing", call, MISSING)
        if call != eb.rebuild_environment:
            refused(call.__name__ + " of a terminated name", call, INVALID, "^No Environment found for EnvironmentName = 'shop-gone'.$", EnvironmentName="shop-gone")
            refused(call.__name__ + " of a terminated id", call, INVALID, "^No Environment found for EnvironmentId = '%s'.$" % gone, EnvironmentId=gone)
        refused(call.__name__ + " of an id and another's name", call, INVALID, "No Environment found",
                EnvironmentId=row(eb, "shop-live")["EnvironmentId"], EnvironmentName="shop-gone")
    for call in (eb.request_environment_info, eb.retrieve_environment_info):
        refused(call.__name__ + " of an unknown name", call, INVALID, "No Environment found", EnvironmentName="nobody", InfoType="tail")
        refused(call.__name__ + " of nothing", call, MISSING, InfoType="tail")
    nobody = {"ApplicationName": "nobody"}
    for name, call, more in (
            ("environment", eb.create_environment, {"EnvironmentName": "shop-new", "SolutionStackName": stack(eb)}),
            ("version", eb.create_application_version, {"VersionLabel": "v"}), ("deletion", eb.delete_application, {}),
            ("template", eb.create_configuration_template, {"TemplateName": "t", "SolutionStackName": stack(eb)}),
            ("settings", eb.describe_configuration_settings, {"EnvironmentName": "shop-live"})):
        refused("unknown application: " + name, call, INVALID, "^No Application named 'nobody' found.$", **nobody, **more)
    new = {"EnvironmentName": "shop-new", "SolutionStackName": stack(eb), **APP}
    version = "^No Application Version named 'v9' found.$"
    refused("create with an unknown version", eb.create_environment, INVALID, version, VersionLabel="v9", **new)
    refused("update to an unknown version", eb.update_environment, INVALID, version, EnvironmentName="shop-live", VersionLabel="v9")
    refused("delete an unknown version", eb.delete_application_version, INVALID, version, VersionLabel="v9", **APP)
    template = "No Configuration Template named 't9' found"
    refused("create from an unknown template", eb.create_environment, INVALID, template, EnvironmentName="shop-new", TemplateName="t9", **APP)
    refused("update to an unknown template", eb.update_environment, INVALID, template, EnvironmentName="shop-live", TemplateName="t9")
    refused("delete an unknown template", eb.delete_configuration_template, INVALID, template, TemplateName="t9", **APP)
    refused("settings of an unknown template", eb.describe_configuration_settings, INVALID, template, TemplateName="t9", **APP)
    refused("settings of an unknown environment", eb.describe_configuration_settings, INVALID, "No Environment found", EnvironmentName="nobody", **APP)
    refused("unknown stack", eb.create_environment, INVALID, "No Solution Stack named", **{**new, "SolutionStackName": "64bit Plan 9"})
    refused("unknown platform", eb.create_environment, INVALID, "No Platform named", EnvironmentName="shop-new", PlatformArn="arn:aws:x", **APP)
    refused("describe an unknown platform", eb.describe_platform_version, INVALID, "No Platform named", PlatformArn="arn:aws:x")
    refused("describe no platform", eb.describe_platform_version, MISSING)
    refused("unknown environment of another application", eb.update_environment, INVALID, "No Environment found", ApplicationName="nobody", EnvironmentName="shop-live")


def taken():
    new = {"SolutionStackName": stack(eb), **APP}
    refused("application exists", eb.create_application, INVALID, "^Application shop already exists.$", **APP)
    refused("version exists", eb.create_application_version, INVALID, "^Application Version v1 already exists.$", VersionLabel="v1", **APP)
    refused("template exists", eb.create_configuration_template, INVALID, "^Configuration Template saved already exists.$", TemplateName="saved", **new)
    refused("environment exists", eb.create_environment, INVALID, "^Environment shop-live already exists.$", EnvironmentName="shop-live", **new)
    refused("CNAME is taken", eb.create_environment, INVALID, r"^DNS name \(([^ ]+)\) is not available.$", EnvironmentName="shop-new", CNAMEPrefix="SHOP-live", **new)
    eb.create_application(ApplicationName="other")
    refused("environment exists in another application", eb.create_environment, INVALID, "^Environment shop-live already exists.$",
            EnvironmentName="shop-live", ApplicationName="other", SolutionStackName=stack(eb))
    refused("application with a running environment", eb.delete_application, INVALID,
            "^Unable to delete application shop because it has a version that is deployed to a running environment.$", **APP)
    with case("a terminated environment's name is free"):
        launch(eb, "shop", "shop-gone")
        want(len(eb.describe_environments(EnvironmentNames=["shop-gone"])["Environments"]), 2)
        first = [e for e in eb.describe_environments(EnvironmentNames=["shop-gone"])["Environments"] if e["Status"] == "Terminated"][0]
        check_refusal(eb.rebuild_environment, INVALID, "^Environment shop-gone already exists.$", {"EnvironmentId": first["EnvironmentId"]})


def contradictions():
    new = {"EnvironmentName": "shop-new", **APP}
    refused("no base", eb.create_environment, INVALID, r"^Unable to determine base for template pack \(no solution stack\)$", **new)
    refused("no base for a template", eb.create_configuration_template, INVALID, "Unable to determine base", TemplateName="t", **APP)
    arn = eb.list_platform_versions()["PlatformSummaryList"][0]["PlatformArn"]
    refused("two bases", eb.create_environment, COMBINATION, SolutionStackName=stack(eb), PlatformArn=arn, **new)
    refused("two bases of a template", eb.create_configuration_template, COMBINATION, TemplateName="t", EnvironmentId="e-x",
            SourceConfiguration={"ApplicationName": "shop", "TemplateName": "saved"}, **APP)
    refused("no name", eb.create_environment, MISSING, SolutionStackName=stack(eb), **APP)
    refused("a group without a manifest", eb.create_environment, COMBINATION, GroupName="g", SolutionStackName=stack(eb), **new)
    refused("settings of two", eb.describe_configuration_settings, COMBINATION, EnvironmentName="shop-live", TemplateName="saved", **APP)
    refused("settings of none", eb.describe_configuration_settings, MISSING, **APP)
    refused("swap with itself", eb.swap_environment_cnames, INVALID, SourceEnvironmentName="shop-live", DestinationEnvironmentName="shop-live")
    refused("swap without a destination", eb.swap_environment_cnames, MISSING, SourceEnvironmentName="shop-live")
    refused("swap of nothing", eb.swap_environment_cnames, MISSING)
    refused("swap with nobody", eb.swap_environment_cnames, INVALID, "No Environment found", SourceEnvironmentName="shop-live", DestinationEnvironmentName="nobody")
    refused("another tier", eb.update_environment, INVALID, "tier", EnvironmentName="shop-live", Tier={"Name": "Worker", "Type": "SQS/HTTP"})
    refused("tier of another type", eb.create_environment, INVALID, "tier", Tier={"Name": "Worker", "Type": "Standard"}, SolutionStackName=stack(eb), **new)
    refused("health of a basic environment", eb.describe_environment_health, "InvalidRequestException", EnvironmentName="shop-live")
    refused("instances' health of a basic environment", eb.describe_instances_health, "InvalidRequestException", EnvironmentName="shop-live")
    for name, call in (("events", eb.describe_events), ("environments", eb.describe_environments), ("versions", eb.describe_application_versions),
                       ("branches", eb.list_platform_branches), ("platforms", eb.list_platform_versions)):
        refused("foreign token: " + name, call, INVALID, "NextToken", NextToken="?")
    refused("filter by nonsense", eb.list_platform_versions, INVALID, "filter", Filters=[{"Type": "Nonsense", "Operator": "=", "Values": ["x"]}])
    refused("filter with nonsense", eb.list_platform_branches, INVALID, "filter", Filters=[{"Attribute": "BranchName", "Operator": "~", "Values": ["x"]}])


def options():
    live = {"EnvironmentName": "shop-live"}
    for name, namespace, option, value, text in (
            ("namespace", "aws:nothing", "X", "1", "Unknown configuration setting"), ("too large", "aws:autoscaling:asg", "MaxSize", "10001", "maximum"),
            ("too small", "aws:elasticbeanstalk:command", "Timeout", "0", "minimum"), ("no number", "aws:autoscaling:asg", "MinSize", "many", "integer"),
            ("no such policy", "aws:elasticbeanstalk:command", "DeploymentPolicy", "Hope", "allowed values"),
            ("more than the maximum", "aws:autoscaling:asg", "MinSize", "9", "MinSize is greater than MaxSize"),
            ("health without a role", ENHANCED["Namespace"], "SystemType", "enhanced", "service role"),
            ("another load balancer", ROLE["Namespace"], "LoadBalancerType", "network", "only when you create")):
        given = [{"Namespace": namespace, "OptionName": option, "Value": value}]
        refused("option: " + name, eb.update_environment, CONFIGURATION, text, OptionSettings=given, **live)
        if name != "another load balancer":
            refused("option at creation: " + name, eb.create_environment, CONFIGURATION, text, EnvironmentName="shop-new", OptionSettings=given,
                    SolutionStackName=stack(eb), **APP)
            refused("option of a template: " + name, eb.create_configuration_template, CONFIGURATION, text, TemplateName="t", OptionSettings=given,
                    SolutionStackName=stack(eb), **APP)


def bundles():
    new = {"VersionLabel": "v2", **APP}
    refused("bundle that is not there", eb.create_application_version, COMBINATION, "Unable to download from S3 location",
            SourceBundle={"S3Bucket": BUCKET, "S3Key": "none"}, **new)
    refused("bundle without a key", eb.create_application_version, COMBINATION, "Both S3 bucket and key", SourceBundle={"S3Bucket": BUCKET}, **new)
    refused("bundle of another region", eb.create_application_version, "S3LocationNotInServiceRegionException", "",
            SourceBundle={"S3Bucket": BUCKET.replace(REGION, "us-east-1"), "S3Key": "k"}, **new)
    refused("a build", eb.create_application_version, "CodeBuildNotInServiceRegionException", "", **new,
            SourceBuildInformation={"SourceType": "Git", "SourceRepository": "CodeCommit", "SourceLocation": "a/b"})
    with case("a version whose processing failed cannot be deployed"):
        client("s3").put_object(Bucket=BUCKET, Key="goes", Body=bundle())
        eb.create_application_version(VersionLabel="v2", SourceBundle={"S3Bucket": BUCKET, "S3Key": "goes"}, **APP)
        s3.delete_object(Bucket=BUCKET, Key="goes")
        eb.update_environment(EnvironmentName="shop-live", VersionLabel="v2")
        want(settled(eb, "shop-live")["VersionLabel"], "v1")


def tags():
    live = ARN + "environment/shop/shop-live"
    for name, key, value, text in (
            ("key", "a#b", "v", "characters"), ("value", "k", "a;b", "characters"), ("AWS's own", "aws:k", "v", "reserved"),
            ("Beanstalk's own", "elasticbeanstalk:k", "v", "reserved"), ("Beanstalk's own in capitals", "ElasticBeanstalk:k", "v", "reserved")):
        given = [{"Key": key, "Value": value}]
        refused("tag: " + name, eb.update_tags_for_resource, INVALID, text, ResourceArn=live, TagsToAdd=given)
        refused("tag at creation: " + name, eb.create_environment, INVALID, text, EnvironmentName="shop-new", SolutionStackName=stack(eb), Tags=given, **APP)
        refused("tag of an application: " + name, eb.create_application, INVALID, text, ApplicationName="new", Tags=given)
        refused("tag of a version: " + name, eb.create_application_version, INVALID, text, VersionLabel="v3", Tags=given, **APP)
    pair = {"Key": "k", "Value": "v"}
    refused("tag twice", eb.update_tags_for_resource, INVALID, "Duplicate", ResourceArn=live, TagsToAdd=[pair, pair])
    refused("tag to be added and removed", eb.update_tags_for_resource, INVALID, "both", ResourceArn=live, TagsToAdd=[pair], TagsToRemove=["k"])
    refused("remove a tag of the system", eb.update_tags_for_resource, INVALID, "reserved", ResourceArn=live, TagsToRemove=["elasticbeanstalk:environment-id"])
    many = [{"Key": "k%d" % n, "Value": "v"} for n in range(48)]
    refused("48 tags", eb.create_environment, "TooManyTagsException", "", EnvironmentName="shop-new", SolutionStackName=stack(eb), Tags=many, **APP)
    refused("48 tags later", eb.update_tags_for_resource, "TooManyTagsException", "", ResourceArn=live, TagsToAdd=many)
    for call in (eb.list_tags_for_resource, eb.update_tags_for_resource):
        refused(call.__name__ + " of nobody", call, "ResourceNotFoundException", "", ResourceArn=ARN + "environment/shop/nobody")
        refused(call.__name__ + " of another application's", call, "ResourceNotFoundException", "", ResourceArn=ARN + "environment/other/shop-live")
        refused(call.__name__ + " of no ARN", call, "ResourceTypeNotSupportedException", "", ResourceArn="nonsense")
        refused(call.__name__ + " of another kind", call, "ResourceTypeNotSupportedException", "", ResourceArn=ARN + "platform/x/1")
    for name, change in (("the same again", {"TagsToRemove": ["absent"]}), ("Name", {"TagsToAdd": [{"Key": "Name", "Value": "x"}]})):
        with case("a tag write that changes nothing fails: " + name):
            asked = eb.update_tags_for_resource(ResourceArn=live, **change)["ResponseMetadata"]["RequestId"]
            settled(eb, "shop-live")
            said = [(e["Severity"], e["Message"]) for e in eb.describe_events(RequestId=asked)["Events"]]
            want(said[:2], [("ERROR", "Environment tag update failed."), ("ERROR", "Service:AmazonCloudFormation, Message:No updates are to be performed.")])


def failures():
    """What AWS accepts, and what then fails."""
    for name, given, status, text in (
            ("without an instance profile", [], "Terminated", "Environment must have instance profile associated with it."),
            ("with a foreign instance profile", [{**PROFILE, "Value": "nobody"}], "Terminated", "The instance profile nobody associated with the environment does not exist.")):
        with case("launch " + name):
            asked = eb.create_environment(EnvironmentName="shop-fail", SolutionStackName=stack(eb), OptionSettings=given, **APP)["ResponseMetadata"]["RequestId"]
            want(settled(eb, "shop-fail")["Status"], status)
            said = [e["Message"] for e in eb.describe_events(RequestId=asked, Severity="ERROR")["Events"]]
            want(said, ["Failed to launch environment.", text])
    with case("a deploy that fails ends ready, with the version before"):
        make_version("quick", "shop", "broken")
        asked = eb.update_environment(EnvironmentName="shop-live", VersionLabel="broken")["ResponseMetadata"]["RequestId"]
        after = settled(eb, "shop-live")
        want((after["Status"], after["VersionLabel"]), ("Ready", "v1"))
        said = [e["Message"] for e in eb.describe_events(RequestId=asked, Severity="ERROR")["Events"]]
        want("Failed to deploy application." in said and "Instance deployment failed. For details, see 'eb-engine.log'." in said, True)
    with case("a launch whose application does not run is Ready and Red"):
        asked = launch(eb, "shop", "shop-red", settle=False, VersionLabel="broken")["ResponseMetadata"]["RequestId"]
        after = settled(eb, "shop-red")
        want((after["Status"], after["Health"]), ("Ready", "Red"))
        last = eb.describe_events(RequestId=asked)["Events"][0]["Message"]
        want(last.startswith("Create environment operation is complete, but with errors"), True)


def under_way():
    """Clouds on which updates and launches do not come to an end."""
    slow = client("elasticbeanstalk", "slow")
    arn = "arn:aws:elasticbeanstalk:%s:%s:environment/shop/" % (REGION, CLOUDS["slow"]["account"])
    with case("environments under way"):
        make_version("slow", "shop", "v1")
        slow.create_configuration_template(ApplicationName="shop", TemplateName="saved", SolutionStackName=stack(slow))
        for name in ("shop-ready", "shop-update", "shop-tag", "shop-end"):
            launch(slow, "shop", name)
        slow.update_environment(EnvironmentName="shop-update", VersionLabel="v1", TemplateName="saved")
        slow.update_tags_for_resource(ResourceArn=arn + "shop-tag", TagsToAdd=[{"Key": "k", "Value": "v"}])
        slow.terminate_environment(EnvironmentName="shop-end")
        want(row(slow, "shop-end")["Status"], "Terminating")
    new = client("elasticbeanstalk", "launching")
    with case("environment at launch"):
        new.create_application(ApplicationName="shop")
        launch(new, "shop", "shop-launch", settle=False)
        want((row(new, "shop-launch")["Status"], row(new, "shop-launch")["AbortableOperationInProgress"]), ("Launching", False))
    for at, name, pending in ((slow, "shop-update", "deployment"), (slow, "shop-tag", "deployment"), (slow, "shop-end", "termination"), (new, "shop-launch", "creation")):
        must = "^Environment named %s is in an invalid state for this operation. Must be " % name
        refused("update of " + name, at.update_environment, INVALID, must + "Ready.$", EnvironmentName=name, Description="d")
        refused("rebuild of " + name, at.rebuild_environment, INVALID, must + "Ready.$", EnvironmentName=name)
        refused("logs of " + name, at.request_environment_info, INVALID, must + "Ready.$", EnvironmentName=name, InfoType="tail")
        refused("termination of " + name, at.terminate_environment, INVALID,
                "^Cannot terminate environment named %s. It is currently pending %s.$" % (name, pending), EnvironmentName=name)
        if name != "shop-update":
            refused("abort of " + name, at.abort_environment_update, INVALID, must + "pending deployment.$", EnvironmentName=name)
        refused("tags of " + name, at.update_tags_for_resource, BUSY, "already in progress", TagsToAdd=[{"Key": "a", "Value": "b"}],
                ResourceArn="arn:aws:elasticbeanstalk:%s:%s:environment/shop/%s" % (REGION, CLOUDS["launching" if at is new else "slow"]["account"], name))
        refused("creation of another " + name, at.create_environment, INVALID, "already exists", EnvironmentName=name, SolutionStackName=stack(at), **APP)
    must = "^Environment named shop-ready is in an invalid state for this operation. Must be pending deployment.$"
    refused("abort of nothing", slow.abort_environment_update, INVALID, must, EnvironmentName="shop-ready")
    refused("swap with one under way", slow.swap_environment_cnames, INVALID, "Must be Ready", SourceEnvironmentName="shop-ready", DestinationEnvironmentName="shop-update")
    text = "^Unable to delete application version: v1. An operation is already in progress, please retry again shortly.$"
    refused("deletion of the version under way", slow.delete_application_version, BUSY, text, VersionLabel="v1", **APP)
    refused("deletion of the template under way", slow.delete_configuration_template, BUSY, "already in progress", TemplateName="saved", **APP)
    refused("deletion of the application under way", slow.delete_application, BUSY, "already in progress", TerminateEnvByForce=True, **APP)
    with case("refused, and nothing was changed"):
        want([a["Versions"] for a in slow.describe_applications()["Applications"]], [["v1"]])
        want(sorted(e["Status"] for e in slow.describe_environments()["Environments"]), ["Ready", "Terminating", "Updating", "Updating"])
    with case("pending settings"):
        sets = slow.describe_configuration_settings(EnvironmentName="shop-update", **APP)["ConfigurationSettings"]
        want([s["DeploymentStatus"] for s in sets], ["deployed", "pending"])


def quotas():
    new = client("elasticbeanstalk", "launching")
    with case("quota of applications"):
        for n in range(74):
            new.create_application(ApplicationName="a%d" % n)
        check_refusal(new.create_application, "TooManyApplicationsException", "", {"ApplicationName": "one-more"})
        check_refusal(new.create_application_version, "TooManyApplicationsException", "",
                      {"ApplicationName": "one-more", "VersionLabel": "v", "AutoCreateApplication": True})
    with case("quota of environments"):
        for n in range(199):
            new.create_environment(EnvironmentName="many-%d" % n, TemplateName="t", **APP) if n else launch_many(new)
        check_refusal(new.create_environment, "TooManyEnvironmentsException", "", {"EnvironmentName": "one-more", "TemplateName": "t", **APP})


def launch_many(new):
    new.create_configuration_template(TemplateName="t", SolutionStackName=stack(new), OptionSettings=[PROFILE], **APP)
    new.create_environment(EnvironmentName="many-0", TemplateName="t", **APP)


setup()
for table in (names, unknown_names, taken, contradictions, options, bundles, tags, failures, under_way, quotas):
    with case("table of " + table.__name__.replace("_", " ")):
        table()
finish()
