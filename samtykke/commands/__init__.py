"""One file per command or group of commands: options in, a call into the packages, words or JSON out.

Single commands offer `register(app)`, groups offer `app`. What they share is in `options`.
"""
