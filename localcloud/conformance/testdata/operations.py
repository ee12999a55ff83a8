"""Drives every operation that the cloud serves, and finds out which ones those are."""

import hashlib
import io
import json
import urllib.error
import urllib.request

import boto3
from botocore.exceptions import ClientError

from cloud import *

eb, ecr, s3, sts, iam = (client(s) for s in ("elasticbeanstalk", "ecr", "s3", "sts", "iam"))
ACCOUNT = CLOUDS["quick"]["account"]
ARN = "arn:aws:elasticbeanstalk:%s:%s:" % (REGION, ACCOUNT)


def everything():
    for part in (identity, applications, platforms, environments, configurations, looks, changes, ends, repositories, images, objects, parts, conditions,
                 presigned, unserved):
        with case(part.__name__):
            part()
    finish()


def identity():
    who = sts.get_caller_identity()
    want((who["Account"], who["Arn"].split(":")[4]), (ACCOUNT, ACCOUNT))
    roles = iam.list_roles()["Roles"]
    want([r["RoleName"] for r in roles], ["aws-elasticbeanstalk-ec2-role", "aws-elasticbeanstalk-service-role"])
    want([r["AssumeRolePolicyDocument"]["Statement"][0]["Action"] for r in roles], ["sts:AssumeRole"] * 2)


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


def keys(bucket, prefix=""):
    return [o["Key"] for o in s3.list_objects(Bucket=bucket, Prefix=prefix).get("Contents", [])]


def paged(call, list_name, member, **params):
    """What all pages hold together; no page may hold more than was asked for."""
    seen, token = [], {}
    while True:
        page = call(**params, **token)
        rows = page[list_name]
        limit = params.get("MaxRecords", params.get("maxResults"))
        if len(rows) > limit:
            raise AssertionError("%d rows on a page of %d" % (len(rows), limit))
        seen += [r[member] for r in rows]
        name = "nextToken" if "nextToken" in page else "NextToken"
        if not page.get(name):
            return seen
        token = {name: page[name]}


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
    eb.delete_configuration_template(ApplicationName="shop", TemplateName="plain")
    eb.create_environment(ApplicationName="shop", EnvironmentName="shop-tpl", TemplateName="saved")
    want((settled(eb, "shop-tpl")["Status"], option(ENHANCED, EnvironmentName="shop-tpl")), ("Ready", "enhanced"))


def option(like, **of):
    for s in eb.describe_configuration_settings(ApplicationName="shop", **of)["ConfigurationSettings"][0]["OptionSettings"]:
        if (s["Namespace"], s["OptionName"]) == (like["Namespace"], like["OptionName"]):
            return s["Value"]


def looks():
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


