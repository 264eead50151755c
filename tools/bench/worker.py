"""A resident process that does one piece of work at a time when it is asked over its pipes."""

import json
import os
import re
import subprocess
import sys


class Failure(Exception):
    """What ends a benchmark: one line for the person who started it."""


class Worker:
    def __init__(self, name: str, command, environment=None):
        self.name = name
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, **(environment or {})})

    def ask(self, request):
        """Sends a request and waits for the answer; nothing else runs meanwhile."""
        answer = self.try_ask(request)
        if isinstance(answer, dict) and "error" in answer:
            raise Failure(f"{self.name}: {answer['error']}")
        return answer

    def try_ask(self, request):
        """As `ask`, but an error is an answer."""
        try:
            self.process.stdin.write(json.dumps(request, default=str) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failure(f"{self.name} ended with {self.process.wait()}")
        return json.loads(line)

    def forget_peak(self):
        """Has the system count the most memory anew, where it can."""
        try:
            with open(f"/proc/{self.process.pid}/clear_refs", "w") as file:
                file.write("5")
        except OSError:
            pass

    @property
    def peak_bytes(self) -> int:
        """The most memory that was resident at a time, mapped files with it; 0 where the system doesn't tell."""
        try:
            with open(f"/proc/{self.process.pid}/status") as file:
                found = re.search(r"^VmHWM:\s+(\d+) kB$", file.read(), re.MULTILINE)
        except OSError:
            return 0
        return int(found[1]) * 1024 if found else 0

    def close(self):
        """Ends the process: without requests it has nothing left to do."""
        try:
            self.process.stdin.close()
            self.process.wait(timeout=30)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()


def python_command(script):
    return [sys.executable, "-B", script]
