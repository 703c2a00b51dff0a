"""For every test: a property is judged by what comes out, never by how long a busy machine took for one example
or to think of it."""

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
