#!/usr/bin/env python3
"""Fails when a pure layer's library calls for a descriptor, a clock, a thread or a log.

    pure.py LIBRARY.a
"""
import re
import subprocess
import sys

# hs2's handle.c asks the kernel for random bytes: that is its task, and nothing but getrandom
ALLOWED = {"getrandom"}
FORBIDDEN = re.compile(
    r"^(open|close|read|write|send|recv|socket|connect|accept|poll|epoll_\w+|select|fopen|fclose|"
    r"fread|fwrite|printf|fprintf|puts|time|clock_gettime|gettimeofday|g_get_monotonic_time|"
    r"g_get_real_time|pthread_create|pthread_mutex_\w+|uv_\w+|g_log\w*|g_print\w*|hg_log\w*|getenv|"
    r"nanosleep|usleep)$"
)

lines = subprocess.run(
    ["nm", "--undefined-only", sys.argv[1]], capture_output=True, text=True, check=True
).stdout.splitlines()
undefined = {line.split()[-1].split("@")[0] for line in lines if " U " in line}
if not undefined:
    sys.exit(f"{sys.argv[1]}: no symbols were read")
bad = sorted(name for name in undefined - ALLOWED if FORBIDDEN.match(name))
for name in bad:
    print(f"{sys.argv[1]}: a pure layer may not call {name}")
sys.exit(bool(bad))
