"""Sends wrong input for every parameter of every operation that the cloud serves."""

from cloud import *
from constraints import Judge


def served(judge):
    """The operations that the cloud does not refuse to know, or to everyone."""
    for name in judge.client.meta.service_model.operation_names:
        try:
            judge.client._make_api_call(name, {})
        except ClientError as e:
            if e.response["Error"]["Code"] in ("InvalidAction", "UnknownOperationException", "MissingAuthenticationToken", "AccessDenied"):
                continue
        yield name


for service in ("elasticbeanstalk", "ecr", "elbv2", "iam", "service-quotas", "autoscaling"):
    judge = Judge(service)
    with case("operations of " + service):
        names = list(served(judge))
        noticed.clear()
    for name in names:
        judge.operation(name)
finish()
