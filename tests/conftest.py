"""Settings shared by all tests: hypothesis prints a blob to replay a failure, and no test has a deadline.

The machine that runs them may be busy with anything else.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "tamis", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow], derandomize=False
)
settings.load_profile("tamis")
