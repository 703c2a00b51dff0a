"""For every test: a property is judged by what comes out, never by how long a busy machine took for one example."""

from hypothesis import settings

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