def repositories():
    made = ecr.create_repository(repositoryName="team/web", imageTagMutability="IMMUTABLE", imageScanningConfiguration={"scanOnPush": True},
                                 encryptionConfiguration={"encryptionType": "AES256"}, tags=[{"Key": "k", "Value": ""}])["repository"]
    want((made["registryId"], made["repositoryArn"]), (ACCOUNT, "arn:aws:ecr:%s:%s:repository/team/web" % (REGION, ACCOUNT)))
    ecr.create_repository(repositoryName="api", registryId=ACCOUNT)
    want(paged(ecr.describe_repositories, "repositories", "repositoryName", maxResults=1), ["api", "team/web"])
    want([r["repositoryName"] for r in ecr.describe_repositories(repositoryNames=["team/web"])["repositories"]], ["team/web"])
    want(ecr.put_image_tag_mutability(repositoryName="team/web", imageTagMutability="MUTABLE")["imageTagMutability"], "MUTABLE")
    arn = made["repositoryArn"]
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "b"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["k", "absent"])
    want(ecr.list_tags_for_resource(resourceArn=arn)["tags"], [{"Key": "a", "Value": "b"}])
    rule = {"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}
    text = json.dumps({"rules": [rule]})
    want(ecr.put_lifecycle_policy(repositoryName="api", lifecyclePolicyText=text)["lifecyclePolicyText"], text)
    want(ecr.get_lifecycle_policy(repositoryName="api")["lifecyclePolicyText"], text)
    ecr.delete_lifecycle_policy(repositoryName="api")
    want(ecr.delete_repository(repositoryName="api")["repository"]["repositoryName"], "api")


def images():
    token = ecr.get_authorization_token()["authorizationData"][0]
    manifests = [json.dumps(manifest(token, b"layer %d" % n)) for n in range(3)]
    digests = []
    for n, text in enumerate(manifests):
        image = ecr.put_image(repositoryName="team/web", imageManifest=text, imageTag="v%d" % n)["image"]
        want((image["imageId"]["imageTag"], image["imageManifest"]), ("v%d" % n, text))
        digests.append(image["imageId"]["imageDigest"])
    ecr.put_image(repositoryName="team/web", imageManifest=manifests[0], imageTag="latest")
    want(digests, ["sha256:" + hashlib.sha256(m.encode()).hexdigest() for m in manifests])
    want(sorted(paged(ecr.list_images, "imageIds", "imageTag", repositoryName="team/web", maxResults=2)), ["latest", "v0", "v1", "v2"])
    want(len(paged(ecr.describe_images, "imageDetails", "imageDigest", repositoryName="team/web", maxResults=2)), 3)
    one = ecr.describe_images(repositoryName="team/web", imageIds=[{"imageTag": "v0"}], filter={"tagStatus": "TAGGED"})["imageDetails"][0]
    want((one["imageTags"], one["imageDigest"]), (["latest", "v0"], digests[0]))
    got = ecr.batch_get_image(repositoryName="team/web", imageIds=[{"imageDigest": digests[1]}, {"imageTag": "none"}])
    want(([i["imageManifest"] for i in got["images"]], [f["failureCode"] for f in got["failures"]]), ([manifests[1]], ["ImageNotFound"]))
    gone = ecr.batch_delete_image(repositoryName="team/web", imageIds=[{"imageTag": "v0"}, {"imageDigest": digests[2]}, {"imageTag": "none"}])
    want(([i["imageTag"] for i in gone["imageIds"]], len(gone["failures"])), (["v0", "v2"], 1))
    ecr.delete_repository(repositoryName="team/web", force=True)


def manifest(token, layer):
    config = b"{}"
    return {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config), "digest": pushed(token, config)},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": len(layer), "digest": pushed(token, layer)}]}


def pushed(token, blob):
    """Uploads a blob as docker does, in two requests."""
    digest = "sha256:" + hashlib.sha256(blob).hexdigest()
    auth = {"Authorization": "Basic " + token["authorizationToken"]}
    begun = fetch("POST", token["proxyEndpoint"] + "/v2/team/web/blobs/uploads/", b"", auth)
    place = urllib.request.urljoin(token["proxyEndpoint"], begun.headers["Location"])
    fetch("PUT", place + ("&" if "?" in place else "?") + "digest=" + digest, blob, {**auth, "Content-Type": "application/octet-stream"})
    return digest


def fetch(method, url, body=None, headers={}):
    try:
        return urllib.request.urlopen(urllib.request.Request(url, method=method, data=body, headers=headers))
    except urllib.error.HTTPError as e:
        return e


def objects():
    s3.create_bucket(Bucket="things", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.head_bucket(Bucket="things")
    want("things" in [b["Name"] for b in s3.list_buckets()["Buckets"]], True)
    s3.get_bucket_location(Bucket="things")
    s3.get_bucket_versioning(Bucket="things")
    for key in ("a b+c/ü", "x//y", "p%2Fq", "plain"):
        s3.put_object(Bucket="things", Key=key, Body=key.encode(), ContentType="text/plain", Metadata={"who": "me"})
        got = s3.get_object(Bucket="things", Key=key)
        want((got["Body"].read().decode(), got["ContentType"], got["Metadata"]), (key, "text/plain", {"who": "me"}))
    want(s3.get_object(Bucket="things", Key="plain", Range="bytes=1-3")["Body"].read(), b"lai")
    want(s3.head_object(Bucket="things", Key="plain")["ContentLength"], 5)
    s3.copy_object(Bucket="things", Key="copy", CopySource={"Bucket": "things", "Key": "plain"})
    every = ["a b+c/ü", "copy", "p%2Fq", "plain", "x//y"]
    want(keys("things"), every)
    want([o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="things", MaxKeys=2) for o in page["Contents"]], every)
    want([o["Key"] for page in s3.get_paginator("list_objects").paginate(Bucket="things", MaxKeys=2) for o in page["Contents"]], every)
    want([p["Prefix"] for p in s3.list_objects_v2(Bucket="things", Delimiter="/")["CommonPrefixes"]], ["a b+c/", "x/"])
    s3.delete_object(Bucket="things", Key="copy")
    gone = s3.delete_objects(Bucket="things", Delete={"Objects": [{"Key": k} for k in every]})["Deleted"]
    want(sorted(d["Key"] for d in gone), every)
    s3.delete_bucket(Bucket="things")


