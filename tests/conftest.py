"""Settings shared by all tests: hypothesis prints a blob to replay a failure, and no test has a deadline.

The machine that runs them may be busy with anything else.
"""

import subprocess
import sys

from hypothesis import HealthCheck, settings

COMPILE = "import engine.directory; from engine.native import warm; warm()"

settings.register_profile(
    "tamis", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow], derandomize=False
)
settings.load_profile("tamis")


def pytest_configure(config):
    """Kernels are compiled once, before several processes that run tests would each compile the same ones."""
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        subprocess.run([sys.executable, "-c", COMPILE], check=True)
