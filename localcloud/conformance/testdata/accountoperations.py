"""Drives the operations of IAM, Service Quotas and EC2."""

from cloud import *

iam, servicequotas, ec2 = client("iam"), client("service-quotas"), client("ec2")
ACCOUNT = CLOUDS["quick"]["account"]
MANAGED = "arn:aws:iam::aws:policy/"


def roles():
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    made = iam.create_role(RoleName="web", Path="/team/", AssumeRolePolicyDocument=json.dumps(trust), Description="a < b & ü", MaxSessionDuration=7200,
                           Tags=[{"Key": "k", "Value": ""}])["Role"]
    want((made["Arn"], made["AssumeRolePolicyDocument"]), ("arn:aws:iam::%s:role/team/web" % ACCOUNT, trust))
    want(iam.get_role(RoleName="web")["Role"], made)
    want([r["RoleName"] for r in iam.list_roles(PathPrefix="/team/")["Roles"]], ["web"])
    iam.update_assume_role_policy(RoleName="web", PolicyDocument=json.dumps(trust, indent=2))
    want(iam.get_role(RoleName="web")["Role"]["AssumeRolePolicyDocument"], trust)
    policies(MANAGED + "AWSElasticBeanstalkWebTier", MANAGED + "service-role/AWSElasticBeanstalkEnhancedHealth")
    iam.create_instance_profile(InstanceProfileName="web", Tags=[{"Key": "k", "Value": "v"}])
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    profile = iam.get_instance_profile(InstanceProfileName="web")["InstanceProfile"]
    want((profile["Arn"], profile["Roles"][0]["Arn"], profile["Tags"]), ("arn:aws:iam::%s:instance-profile/web" % ACCOUNT, made["Arn"], [{"Key": "k", "Value": "v"}]))
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName="web")
    want([p["InstanceProfileName"] for page in iam.get_paginator("list_instance_profiles").paginate(PaginationConfig={"PageSize": 1})
          for p in page["InstanceProfiles"]], ["aws-elasticbeanstalk-ec2-role", "web"])


def policies(first, second):
    for arn in (first, second):
        iam.attach_role_policy(RoleName="web", PolicyArn=arn)
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName="web", PaginationConfig={"PageSize": 1})
    want([p["PolicyArn"] for page in pages for p in page["AttachedPolicies"]], [first, second])
    of = iam.get_policy(PolicyArn=second)["Policy"]
    version = iam.get_policy_version(PolicyArn=second, VersionId=of["DefaultVersionId"])["PolicyVersion"]
    want((of["AttachmentCount"], version["Document"]["Version"]), (2, "2012-10-17"))
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::a b+c/*",
                                                        "Condition": {"StringEquals": {"aws:PrincipalTag/k": "v"}}}]}
    iam.put_role_policy(RoleName="web", PolicyName="more", PolicyDocument=json.dumps(document))
    want(iam.list_role_policies(RoleName="web")["PolicyNames"], ["more"])
    want(iam.get_role_policy(RoleName="web", PolicyName="more")["PolicyDocument"], document)
    result = simulated("role/team/web", "s3:GetObject", "arn:aws:s3:::a b+c/x")
    want((result["EvalDecision"], result["MissingContextValues"]), ("implicitDeny", ["aws:PrincipalTag/k"]))
    result = simulated("role/team/web", "s3:GetObject", "arn:aws:s3:::a b+c/x", {"ContextKeyName": "aws:PrincipalTag/k", "ContextKeyValues": ["v"], "ContextKeyType": "string"})
    want((result["EvalDecision"], result["MatchedStatements"][0]["SourcePolicyId"]), ("allowed", "role_web_more"))
    want(simulated("user/local", "ecr:PutImage", "*")["EvalDecision"], "allowed")


def simulated(who, action, resource, *context):
    return iam.simulate_principal_policy(PolicySourceArn="arn:aws:iam::%s:%s" % (ACCOUNT, who), ActionNames=[action], ResourceArns=[resource],
                                         ContextEntries=context)["EvaluationResults"][0]


def quotas():
    of = servicequotas.get_service_quota(ServiceCode="elasticbeanstalk", QuotaCode="L-8EFC1C51")["Quota"]
    want((of["QuotaName"], of["Value"], of["QuotaArn"]), ("Environments", 200.0, "arn:aws:servicequotas:%s:%s:elasticbeanstalk/L-8EFC1C51" % (REGION, ACCOUNT)))
    pages = servicequotas.get_paginator("list_service_quotas").paginate(ServiceCode="elasticbeanstalk", PaginationConfig={"PageSize": 2})
    want([(q["QuotaName"], q["Value"]) for page in pages for q in page["Quotas"]],
         [("Application versions", 1000.0), ("Applications", 75.0), ("Configuration templates", 2000.0), ("Custom platform versions", 50.0), ("Environments", 200.0)])
    want(servicequotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-0263D0A3")["Quota"]["Value"], 200.0)
    for service, code in (("ec3", "L-0263D0A3"), ("ec2", "L-8EFC1C51")):
        check_refusal(servicequotas.get_service_quota, "NoSuchResourceException", "", {"ServiceCode": service, "QuotaCode": code})
    check_refusal(servicequotas.list_service_quotas, "InvalidPaginationTokenException", "", {"ServiceCode": "ec2", "NextToken": "abc"})


def addresses(eb):
    """An environment with a single instance has an elastic IP; one with a load balancer has none."""
    instance = eb.describe_environment_resources(EnvironmentName="shop-one")["EnvironmentResources"]["Instances"][0]["Id"]
    mine = [a for a in ec2.describe_addresses()["Addresses"] if a["InstanceId"] == instance]
    want([(a["Domain"], a["AllocationId"][:9]) for a in mine], [("vpc", "eipalloc-")])
    check_refusal(ec2.describe_addresses, "UnknownParameter", "", {"PublicIps": ["198.51.100.1"]})
