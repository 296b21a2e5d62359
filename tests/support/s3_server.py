"""An S3-compatible store (moto's server), which checks signatures; runs by the Python of .cache/moto.

    s3_server.py BUCKET

Makes the bucket, and a key that may use it and one that may not; writes one line of JSON with the
URL and both keys, and serves until its standard input ends.
"""

import json
import os
import sys

# each request behind the ones that set it up has to be signed by a key that may do what it asks
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "6"

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
anybody = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
iam = boto3.client("iam", endpoint_url=url, **anybody)
policy = {"Version": "2012-10-17",
          "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
boto3.client("s3", endpoint_url=url, **anybody).create_bucket(Bucket=sys.argv[1])
iam.create_user(UserName="archiver")
iam.put_user_policy(UserName="archiver", PolicyName="s3", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="archiver")["AccessKey"]
iam.create_user(UserName="other")
other = iam.create_access_key(UserName="other")["AccessKey"]
print(json.dumps({"url": url, "keys": [[one["AccessKeyId"], one["SecretAccessKey"]]
                                       for one in (key, other)]}), flush=True)
sys.stdin.read()
server.stop()
