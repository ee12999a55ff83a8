"""Clients of the clouds under test, and cases, each of which is reported as a line of JSON.

The clouds come as JSON on standard input: name -> endpoint, key, secret, account."""

import contextlib
import io
import json
import re
import sys
import time
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

import model

REGION = "eu-west-1"
PROFILE = {"Namespace": "aws:autoscaling:launchconfiguration", "OptionName": "IamInstanceProfile", "Value": "aws-elasticbeanstalk-ec2-role"}
SINGLE = {"Namespace": "aws:elasticbeanstalk:environment", "OptionName": "EnvironmentType", "Value": "SingleInstance"}
ROLE = {"Namespace": "aws:elasticbeanstalk:environment", "OptionName": "ServiceRole", "Value": "aws-elasticbeanstalk-service-role"}
ENHANCED = {"Namespace": "aws:elasticbeanstalk:healthreporting:system", "OptionName": "SystemType", "Value": "enhanced"}

CLOUDS = json.load(sys.stdin)
driven = set()  # operations that succeeded
refusals = []  # one entry for each call that was to be refused
noticed = []  # faults of the answers in the case under way


def client(service, cloud="quick", region=REGION, validate=True, signature=None):
    """A client that sends each request once, and checks each answer against the model."""
    at = CLOUDS[cloud]
    made = boto3.client(service, region_name=region, endpoint_url=at["endpoint"], aws_access_key_id=at["key"], aws_secret_access_key=at["secret"],
                        config=Config(parameter_validation=validate, retries={"total_max_attempts": 1}, signature_version=signature))

    def look(http_response, parsed, model: object, **_):
        if http_response.status_code < 300:
            driven.add(service + ":" + model.name)
        noticed.extend("%s: %s" % (model.name, f) for f in check(model, http_response, parsed))

    made.meta.events.register("after-call", look)
    return made


check = model.faults


@contextlib.contextmanager
def case(name):
    """Reports whether the block went well, and every answer in it was as modelled."""
    try:
        yield
    except Exception as e:  # reported, not lost: the other cases still run
        noticed.append("%s: %s" % (type(e).__name__, e))
    print(json.dumps({"case": name, "faults": noticed}))
    noticed.clear()


def finish():
    print(json.dumps({"driven": sorted(driven), "refusals": len(refusals)}))


def want(got, expected):
    if got != expected:
        raise AssertionError("got %r, want %r" % (got, expected))


def refused(name, call, code, text="", **params):
    """One case: the call must fail with the code and a message that contains the text."""
    with case(name):
        check_refusal(call, code, text, params)


def check_refusal(call, code, text, params):
    refusals.append(code)
    try:
        call(**params)
    except ClientError as e:
        got = e.response["Error"]
        if got["Code"] != code or not re.search(text, got.get("Message", "")):
            raise AssertionError("refused with %s: %s; want %s: %s" % (got["Code"], got.get("Message"), code, text))
    else:
        raise AssertionError("accepted; want %s: %s" % (code, text))


def until(look, seconds=20):
    """Looks until it sees something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = look()
        if seen:
            return seen
        time.sleep(0.02)
    raise AssertionError("waited %d s in vain" % seconds)


def row(eb, name):
    """The environment's living row, or the newest of its terminated ones."""
    rows = eb.describe_environments(EnvironmentNames=[name])["Environments"]
    rows.sort(key=lambda e: (e["Status"] != "Terminated", e["DateUpdated"]))
    return rows[-1]


def settled(eb, name):
    """Waits until nothing is under way."""
    return until(lambda: [e for e in [row(eb, name)] if e["Status"] in ("Ready", "Terminated")])[0]


def stack(eb, of="ECS"):
    return next(s for s in eb.list_available_solution_stacks()["SolutionStacks"] if s.endswith("running " + of))


def bundle(text="{}"):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as z:
        z.writestr("Dockerrun.aws.json", text)
    return body.getvalue()


def make_version(cloud, app, label, **more):
    """Uploads a bundle and registers it; the application comes with it."""
    eb = client("elasticbeanstalk", cloud)
    bucket = eb.create_storage_location()["S3Bucket"]
    key = "%s/%s.zip" % (app, label)
    client("s3", cloud).put_object(Bucket=bucket, Key=key, Body=bundle(label))
    return eb.create_application_version(ApplicationName=app, VersionLabel=label, AutoCreateApplication=True,
                                         SourceBundle={"S3Bucket": bucket, "S3Key": key}, **more)


def launch(eb, app, name, settle=True, **more):
    """Creates an environment that can run, and waits for it."""
    more.setdefault("SolutionStackName", stack(eb))
    options = [PROFILE, SINGLE] + more.pop("OptionSettings", [])
    made = eb.create_environment(ApplicationName=app, EnvironmentName=name, CNAMEPrefix=name, OptionSettings=options, **more)
    return settled(eb, name) if settle else made
