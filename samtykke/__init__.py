"""The command line, the config file and the wiring. Imports every other package; nothing imports this one.

    cli        one program, every command, exit codes
    commands/  one file per command or group
    config     samtykke.toml and the environment, checked strictly
    wiring     a config made into running parts: rules, stores, proxy, scanner
    up         the main job: scan, compile, publish, serve
    demo/      the bundled shop full of trackers

Exit codes: 0 fine, 1 the answer is "no", 2 usage or config error, 3 site, database or browser out of reach.
"""

__version__ = "0.1.0"
