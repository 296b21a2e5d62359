"""Values that the chart is tested with: its examples, and a matrix of what can be set another way."""

import itertools
from typing import Any

from .chart import EXAMPLES

ALONE = {
    "spark": {"enabled": False},
    "metastore": {"enabled": False},
    "postgresql": {"enabled": False},
    "endpoints": ["spark-1.example.org:10000"],
    "audit": {"enabled": False},
}
DATABASE = {"host": "db.example.org", "existingSecret": "metastore-database"}
AUDIT = {"database": {"host": "db.example.org", "existingSecret": "audit-database"}}

# Each part another way than by default; the product of the dimensions is the matrix.
TLS = {
    "generated": {},
    "secret": {"tls": {"source": "secret", "secretName": "my-certificate"}},
    "cert-manager": {"tls": {"source": "cert-manager", "issuer": {"name": "ca"}}},
    "no-tls": {"tls": {"source": "none"}},
}
DOORS = {
    "binary": {},
    "http": {"listeners": {"binary": {"enabled": False}, "http": {"enabled": True}}},
    "both": {"listeners": {"http": {"enabled": True}, "trustedProxies": ["10.0.0.0/8"]}},
}
STACKS = {
    "whole": {},
    "executors": {"spark": {"executors": {"mode": "kubernetes"}, "warehouse": "s3a://w/t"}},
    "static": {"spark": {"discovery": "static"}},
    "alone": ALONE,
    "database": {
        "metastore": {"database": DATABASE},
        "audit": AUDIT,
        "postgresql": {"enabled": False},
    },
}
MATRIX = {
    "-".join(names): [TLS[names[0]], DOORS[names[1]], STACKS[names[2]]]
    for names in itertools.product(TLS, DOORS, STACKS)
}
ODD = {
    "everything": [
        {
            "commonLabels": {"team": "data"},
            "imagePullSecrets": ["registry"],
            "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
            "prometheusRule": {"enabled": True},
            "dashboard": {"enabled": True},
            "autoscaling": {"enabled": True, "targetSessions": 200},
            "service": {"type": "LoadBalancer", "loadBalancerClass": "example.org/nlb"},
            "networkPolicy": {"clients": [{"namespaceSelector": {}}]},
            "podLabels": {"mesh": "off"},
            "tolerations": [{"key": "sql", "operator": "Exists"}],
            "nodeSelector": {"disk": "ssd"},
            "config": {"limits": {"sessions": 500}, "workers": 4},
            "pool": {"login": "service", "user": "hivegate", "password_env": "PASSWORD"},
            "env": [{"name": "PASSWORD", "value": "x"}],
        }
    ],
    "no-extras": [
        {
            "networkPolicy": {"enabled": False},
            "persistence": {"enabled": False},
            "podDisruptionBudget": {"enabled": False},
            "topologySpread": [],
            "serviceAccount": {"create": False},
            "test": {"enabled": False},
            "service": {"affinitySeconds": 0},
        }
    ],
    "dns": [
        ALONE,
        {"endpoints": [], "pool": {"discovery": "dns", "dns": {"name": "sts.example.org"}}},
    ],
    "policies": [
        {
            "policies": {
                "rules": {
                    "default_access": "allow",
                    "policies": [
                        {
                            "name": "own-department",
                            "tables": ["hr.emp"],
                            "row_filter": "dept = 'a'",
                            "masks": {"ssn": "MASK_SHOW_LAST_4"},
                        }
                    ],
                },
                "settings": {"user": "hivegate", "schema_ttl": "1m"},
            }
        }
    ],
    "balancer": [{"listeners": {"proxyProtocol": ["10.0.0.0/8"], "address": "[::]"}}],
    "long-name": [{"fullnameOverride": "a-very-long-name-of-a-release-that-is-cut-somewhere"}],
}
EXAMPLE_VALUES: dict[str, list[Any]] = {path.stem: [path] for path in EXAMPLES}
ALL = {**EXAMPLE_VALUES, **MATRIX, **ODD}
# Secrets and ConfigMaps that examples and the matrix take from elsewhere
OUTSIDE = {
    "my-certificate", "hivegate-users", "hivegate-ldap", "hivegate-spark", "hivegate-test-user",
    "spark-s3", "metastore-database", "audit-database", "hadoop-site",
}  # fmt: skip
