"""Members of consumer groups that do as they are told: what the two Python clients have in common.

Commands come and events go as with the Java program Members.
"""

import json
import sys
import threading


class Member:
    """A member commits what it has told of before others can get the partitions. run() is the client's."""

    def __init__(self, name):
        self.name = name
        self.closing = False
        self.held = threading.Event()
        self.held.set()
        self.next = {}

    def read(self, at, offset):
        self.next[at] = offset + 1
        self.tell("record", [at], offset)

    def assigned(self, places):
        self.tell("assigned", places)

    def take(self, places):
        """Takes away partitions; returns where the next record of each would be."""
        return {at: self.next.pop(at) for at in places if at in self.next}

    def lost(self, places):
        self.tell("lost", places)
        self.take(places)

    def tell(self, what, places=(), offset=0, error=""):
        partitions = [f"{topic}:{partition}" for topic, partition in places]
        line = {"member": self.name, "what": what, "partitions": partitions, "offset": offset, "error": error}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def serve(start):
    """Carries out commands; start(name, role) makes a member."""
    members = {}
    for line in sys.stdin:
        command = json.loads(line)
        name = command["member"]
        if command["do"] == "start":
            members[name] = start(name, command)
            threading.Thread(target=members[name].run).start()
        elif command["do"] == "close":
            members[name].closing = True
        elif command["do"] == "hold":
            members[name].held.clear()
        elif command["do"] == "release":
            members[name].held.set()
        else:
            sys.exit(f"unknown command {line}")
