"""The log-ins of a matrix: each line of standard input is one, as JSON, and each line of standard output what became of it.

A client writes the value as one record to the topic's first partition, and answers what it reads at the beginning of that.
"""

import json
import ssl
import sys


def serve(exchange):
    for line in sys.stdin:
        login = json.loads(line)
        try:
            answer = {"read": exchange(login)}
        except Exception as e:  # whatever a client raises is the answer to this log-in alone
            answer = {"error": repr(e)}
        print(json.dumps({"name": login["name"], **answer}), flush=True)


def tls(login):
    """The TLS context of a log-in, with its certificate where it has one; None where the listener has no TLS."""
    if not login.get("ca"):
        return None
    context = ssl.create_default_context(cafile=login["ca"])
    if login.get("certificate"):
        context.load_cert_chain(login["certificate"], login["key"])
    return context