def parts():
    s3.create_bucket(Bucket="large", CreateBucketConfiguration={"LocationConstraint": REGION})
    body = bytes(range(256)) * (17 << 12)  # 17 MiB: three parts of boto3's 8 MiB, sent side by side
    s3.upload_fileobj(io.BytesIO(body), "large", "whole")
    back = io.BytesIO()
    s3.download_fileobj("large", "whole", back)
    want(back.getvalue() == body, True)
    begun = s3.create_multipart_upload(Bucket="large", Key="k")["UploadId"]
    sizes = (5 << 20, 100)
    tags = [s3.upload_part(Bucket="large", Key="k", UploadId=begun, PartNumber=n + 1, Body=body[:size])["ETag"] for n, size in enumerate(sizes)]
    want([p["Size"] for p in s3.list_parts(Bucket="large", Key="k", UploadId=begun)["Parts"]], list(sizes))
    want([u["UploadId"] for u in s3.list_multipart_uploads(Bucket="large")["Uploads"]], [begun])
    done = {"Parts": [{"ETag": t, "PartNumber": n + 1} for n, t in enumerate(tags)]}
    s3.complete_multipart_upload(Bucket="large", Key="k", UploadId=begun, MultipartUpload=done)
    want(s3.head_object(Bucket="large", Key="k")["ContentLength"], sum(sizes))
    begun = s3.create_multipart_upload(Bucket="large", Key="gone")["UploadId"]
    s3.abort_multipart_upload(Bucket="large", Key="gone", UploadId=begun)
    want(keys("large"), ["k", "whole"])


def conditions():
    first = s3.put_object(Bucket="large", Key="lease", Body=b"1", IfNoneMatch="*")["ETag"]
    second = s3.put_object(Bucket="large", Key="lease", Body=b"2", IfMatch=first)["ETag"]
    want(s3.get_object(Bucket="large", Key="lease", IfMatch=second)["Body"].read(), b"2")
    want(s3.head_object(Bucket="large", Key="lease", IfNoneMatch=first)["ETag"], second)


def presigned():
    v4 = client("s3", signature="s3v4")  # by itself boto3 presigns with version 2 in this region
    put = v4.generate_presigned_url("put_object", {"Bucket": "large", "Key": "mine"})
    put = fetch("PUT", put, b"hello")
    want((put.status, put.read()), (200, b""))
    for signer in (s3, v4):
        get = signer.generate_presigned_url("get_object", {"Bucket": "large", "Key": "mine"}, ExpiresIn=60)
        want(fetch("GET", get).read(), b"hello")
        want([fetch("GET", u).status for u in (get.replace("/mine", "/k"), get.replace("ignature=", "ignature=x"), get.split("?")[0])], [403] * 3)


def unserved():
    """Any operation must have been driven above, or be refused in AWS's words."""
    for service, refusal in (("elasticbeanstalk", "InvalidAction"), ("ecr", "UnknownOperationException"), ("sts", "InvalidAction"), ("iam", "InvalidAction"),
                             ("s3", "NotImplemented")):
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
    return {"structure": {}, "list": [], "map": {}, "integer": 1, "boolean": True}.get(shape.type_name, "large")


everything()
